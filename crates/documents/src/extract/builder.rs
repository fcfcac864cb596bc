//! The text as it grows, with its lines.

use super::{Extract, ExtractError, Format, Limits, Line};
use crate::resume::Span;

/// How a line looks; what a format does not know stays at its default.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Look {
    pub size: f32,
    pub bold: bool,
    pub heading: Option<u8>,
    pub bullet: bool,
}

impl Default for Look {
    fn default() -> Self {
        Self { size: 1.0, bold: false, heading: None, bullet: false }
    }
}

/// Collects lines into one text within the limit of its length.
pub(crate) struct TextBuilder {
    text: String,
    lines: Vec<Line>,
    limit: usize,
    gap: bool,
    block: bool,
}

impl TextBuilder {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self { text: String::new(), lines: Vec::new(), limit: limits.text_bytes, gap: false, block: true }
    }

    /// The next line stands apart from the one before.
    pub(crate) fn gap(&mut self) {
        if !self.gap && !self.text.is_empty() {
            self.text.push('\n');
        }
        self.gap = true;
    }

    /// The next line begins a block of its own.
    pub(crate) fn block(&mut self) {
        self.gap();
        self.block = true;
    }

    /// Adds a line; an empty one is a gap. Control characters and runs of blanks become one blank, tabs stay.
    pub(crate) fn line(&mut self, line: &str, look: Look) -> Result<Span, ExtractError> {
        let start = self.text.len();
        push_clean(&mut self.text, line);
        if self.text.len() > self.limit {
            return Err(ExtractError::TooLarge { what: "bytes of text", limit: self.limit });
        }
        let span = Span { start, end: self.text.len() };
        if span.start == span.end {
            self.gap();
            return Ok(span);
        }
        let bullet = look.bullet || starts_with_bullet(&self.text[start..]);
        let Look { size, bold, heading, .. } = look;
        self.lines.push(Line { span, size, bold, heading, bullet, gap: self.gap, block: self.block });
        self.text.push('\n');
        (self.gap, self.block) = (false, false);
        Ok(span)
    }

    /// Whether the text holds this address, with or without its scheme.
    pub(crate) fn shows(&self, address: &str) -> bool {
        let bare = ["https://", "http://", "mailto:", "www."]
            .iter()
            .fold(address, |address, prefix| address.strip_prefix(prefix).unwrap_or(address));
        self.text.contains(bare.trim_end_matches('/'))
    }

    pub(crate) fn finish(self, format: Format) -> Extract {
        Extract { format, text: self.text, lines: self.lines }
    }
}

fn push_clean(text: &mut String, line: &str) {
    let start = text.len();
    let mut pending = None;
    for character in line.chars() {
        match character {
            '\t' => pending = Some('\t'),
            _ if character.is_whitespace() || character.is_control() => pending = pending.or(Some(' ')),
            // A soft hyphen and the marks of width zero are no letters; a word with one in it is the same word.
            '\u{ad}' | '\u{200b}' | '\u{feff}' | '\u{2060}' => {}
            _ => {
                if let Some(blank) = pending.take()
                    && text.len() > start
                {
                    text.push(blank);
                }
                text.push(character);
            }
        }
    }
}

/// Characters that begin an item of a list. Those that Word and LaTeX take from symbol fonts lie in the private area.
pub(crate) fn is_bullet(character: char) -> bool {
    matches!(
        character,
        '•' | '·'
            | '▪'
            | '▫'
            | '■'
            | '□'
            | '●'
            | '○'
            | '◦'
            | '‣'
            | '⁃'
            | '∙'
            | '➢'
            | '➤'
            | '►'
            | '▶'
            | '▸'
            | '✓'
            | '✔'
            | '❖'
            | '◆'
            | '◇'
            | '»'
            | '\u{f0b7}'
            | '\u{f0a7}'
            | '\u{f0d8}'
            | '\u{f076}'
            | '\u{f0fc}'
    )
}

pub(crate) fn starts_with_bullet(line: &str) -> bool {
    let mut characters = line.chars();
    match characters.next() {
        Some('-' | '*' | '–' | '—' | '+' | 'o') => characters.next() == Some(' ') && line.len() > 3,
        Some(first) => is_bullet(first),
        None => false,
    }
}
