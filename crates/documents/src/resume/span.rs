//! Where in the extracted text a value was read.

use std::ops::Range;

use serde::{Deserialize, Serialize};

/// Bytes `start..end` of the extracted plain text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
}

impl Span {
    /// The words of the text that the span covers; empty where it does not fit the text.
    pub fn of(self, text: &str) -> &str {
        text.get(self.start..self.end).unwrap_or("")
    }

    /// From the beginning of this one to the end of the other.
    pub(crate) fn to(self, other: Span) -> Span {
        Span { start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    /// A part of this span, given by bytes within it.
    pub(crate) fn part(self, range: Range<usize>) -> Span {
        Span { start: self.start + range.start, end: self.start + range.end }
    }
}

/// A value and where it was read; `None` where a person or another program gave it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sourced<Value = String> {
    /// The value.
    pub value: Value,
    /// Where in the text it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span: Option<Span>,
}

impl<Value> Sourced<Value> {
    /// A value read at a place in the text.
    pub fn at(value: Value, span: Span) -> Self {
        Self { value, span: Some(span) }
    }

    /// A value that stands in no text.
    pub fn given(value: Value) -> Self {
        Self { value, span: None }
    }
}

/// A piece of the text, trimmed, with its span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Piece<'text> {
    pub text: &'text str,
    pub span: Span,
}

impl<'text> Piece<'text> {
    /// The piece's bytes `range`, trimmed.
    pub(crate) fn slice(self, range: Range<usize>) -> Piece<'text> {
        match self.text.get(range.clone()) {
            Some(text) => Piece { text, span: self.span.part(range) }.trimmed(),
            None => self,
        }
    }

    /// Without blanks and the marks that part fields at its ends.
    fn trimmed(self) -> Self {
        let is_edge = |character: char| {
            character.is_whitespace() || matches!(character, ',' | ';' | ':' | '|' | '–' | '—' | '-' | '·' | '•' | '/')
        };
        let start = self.text.len() - self.text.trim_start_matches(is_edge).len();
        let text = self.text.trim_matches(is_edge);
        Piece { text, span: self.span.part(start..start + text.len()) }
    }

    pub(crate) fn sourced(self) -> Sourced {
        Sourced::at(self.text.to_owned(), self.span)
    }
}
