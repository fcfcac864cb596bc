//! A title as a comparison sees it: what the work is, apart from season, year, kind, degree, level and grade.

use std::collections::HashMap;
use std::sync::LazyLock;

use aerie_postings::text::{fold, truncate_characters, words};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::vocabulary::{
    COMMON, DEGREES, EXPANSIONS, FILLERS, GRADES, KINDS, LEVELS, PHRASES, SEASONS, SYNONYMS, VERY_COMMON,
};

/// Longest title that is read, in characters.
const MAX_CHARACTERS: usize = 300;

/// Most words of the work that are kept.
const MAX_WORDS: usize = 24;

/// Years that a title can name: bit 0 is 2000.
const FIRST_YEAR: u32 = 2000;
const LAST_YEAR: u32 = FIRST_YEAR + 63;

/// One word of the work: its hash and how much a match on it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Word {
    /// Hash of the word.
    pub hash: u32,
    /// Information in sixths of the rarest class: 1 very common, 3 common, 6 other.
    pub weight: u8,
}

/// The comparison form of a title.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TitleForm {
    /// Words of the work in order of their hashes, without repetition.
    pub words: Vec<Word>,
    /// Hash of all folded words in order.
    pub exact: u32,
    /// Season bits: winter 1, spring 2, summer 4, autumn 8.
    pub seasons: u8,
    /// Year bits, bit 0 is 2000.
    pub years: u64,
    /// Kind bits: internship 1, graduate 2.
    pub kinds: u8,
    /// Degree bits: bachelor 1, master 2, doctorate 4.
    pub degrees: u8,
    /// Level bits, see the vocabulary.
    pub levels: u16,
    /// Grade bits: bit n is grade n.
    pub grades: u8,
}

/// What a folded word means in a title.
#[derive(Debug, Clone, Copy)]
enum Meaning {
    Season(u8),
    Kind(u8),
    Degree(u8),
    Level(u16),
    Grade(u8),
    Filler,
    Work(u8),
}

static MEANINGS: LazyLock<HashMap<&'static str, Meaning>> = LazyLock::new(|| {
    let mut meanings = HashMap::new();
    meanings.extend(COMMON.iter().map(|word| (*word, Meaning::Work(3))));
    meanings.extend(VERY_COMMON.iter().map(|word| (*word, Meaning::Work(1))));
    meanings.extend(FILLERS.iter().map(|word| (*word, Meaning::Filler)));
    meanings.extend(SEASONS.iter().map(|(word, bit)| (*word, Meaning::Season(*bit))));
    meanings.extend(KINDS.iter().map(|(word, bit)| (*word, Meaning::Kind(*bit))));
    meanings.extend(DEGREES.iter().map(|(word, bit)| (*word, Meaning::Degree(*bit))));
    meanings.extend(LEVELS.iter().map(|(word, bit)| (*word, Meaning::Level(*bit))));
    meanings.extend(GRADES.iter().map(|(word, bit)| (*word, Meaning::Grade(*bit))));
    meanings
});

static SPELLINGS: LazyLock<HashMap<&'static str, &'static str>> =
    LazyLock::new(|| SYNONYMS.iter().flat_map(|(word, forms)| forms.iter().map(|form| (*form, *word))).collect());

type Phrase = (&'static [&'static str], &'static [&'static str]);

/// Phrases by their first word, longest first.
static PHRASES_BY_START: LazyLock<HashMap<&'static str, Vec<Phrase>>> = LazyLock::new(|| {
    let mut by_start: HashMap<&'static str, Vec<Phrase>> = HashMap::new();
    for (phrase, replacement) in PHRASES {
        if let Some(first) = phrase.first() {
            by_start.entry(first).or_default().push((phrase, replacement));
        }
    }
    for phrases in by_start.values_mut() {
        phrases.sort_by_key(|(phrase, _)| std::cmp::Reverse(phrase.len()));
    }
    by_start
});

impl TitleForm {
    /// Reads a title. Words of the company's own name (`company_words`, folded) say nothing and are left out.
    pub fn new(title: &str, company_words: &[&str]) -> Self {
        let folded = fold(truncate_characters(title, MAX_CHARACTERS)).replace('\'', "").replace('_', " ");
        let tokens: Vec<&str> =
            words(&folded).map(|word| word.trim_matches('.')).filter(|word| !word.is_empty()).collect();
        let mut form = Self { exact: hash_sequence(&tokens), ..Self::default() };
        let mut position = 0;
        while let Some(token) = tokens.get(position) {
            if let Some((length, replacement)) = phrase_at(&tokens, position) {
                for word in replacement {
                    form.add(word, company_words);
                }
                position += length;
                continue;
            }
            if let Some((_, expansion)) = EXPANSIONS.iter().find(|(short, _)| short == token) {
                for word in *expansion {
                    form.add(word, company_words);
                }
            } else {
                form.add(token, company_words);
            }
            position += 1;
        }
        form.words.sort_unstable();
        form.words.dedup();
        form.words.truncate(MAX_WORDS);
        form
    }

    /// Kind bits that some words name ("internship", "New Grad"): for hints outside the title.
    pub fn kinds_in(text: &str) -> u8 {
        Self::new(text, &[]).kinds
    }

    fn add(&mut self, token: &str, company_words: &[&str]) {
        if let Some(year) = year(token) {
            self.years |= 1 << (year - FIRST_YEAR);
            return;
        }
        let word = SPELLINGS.get(token).copied().unwrap_or(token);
        match MEANINGS.get(word).copied() {
            Some(Meaning::Season(bit)) => self.seasons |= bit,
            Some(Meaning::Kind(bit)) => self.kinds |= bit,
            Some(Meaning::Degree(bit)) => self.degrees |= bit,
            Some(Meaning::Level(bit)) => self.levels |= bit,
            Some(Meaning::Grade(bit)) => self.grades |= bit,
            Some(Meaning::Filler) => {}
            _ if company_words.contains(&word) || company_words.contains(&token) => {}
            Some(Meaning::Work(weight)) => self.words.push(Word { hash: hash_word(word), weight }),
            None => self.words.push(Word { hash: hash_word(word), weight: 6 }),
        }
    }

    /// Hash of the work alone, whatever the order of its words.
    pub fn work_key(&self) -> u64 {
        let bytes: Vec<u8> = self.words.iter().flat_map(|word| word.hash.to_le_bytes()).collect();
        xxh3_64(&bytes)
    }

    /// Sum of the weights of the words in units of the rarest class.
    pub fn weight(&self) -> f32 {
        self.words.iter().map(|word| f32::from(word.weight)).sum::<f32>() / 6.0
    }
}

/// Common part and both rests of two word lists in order of hash, in units of the rarest class.
pub(super) fn overlap(left: &[Word], right: &[Word]) -> Overlap {
    let mut result = Overlap::default();
    let (mut lefts, mut rights) = (left.iter().peekable(), right.iter().peekable());
    loop {
        let ordering = match (lefts.peek(), rights.peek()) {
            (None, None) => return result,
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (Some(one), Some(other)) => one.hash.cmp(&other.hash),
        };
        let take = |word: Option<&Word>| word.map_or(0.0, |word| f32::from(word.weight) / 6.0);
        match ordering {
            std::cmp::Ordering::Less => {
                result.left_only += take(lefts.next());
                result.left_words += 1;
            }
            std::cmp::Ordering::Greater => {
                result.right_only += take(rights.next());
                result.right_words += 1;
            }
            std::cmp::Ordering::Equal => {
                result.shared += take(lefts.next());
                rights.next();
                result.shared_words += 1;
            }
        }
    }
}

/// Weights and numbers of words shared and not shared.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Overlap {
    pub shared: f32,
    pub left_only: f32,
    pub right_only: f32,
    pub shared_words: u32,
    pub left_words: u32,
    pub right_words: u32,
}

fn phrase_at(tokens: &[&str], position: usize) -> Option<(usize, &'static [&'static str])> {
    let candidates = PHRASES_BY_START.get(tokens.get(position)?)?;
    let rest = tokens.get(position..)?;
    candidates
        .iter()
        .find(|(phrase, _)| rest.starts_with(phrase))
        .map(|(phrase, replacement)| (phrase.len(), *replacement))
}

fn year(token: &str) -> Option<u32> {
    if token.len() != 4 {
        return None;
    }
    token.parse::<u32>().ok().filter(|year| (FIRST_YEAR..=LAST_YEAR).contains(year))
}

pub(super) fn hash_word(word: &str) -> u32 {
    (xxh3_64(word.as_bytes()) >> 32) as u32
}

fn hash_sequence(tokens: &[&str]) -> u32 {
    hash_word(&tokens.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn work(title: &str) -> u64 {
        TitleForm::new(title, &[]).work_key()
    }

    #[test]
    fn order_spelling_and_season_do_not_change_the_work() {
        let expected = work("Frontend Engineer");
        for title in ["Engineer, Front-End", "Front End Engineering – Summer 2031", "Frontend Engineer Internship"] {
            assert_eq!(work(title), expected, "{title}");
        }
        assert_ne!(work("Backend Engineer"), expected);
    }

    #[test]
    fn season_year_kind_degree_level_and_grade_are_read() {
        let form = TitleForm::new("Senior SWE II, New Grad / Ph.D. (Fall 2026)", &[]);
        assert_eq!((form.seasons, form.kinds, form.degrees, form.levels, form.grades), (8, 2, 4, 2, 4));
        assert_eq!(form.years, 1 << 26);
        assert_eq!(form.words.len(), 2);
    }

    #[test]
    fn words_of_the_company_say_nothing() {
        assert_eq!(
            TitleForm::new("Brightloom Data Engineer", &["brightloom"]).words,
            TitleForm::new("Data Engineer", &[]).words
        );
    }

    #[test]
    fn symbols_in_names_of_techniques_are_kept_apart() {
        assert_ne!(work("Engineer C++"), work("Engineer C#"));
    }
}
