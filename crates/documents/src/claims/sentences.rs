//! Sentences of a text.

use std::ops::Range;

/// Words before a full stop that end no sentence.
const ABBREVIATIONS: &[&str] = &[
    "mr", "mrs", "ms", "dr", "prof", "st", "inc", "ltd", "co", "corp", "e.g", "i.e", "etc", "vs", "no", "approx", "jr",
    "sr", "u.s", "u.k", "bzw", "z.b", "ca", "nr", "mio", "mrd", "m.s", "b.s", "b.a", "m.a", "ph.d", "av", "d.h",
    "p.ex", "sra",
];

/// The sentences' bytes, without blanks around them. A line break before an empty line, or before a bullet, ends one too.
pub(super) fn split(text: &str) -> Vec<Range<usize>> {
    let mut sentences = Vec::new();
    let mut start = 0;
    let mut characters = text.char_indices().peekable();
    while let Some((index, character)) = characters.next() {
        let end = index + character.len_utf8();
        let next = characters.peek().map(|(_, next)| *next);
        let ends = match character {
            '!' | '?' | '…' => next.is_none_or(char::is_whitespace),
            '.' => next.is_none_or(char::is_whitespace) && !is_abbreviation(text, index) && !goes_on(text, end),
            '\n' => {
                let rest = text.get(end..).unwrap_or("").trim_start_matches([' ', '\t']);
                rest.starts_with('\n') || crate::extract::starts_with_bullet(rest)
            }
            _ => false,
        };
        if ends {
            push(text, start..end, &mut sentences);
            start = end;
        }
    }
    push(text, start..text.len(), &mut sentences);
    sentences
}

fn push(text: &str, range: Range<usize>, sentences: &mut Vec<Range<usize>>) {
    let Some(words) = text.get(range.clone()) else { return };
    let start = range.start + (words.len() - words.trim_start().len());
    let end = range.start + words.trim_end().len();
    if start < end {
        sentences.push(start..end);
    }
}

fn is_abbreviation(text: &str, stop: usize) -> bool {
    let before = text.get(..stop).unwrap_or("");
    let word = before.rsplit([' ', '\n', '(']).next().unwrap_or("").to_lowercase();
    ABBREVIATIONS.contains(&word.as_str()) || (word.chars().count() == 1 && word.chars().all(char::is_alphabetic))
}

/// A small letter after a full stop: the sentence goes on.
fn goes_on(text: &str, end: usize) -> bool {
    text.get(end..).unwrap_or("").trim_start_matches([' ', '\t']).chars().next().is_some_and(char::is_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_end_where_a_reader_would_say() {
        let text = "I work at St. Bridget's. It grew by 3.5 points!\n\nDear team,\n- One\n- Two. three Inc. and on";
        let sentences: Vec<&str> = split(text).into_iter().filter_map(|range| text.get(range)).collect();
        assert_eq!(
            sentences,
            ["I work at St. Bridget's.", "It grew by 3.5 points!", "Dear team,", "- One", "- Two. three Inc. and on"]
        );
    }
}
