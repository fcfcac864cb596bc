//! Models that think aloud write `<think>…</think>` before their answer, which servers often leave in the text.

use crate::answer::Piece;

const OPEN: &str = "<think>";
const CLOSE: &str = "</think>";

/// Takes thought out of a text that comes in pieces. Only blocks at the beginning count: a tag in the middle of an
/// answer is part of the answer.
#[derive(Debug, Default)]
pub(super) struct ThinkSplitter {
    state: State,
    /// Text that may be the beginning of a tag.
    held: String,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing but white space so far.
    #[default]
    Beginning,
    /// In a block.
    Thinking,
    /// After a block: white space is not part of the answer, and another block may follow.
    Between,
    /// In the answer.
    Answer,
}

impl ThinkSplitter {
    /// Takes the next text and appends what it says.
    pub(super) fn push(&mut self, text: String, pieces: &mut Vec<Piece>) {
        if self.state == State::Answer {
            return content(text, pieces);
        }
        self.held.push_str(&text);
        while self.step(pieces) {}
    }

    /// The text is over: what was held was no tag.
    pub(super) fn finish(&mut self, pieces: &mut Vec<Piece>) {
        let held = std::mem::take(&mut self.held);
        match self.state {
            State::Thinking => thought(held, pieces),
            State::Between => content(held.trim_start().to_owned(), pieces),
            State::Beginning | State::Answer => content(held, pieces),
        }
        self.state = State::Answer;
    }

    /// Goes on by one state; false when more text is needed.
    fn step(&mut self, pieces: &mut Vec<Piece>) -> bool {
        match self.state {
            State::Answer => {
                content(std::mem::take(&mut self.held), pieces);
                false
            }
            State::Thinking => {
                if let Some((before, after)) = self.held.split_once(CLOSE) {
                    let (before, after) = (before.to_owned(), after.to_owned());
                    thought(before, pieces);
                    self.held = after;
                    self.state = State::Between;
                    return true;
                }
                let rest = self.held.split_off(self.held.len() - open_end(&self.held, CLOSE));
                thought(std::mem::replace(&mut self.held, rest), pieces);
                false
            }
            State::Beginning | State::Between => {
                let start = self.held.trim_start();
                if let Some(after) = start.strip_prefix(OPEN) {
                    self.held = after.to_owned();
                    self.state = State::Thinking;
                    return true;
                }
                if OPEN.starts_with(start) {
                    return false;
                }
                if self.state == State::Between {
                    self.held = start.to_owned();
                }
                self.state = State::Answer;
                true
            }
        }
    }
}

/// Takes thought out of a whole text: the answer and the thought. A closing tag without an opening one counts too, for
/// templates that open the block themselves.
pub(super) fn split_whole(text: String) -> (String, String) {
    let start = text.trim_start();
    if !start.starts_with(OPEN) {
        return match text.split_once(CLOSE) {
            Some((before, after)) if !before.contains(OPEN) => {
                (after.trim_start().to_owned(), before.trim().to_owned())
            }
            _ => (text, String::new()),
        };
    }
    let (mut splitter, mut pieces) = (ThinkSplitter::default(), Vec::new());
    splitter.push(text, &mut pieces);
    splitter.finish(&mut pieces);
    let (mut answer, mut thoughts) = (String::new(), String::new());
    for piece in pieces {
        match piece {
            Piece::Content(text) => answer.push_str(&text),
            Piece::Reasoning(text) => thoughts.push_str(&text),
            _ => {}
        }
    }
    (answer, thoughts.trim().to_owned())
}

/// Length of the longest end of the text that begins the tag.
fn open_end(text: &str, tag: &str) -> usize {
    let possible = (1..tag.len()).rev();
    possible.into_iter().find(|&length| tag.get(..length).is_some_and(|start| text.ends_with(start))).unwrap_or(0)
}

fn content(text: String, pieces: &mut Vec<Piece>) {
    if !text.is_empty() {
        pieces.push(Piece::Content(text));
    }
}

fn thought(text: String, pieces: &mut Vec<Piece>) {
    if !text.is_empty() {
        pieces.push(Piece::Reasoning(text));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn split(texts: &[&str]) -> (String, String) {
        let (mut splitter, mut pieces) = (ThinkSplitter::default(), Vec::new());
        for text in texts {
            splitter.push((*text).to_owned(), &mut pieces);
        }
        splitter.finish(&mut pieces);
        let text = |wanted: fn(&Piece) -> Option<&String>| pieces.iter().filter_map(wanted).cloned().collect();
        (
            text(|piece| if let Piece::Content(text) = piece { Some(text) } else { None }),
            text(|piece| if let Piece::Reasoning(text) = piece { Some(text) } else { None }),
        )
    }

    fn both(answer: &str, thought: &str) -> (String, String) {
        (answer.to_owned(), thought.to_owned())
    }

    #[test]
    fn blocks_at_the_beginning_are_thought_and_tags_later_are_not() {
        assert_eq!(split(&["<think>a</think>\n\nb"]), both("b", "a"));
        assert_eq!(split(&["\n<th", "ink>a</thi", "nk> ", " b<think>c"]), both("b<think>c", "a"));
        assert_eq!(split(&["<think>a</think> <think>b</think>c"]), both("c", "ab"));
        assert_eq!(split(&["<think>never ", "closed</th"]), both("", "never closed</th"));
        assert_eq!(split(&["  plain", " <think>"]), both("  plain <think>", ""));
        assert_eq!(split(&["<thin"]), both("<thin", ""));
        assert_eq!(split(&["<thinker>"]), both("<thinker>", ""));
    }

    #[test]
    fn a_whole_text_may_lack_the_opening_tag() {
        assert_eq!(split_whole("thought\n</think>\n\nanswer".into()), both("answer", "thought"));
        assert_eq!(split_whole("<think>\na\n</think>\nb".into()), both("b", "a"));
        assert_eq!(split_whole("plain".into()), both("plain", ""));
    }

    proptest! {
        #[test]
        fn any_split_says_the_same(
            parts in proptest::collection::vec(
                prop_oneof![Just("<think>"), Just("</think>"), Just("ä"), Just("<"), Just(" "), Just("</th")], 0..12),
            width in 1usize..5,
        ) {
            let whole = parts.concat();
            let characters: Vec<String> = whole.chars().map(String::from).collect();
            let pieces: Vec<String> = characters.chunks(width).map(<[String]>::concat).collect();
            let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
            prop_assert_eq!(split(&pieces), split(&[&whole]));
        }
    }
}
