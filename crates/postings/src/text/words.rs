//! Words of a text and whole-word matching.

use super::fold;

/// Right-hand parts that a dot joins to the word before it ("node.js", "asp.net", "socket.io").
const DOTTED_ENDINGS: [&str; 7] = ["js", "net", "io", "ai", "ts", "py", "rs"];

/// Pairs that a slash joins to one word.
const SLASHED_PAIRS: [(&str, &str); 7] =
    [("ci", "cd"), ("tcp", "ip"), ("pl", "sql"), ("ui", "ux"), ("ux", "ui"), ("a", "b"), ("i", "o")];

/// The words of a text in order: runs of letters and digits, with what belongs to them in names of techniques ("c++",
/// "c#", ".net", "node.js", "ci/cd", "r&d", "3.5"). Everything else separates.
pub fn words(text: &str) -> Words<'_> {
    Words { text, position: 0 }
}

/// Iterator over the words of a text; see [`words`].
#[derive(Debug, Clone)]
pub struct Words<'a> {
    text: &'a str,
    position: usize,
}

impl Words<'_> {
    /// Byte offset in the text behind the word last returned.
    pub fn position(&self) -> usize {
        self.position
    }
}

impl<'a> Iterator for Words<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let start = self.find_start()?;
        let mut end = run_end(self.text, start + usize::from(self.text.as_bytes().get(start) == Some(&b'.')));
        loop {
            let extended = extend(self.text, start, end);
            if extended == end {
                break;
            }
            end = extended;
        }
        self.position = end;
        self.text.get(start..end)
    }
}

impl Words<'_> {
    fn find_start(&self) -> Option<usize> {
        let rest = self.text.get(self.position..)?;
        for (offset, character) in rest.char_indices() {
            let start = self.position + offset;
            if character.is_alphanumeric() {
                return Some(start);
            }
            // ".NET" keeps its dot, the end of a sentence does not.
            if character == '.' && is_dot_net(self.text, start) {
                return Some(start);
            }
        }
        None
    }
}

fn is_dot_net(text: &str, dot: usize) -> bool {
    let after = dot + 1;
    let Some(word) = text.get(after..run_end(text, after)) else { return false };
    word.eq_ignore_ascii_case("net")
}

/// End of the run of letters and digits that begins at `start`.
fn run_end(text: &str, start: usize) -> usize {
    let rest = text.get(start..).unwrap_or("");
    start + rest.find(|character: char| !character.is_alphanumeric()).unwrap_or(rest.len())
}

/// End of the word `start..end` with the joined part that follows it, or `end` when none does.
fn extend(text: &str, start: usize, end: usize) -> usize {
    let bytes = text.as_bytes();
    let Some(&joiner) = bytes.get(end) else { return end };
    match joiner {
        b'+' | b'#' => {
            let mut stop = end;
            while bytes.get(stop) == Some(&joiner) && stop - end < 2 {
                stop += 1;
            }
            // "3+3" and "#1" are not names.
            if run_end(text, stop) > stop || text.get(start..end).is_some_and(starts_with_digit) { end } else { stop }
        }
        b'.' | b'/' | b'&' => {
            let stop = run_end(text, end + 1);
            let (Some(left), Some(right)) = (text.get(start..end), text.get(end + 1..stop)) else { return end };
            if joins(left, joiner, right) { stop } else { end }
        }
        _ => end,
    }
}

fn joins(left: &str, joiner: u8, right: &str) -> bool {
    match joiner {
        b'.' => {
            DOTTED_ENDINGS.iter().any(|ending| right.eq_ignore_ascii_case(ending))
                || (is_digits(left) && is_digits(right))
        }
        b'/' => SLASHED_PAIRS
            .iter()
            .any(|(first, second)| left.eq_ignore_ascii_case(first) && right.eq_ignore_ascii_case(second)),
        _ => left.len() == 1 && right.len() == 1,
    }
}

fn starts_with_digit(text: &str) -> bool {
    text.starts_with(|character: char| character.is_ascii_digit())
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether the phrase occurs in the text as whole words in a row, whatever the case, accents and punctuation: "sales"
/// is not in "Salesforce", "full time" is in "Full-time". An empty phrase occurs nowhere.
pub fn contains_words(text: &str, phrase: &str) -> bool {
    contains_folded_words(&fold(text), &fold(phrase))
}

/// As [`contains_words`] for texts that went through [`fold`] already.
pub fn contains_folded_words(folded_text: &str, folded_phrase: &str) -> bool {
    let mut phrase = words(folded_phrase);
    let Some(first) = phrase.next() else { return false };
    let mut text = words(folded_text);
    while let Some(word) = text.next() {
        if word == first && starts_with_words(text.clone(), phrase.clone()) {
            return true;
        }
    }
    false
}

fn starts_with_words(mut text: Words<'_>, phrase: Words<'_>) -> bool {
    for wanted in phrase {
        if text.next() != Some(wanted) {
            return false;
        }
    }
    true
}
