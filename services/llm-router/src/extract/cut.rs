//! Cuts one JSON document out of a text that comes in pieces: what stands before its first bracket and behind its last one
//! (words, code fences) is left out.

/// Longest text before the document.
const LONGEST_BEFORE: usize = 16 * 1024;

/// A reader of pieces.
#[derive(Debug, Default)]
pub struct Cut {
    state: State,
    depth: u32,
    in_string: bool,
    escaped: bool,
    before: usize,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    Before,
    Within,
    Behind,
}

impl Cut {
    /// The part of the next piece that belongs to the document.
    pub fn push<'a>(&mut self, piece: &'a str) -> &'a str {
        let start = match self.state {
            State::Behind => return "",
            State::Within => 0,
            State::Before => match piece.find(['{', '[']).filter(|start| self.before + start <= LONGEST_BEFORE) {
                Some(start) => {
                    self.state = State::Within;
                    start
                }
                None => {
                    self.before += piece.len();
                    return "";
                }
            },
        };
        let rest = &piece[start..];
        let end = self.end(rest.as_bytes()).unwrap_or(rest.len());
        &rest[..end]
    }

    /// Whether the document is whole: every bracket is closed.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.state == State::Behind
    }

    /// Where the document ends, when it ends here. Only ASCII bytes matter, so that every end is a character's end.
    fn end(&mut self, bytes: &[u8]) -> Option<usize> {
        for (index, byte) in bytes.iter().enumerate() {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' if self.in_string => self.escaped = true,
                b'"' => self.in_string = !self.in_string,
                _ if self.in_string => {}
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => {
                    self.depth = self.depth.saturating_sub(1);
                    if self.depth == 0 {
                        self.state = State::Behind;
                        return Some(index + 1);
                    }
                }
                _ => {}
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cut(pieces: &[&str]) -> (String, Cut) {
        let mut cut = Cut::default();
        let text = pieces.iter().map(|piece| cut.push(piece).to_owned()).collect();
        (text, cut)
    }

    #[test]
    fn words_and_fences_around_a_document_are_left_out() {
        let (text, cut) =
            cut(&["Sure! He", "re:\n```js", "on\n{\"a\": \"}\\\"", "]\", \"b\": [1]}", "\n``", "` Bye {x}"]);
        assert_eq!(text, "{\"a\": \"}\\\"]\", \"b\": [1]}");
        assert!(cut.is_whole());
    }

    #[test]
    fn a_bare_document_is_not_trimmed_and_an_open_one_not_whole() {
        let (text, whole) = cut(&[" [1, ", "2] \n"]);
        assert_eq!(text, "[1, 2]");
        assert!(whole.is_whole());
        let (text, open) = cut(&["[1, "]);
        assert_eq!(text, "[1, ");
        assert!(!open.is_whole());
    }

    #[test]
    fn a_text_without_a_document_never_begins() {
        let (text, cut) = cut(&["I cannot do that."]);
        assert!(text.is_empty() && !cut.is_whole());
    }

    #[test]
    fn a_document_behind_very_many_words_is_not_looked_for() {
        let words = "word ".repeat(LONGEST_BEFORE / 4);
        assert_eq!(cut(&[&words, "{}"]).0, "");
        assert_eq!(cut(&[&format!("{words}{{}}")]).0, "");
        assert_eq!(cut(&[&words[..100], "{}"]).0, "{}");
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same_document(text in "[a-z{}\\[\\]\",\\\\é ]{0,60}", at in 0usize..60) {
            let at = (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
            let (whole, one) = cut(&[&text]);
            let (parts, two) = cut(&[&text[..at], &text[at..]]);
            prop_assert_eq!(whole, parts);
            prop_assert_eq!(one.is_whole(), two.is_whole());
        }
    }
}
