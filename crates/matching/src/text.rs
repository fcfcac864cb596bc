//! Words of a text, folded, stemmed and hashed, with the bytes they came from.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::LazyLock;

use deunicode::deunicode_char;
use rust_stemmers::{Algorithm, Stemmer};
use xxhash_rust::xxh3::xxh3_64;

/// scikit-learn's English stop list, 318 words, one a line.
static STOP_WORDS: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| include_str!("../data/stop_words.txt").lines().collect());

/// Most bytes of one text that are looked at; longer texts are cut at a character.
pub(crate) const MAXIMUM_TEXT: usize = 200_000;

/// Most stems one thread remembers.
const STEM_CACHE: usize = 20_000;

/// One word of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// Bytes in the original text.
    pub span: Range<usize>,
    /// Lower case, without accents, not stemmed.
    pub folded: String,
}

impl Word {
    /// Whether the word is one of the 318 that carry no meaning of their own.
    pub fn is_stop_word(&self) -> bool {
        is_stop_word(&self.folded)
    }

    /// Hash of the word's stem: what two forms of a word have in common.
    pub fn term(&self) -> u32 {
        term(&self.folded)
    }
}

/// Whether a folded word is on the English stop list.
pub fn is_stop_word(folded: &str) -> bool {
    STOP_WORDS.contains(folded)
}

/// Hash of the stem of a folded word.
pub fn term(folded: &str) -> u32 {
    thread_local! {
        static STEMS: RefCell<(Stemmer, HashMap<String, u32>)> =
            RefCell::new((Stemmer::create(Algorithm::English), HashMap::new()));
    }
    STEMS.with_borrow_mut(|(stemmer, known)| {
        if let Some(hash) = known.get(folded) {
            return *hash;
        }
        let hash = hash(&stemmer.stem(folded));
        if known.len() >= STEM_CACHE {
            known.clear();
        }
        known.insert(folded.to_owned(), hash);
        hash
    })
}

/// 32-bit hash that is the same on every machine and in every version.
pub fn hash(text: &str) -> u32 {
    // The low half of a 64-bit hash is as good as a hash of its own.
    (xxh3_64(text.as_bytes()) & u64::from(u32::MAX)) as u32
}

/// The text cut to the most bytes that are looked at.
pub(crate) fn bounded(text: &str) -> &str {
    let mut end = text.len().min(MAXIMUM_TEXT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or(text)
}

/// The terms of a text's words that say what it is about: no stop words, and none of two letters or less.
pub fn significant(text: &str) -> HashSet<u32> {
    words(text).iter().filter(|word| !word.is_stop_word() && word.folded.len() > 2).map(Word::term).collect()
}

/// The words of a text in order. A word is a run of letters and digits; `+` and `#` belong to it when they follow
/// directly ("c++", "c#").
pub fn words(text: &str) -> Vec<Word> {
    let text = bounded(text);
    let mut words = Vec::new();
    let mut current: Option<Word> = None;
    for (start, character) in text.char_indices() {
        let sign = matches!(character, '+' | '#') && current.is_some();
        if !character.is_alphanumeric() && !sign {
            words.extend(current.take());
            continue;
        }
        let word = current.get_or_insert_with(|| Word { span: start..start, folded: String::new() });
        word.span.end = start + character.len_utf8();
        fold_into(&mut word.folded, character);
    }
    words.extend(current);
    words.retain(|word| !word.folded.is_empty());
    words
}

/// Appends the lower-case form of a character without its accents.
pub(crate) fn fold_into(folded: &mut String, character: char) {
    if character.is_ascii() {
        folded.push(character.to_ascii_lowercase());
        return;
    }
    match deunicode_char(character) {
        Some(plain) => folded.extend(plain.trim().chars().map(|plain| plain.to_ascii_lowercase())),
        None => folded.extend(character.to_lowercase()),
    }
}

/// A text folded for phrase search: lower case, no accents, every run of spaces, tabs, hyphens and underscores one space; with the
/// way back to the original bytes.
#[derive(Debug, Clone)]
pub struct Folded {
    text: String,
    /// For every byte of `text`, where its character starts in the original.
    starts: Vec<u32>,
    /// For every byte of `text`, where its character ends in the original.
    ends: Vec<u32>,
}

impl Folded {
    /// Folds a text, at most 200,000 bytes of it.
    pub fn new(text: &str) -> Self {
        let text = bounded(text);
        let mut folded = Self { text: String::with_capacity(text.len()), starts: Vec::new(), ends: Vec::new() };
        for (start, character) in text.char_indices() {
            let end = start + character.len_utf8();
            match character {
                '\n' | '\r' => folded.text.push('\n'),
                '-' | '_' | '\u{2010}'..='\u{2015}' => folded.push_space(),
                '\u{2018}' | '\u{2019}' => folded.text.push('\''),
                _ if character.is_whitespace() => folded.push_space(),
                _ => fold_into(&mut folded.text, character),
            }
            // Positions fit: the text is at most 200,000 bytes.
            folded.starts.resize(folded.text.len(), start as u32);
            folded.ends.resize(folded.text.len(), end as u32);
        }
        folded
    }

    fn push_space(&mut self) {
        if !self.text.ends_with(' ') {
            self.text.push(' ');
        }
    }

    /// The folded text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Bytes of the original text behind a range of the folded one; empty when the range is out of bounds.
    pub fn original(&self, range: &Range<usize>) -> Range<usize> {
        let start = self.starts.get(range.start).copied().unwrap_or(0) as usize;
        let end = range.end.checked_sub(1).and_then(|last| self.ends.get(last)).copied().unwrap_or(0) as usize;
        start..end.max(start)
    }

    /// Whether a range of the folded text stands as whole words: nothing that belongs to a word touches it.
    pub fn is_whole(&self, range: &Range<usize>) -> bool {
        let before = self.text.get(..range.start).and_then(|text| text.chars().next_back());
        let mut after = self.text.get(range.end..).unwrap_or_default().chars();
        let next = after.next();
        let joins = |character: char| character.is_alphanumeric();
        if before.is_some_and(joins) || next.is_some_and(|next| joins(next) || matches!(next, '+' | '#')) {
            return false;
        }
        // "node.js" is not "node", while "Node. We" is.
        !(next == Some('.') && after.next().is_some_and(|letter| letter.is_alphabetic()))
    }
}

/// One phrase folded as texts are.
pub fn fold_phrase(phrase: &str) -> String {
    Folded::new(phrase).text.trim().replace('\n', " ")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn words_are_folded_and_keep_their_bytes() {
        let text = "Développeur C++, C# & Zürich-based (R&D)";
        let found: Vec<(String, &str)> =
            words(text).into_iter().map(|word| (word.folded.clone(), &text[word.span])).collect();
        let expected = [
            ("developpeur", "Développeur"),
            ("c++", "C++"),
            ("c#", "C#"),
            ("zurich", "Zürich"),
            ("based", "based"),
            ("r", "R"),
            ("d", "D"),
        ];
        assert_eq!(found, expected.map(|(folded, original)| (folded.to_owned(), original)));
    }

    #[test]
    fn forms_of_a_word_share_a_term() {
        assert_eq!(term("database"), term("databases"));
        assert_ne!(term("java"), term("javascript"));
        assert_eq!(STOP_WORDS.len(), 318);
    }

    #[test]
    fn folding_finds_its_way_back() {
        let text = "Große  Machine\u{2011}Learning-Teams";
        let folded = Folded::new(text);
        assert_eq!(folded.text(), "grosse machine learning teams");
        let start = folded.text().find("machine").unwrap();
        assert_eq!(&text[folded.original(&(start..start + "machine learning".len()))], "Machine\u{2011}Learning");
    }
}
