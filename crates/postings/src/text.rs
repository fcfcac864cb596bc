//! Text folding, words and bounds shared by the other modules.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

mod mojibake;
mod words;

pub(crate) use mojibake::WINDOWS_1252;
pub use mojibake::repair_mojibake;
pub use words::{Words, contains_folded_words, contains_words, words};

/// Text for comparison: compatibility forms unified (NFKC), lower case, diacritics and foreign scripts written in
/// ASCII, other symbols as spaces, white space folded. Idempotent; the result is ASCII.
///
/// `"Zürich – Ingénieur"` becomes `"zurich - ingenieur"`.
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    if text.is_ascii() {
        for character in text.chars() {
            push_folded(&mut folded, character);
        }
    } else {
        for character in text.nfkc() {
            push_folded(&mut folded, character);
        }
    }
    folded.truncate(folded.trim_end().len());
    folded
}

fn push_folded(folded: &mut String, character: char) {
    if character.is_ascii() {
        push_ascii(folded, character);
        return;
    }
    if is_combining_mark(character) || is_invisible(character) {
        return;
    }
    if character.is_alphanumeric() {
        for ascii in deunicode::deunicode_char(character).unwrap_or("").chars() {
            push_ascii(folded, ascii);
        }
        return;
    }
    let replacement = match character {
        '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
        '\u{2018}' | '\u{2019}' | '\u{201B}' | '\u{2032}' => '\'',
        '\u{201C}' | '\u{201D}' | '\u{201E}' => '"',
        '\u{2044}' | '\u{2215}' => '/',
        _ => ' ',
    };
    push_ascii(folded, replacement);
}

fn push_ascii(folded: &mut String, character: char) {
    if character.is_ascii_whitespace() || character.is_ascii_control() || !character.is_ascii() {
        if !folded.is_empty() && !folded.ends_with(' ') {
            folded.push(' ');
        }
        return;
    }
    folded.push(character.to_ascii_lowercase());
}

/// Characters that show nothing and only break comparisons: zero-width marks, soft hyphen, byte-order mark, direction
/// marks.
pub fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{00AD}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2064}'
        | '\u{2066}'..='\u{2069}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}')
}

/// One line without control or invisible characters, runs of white space folded to one space, trimmed. Idempotent.
pub fn single_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for character in text.chars() {
        if is_invisible(character) {
            continue;
        }
        if character.is_whitespace() || character.is_control() {
            if !line.is_empty() && !line.ends_with(' ') {
                line.push(' ');
            }
            continue;
        }
        line.push(character);
    }
    line.truncate(line.trim_end().len());
    line
}

/// The first `limit` characters.
pub fn truncate_characters(text: &str, limit: usize) -> &str {
    match text.char_indices().nth(limit) {
        Some((end, _)) => text.get(..end).unwrap_or(text),
        None => text,
    }
}

/// The longest start of `text` of at most `limit` bytes that ends between two characters.
pub fn truncate_bytes(text: &str, limit: usize) -> &str {
    if text.len() <= limit {
        return text;
    }
    text.get(..text.floor_char_boundary(limit)).unwrap_or("")
}

/// A short field as shown to people: entities decoded, double-encoded UTF-8 repaired, one line, at most `limit`
/// characters. Titles often arrive with `&amp;` or `&#8211;`, sometimes escaped twice.
pub fn clean_field(text: &str, limit: usize) -> String {
    // A field of more than this many bytes is never shown whole; bound the work before decoding.
    let text = truncate_bytes(text, limit.saturating_mul(32).max(4096));
    let decoded = decode_twice(text);
    let repaired = repair_mojibake(&decoded);
    let line = single_line(&repaired);
    truncate_characters(&line, limit).trim_end().to_owned()
}

fn decode_twice(text: &str) -> Cow<'_, str> {
    if !text.contains('&') {
        return Cow::Borrowed(text);
    }
    let once = crate::html::decode_entities(text);
    if once.contains('&') { Cow::Owned(crate::html::decode_entities(&once)) } else { Cow::Owned(once) }
}

#[cfg(test)]
mod tests;
