//! Repair of UTF-8 that was read as Latin-1 or Windows-1252.

use std::borrow::Cow;

/// Sequences can be wrapped more than once; further passes find nothing in practice.
const PASSES: usize = 3;

/// Undoes UTF-8 that was read as Latin-1 or Windows-1252 (`"donâ€™t"`, `"MÃ¼nchen"`), sequence by sequence, so that
/// text that is only partly damaged is repaired and correct text is left alone.
pub fn repair_mojibake(text: &str) -> Cow<'_, str> {
    let mut current = Cow::Borrowed(text);
    for _ in 0..PASSES {
        if !current.chars().any(is_lead) {
            break;
        }
        match repair_once(&current) {
            Some(repaired) => current = Cow::Owned(repaired),
            None => break,
        }
    }
    current
}

/// The characters that begin the damaged forms of Latin letters (Ã, Â), punctuation (â) and emoji (ð).
fn is_lead(character: char) -> bool {
    matches!(character, 'Ã' | 'Â' | 'â' | 'ð')
}

fn repair_once(text: &str) -> Option<String> {
    let mut repaired = String::with_capacity(text.len());
    let mut rest = text;
    let mut changed = false;
    while let Some(character) = rest.chars().next() {
        if is_lead(character)
            && let Some((original, length)) = original_at(rest)
        {
            repaired.push(original);
            rest = rest.get(length..).unwrap_or("");
            changed = true;
            continue;
        }
        repaired.push(character);
        rest = rest.get(character.len_utf8()..).unwrap_or("");
    }
    changed.then_some(repaired)
}

/// The character whose UTF-8 bytes the start of `text` shows, with the number of bytes of `text` it takes.
fn original_at(text: &str) -> Option<(char, usize)> {
    let mut bytes = [0_u8; 4];
    let mut taken = 0;
    let mut needed = 0;
    for (index, character) in text.chars().enumerate().take(4) {
        let byte = windows_1252_byte(character)?;
        if index == 0 {
            needed = match byte {
                0xC2..=0xDF => 2,
                0xE0..=0xEF => 3,
                0xF0..=0xF4 => 4,
                _ => return None,
            };
        } else if !(0x80..=0xBF).contains(&byte) {
            return None;
        }
        *bytes.get_mut(index)? = byte;
        taken += character.len_utf8();
        if index + 1 == needed {
            let decoded = std::str::from_utf8(bytes.get(..needed)?).ok()?.chars().next()?;
            return Some((decoded, taken));
        }
    }
    None
}

/// The byte that Windows-1252 (and, for the five unassigned codes, Latin-1) shows as this character.
fn windows_1252_byte(character: char) -> Option<u8> {
    if let Some(index) = WINDOWS_1252.iter().position(|mapped| *mapped == character) {
        return u8::try_from(0x80 + index).ok();
    }
    u8::try_from(u32::from(character)).ok()
}

/// Characters of the Windows-1252 codes 0x80 to 0x9F.
pub(crate) const WINDOWS_1252: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}', '‘', '’',
    '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];
