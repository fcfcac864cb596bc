//! A text as sentences, in the form that rules compare.

use std::sync::LazyLock;

use aerie_postings::text::{fold, single_line, truncate_bytes};

use crate::patterns::Pattern;

/// Most sentences of one mail that are looked at.
pub const MAX_SENTENCES: usize = 400;

/// Longest sentence; a longer one is cut.
const MAX_SENTENCE_BYTES: usize = 1200;

/// A line at least this long may have been broken by the sender's program, not by the sender.
const WRAPPED_CHARACTERS: usize = 52;

/// One sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sentence {
    /// As written, on one line.
    pub written: String,
    /// Lower case, without accents, contractions written out: "we won't" is "we will not".
    pub folded: String,
}

impl Sentence {
    /// A sentence of one line.
    pub fn new(written: &str) -> Self {
        let written = single_line(truncate_bytes(written, MAX_SENTENCE_BYTES));
        let folded = comparable(&written);
        Self { written, folded }
    }
}

static ENDS: LazyLock<Pattern> =
    LazyLock::new(|| Pattern::new(r#"[.!?…]["'”’)\]]*\s+["'“‘(\[¿¡]*[\p{Lu}\p{N}]|[!?]\s|[.!?][”"]\s"#));
static ABBREVIATION: LazyLock<Pattern> = LazyLock::new(|| {
    Pattern::new(
        r"(?i)(?:\b(?:inc|ltd|llc|corp|co|dr|mr|mrs|ms|prof|sr|jr|st|vs|e\.g|i\.e|no|approx|dept|bzw|z\.b|hr|fr|sra?|mme|[a-z])\.)$",
    )
});

/// Folds text and writes English contractions out, so that rules need one form only.
pub fn comparable(text: &str) -> String {
    let folded = fold(text);
    if !folded.contains('\'') && !folded.contains("cannot") {
        return folded;
    }
    let mut out = folded.replace("cannot", "can not");
    for (short, long) in [
        ("won't", "will not"),
        ("can't", "can not"),
        ("shan't", "shall not"),
        ("n't", " not"),
        ("'re ", " are "),
        ("'ve ", " have "),
        ("'ll ", " will "),
        ("i'm ", "i am "),
        ("'d like", " would like"),
        ("'d love", " would love"),
        ("'d be ", " would be "),
    ] {
        if out.contains(short) {
            out = out.replace(short, long);
        }
    }
    out
}

/// Sentences of a text. Lines that a program wrapped are joined; blank lines, list items and short lines end one.
pub fn sentences(text: &str) -> Vec<Sentence> {
    let mut found = Vec::new();
    for paragraph in paragraphs(text) {
        let mut rest = paragraph.as_str();
        while !rest.trim().is_empty() && found.len() < MAX_SENTENCES {
            let end = sentence_end(rest);
            let (sentence, behind) = rest.split_at(end);
            if sentence.contains(char::is_alphanumeric) {
                found.push(Sentence::new(sentence));
            }
            rest = behind;
        }
        if found.len() >= MAX_SENTENCES {
            break;
        }
    }
    found
}

/// Runs of lines that belong together, each on one line.
fn paragraphs(text: &str) -> Vec<String> {
    let mut paragraphs: Vec<String> = Vec::new();
    let mut open = false;
    for line in text.lines() {
        let trimmed = line.trim();
        if trimmed.is_empty() {
            open = false;
            continue;
        }
        let starts_item = trimmed.starts_with(['•', '-', '*', '>', '–', '·']);
        match paragraphs.last_mut() {
            Some(last) if open && !starts_item => {
                last.push(' ');
                last.push_str(trimmed);
            }
            _ => paragraphs.push(trimmed.to_owned()),
        }
        open = trimmed.chars().count() >= WRAPPED_CHARACTERS;
    }
    paragraphs
}

/// Where the first sentence of a line ends.
fn sentence_end(text: &str) -> usize {
    for found in ENDS.find_iter(text) {
        let end = found.as_str().find(char::is_whitespace).map_or(found.end(), |space| found.start() + space);
        let before = text.get(..end).unwrap_or("");
        let last_word = before.rsplit(char::is_whitespace).next().unwrap_or("");
        if !ABBREVIATION.is_match(last_word) {
            return end;
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_end_where_people_end_them() {
        let text = "Thank you for applying to Acme, Inc. We regret to inform you that the\nposition you applied for on the website was filled.\n\n• One\n• Two\nBest, Ana";
        let written: Vec<String> = sentences(text).into_iter().map(|sentence| sentence.written).collect();
        assert_eq!(written[0].split(' ').next(), Some("Thank"));
        assert!(written[0].ends_with("was filled."), "{written:?}");
        assert_eq!(written[1..], ["• One", "• Two", "Best, Ana"]);
    }

    #[test]
    fn contractions_are_written_out() {
        assert_eq!(comparable("We won’t, can’t, didn’t; we’ve"), "we will not, can not, did not; we've");
        assert_eq!(comparable("We’ve decided"), "we have decided");
        assert_eq!(comparable("Après l’entretien"), "apres l'entretien");
    }
}
