//! Mailbox names on the wire: the modified UTF-7 of RFC 3501, section 5.1.3.

use std::fmt::Write;

/// Digits of the modified base64: a comma in place of the slash.
const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

/// A name as servers take it: `Entwürfe` becomes `Entw&APw-rfe`.
pub fn encode_name(name: &str) -> String {
    let mut wire = String::with_capacity(name.len());
    let mut pending: Vec<u16> = Vec::new();
    for character in name.chars() {
        if matches!(character, ' '..='~') {
            flush(&mut wire, &mut pending);
            wire.push(character);
            if character == '&' {
                wire.push('-');
            }
        } else {
            pending.extend(character.encode_utf16(&mut [0; 2]).iter());
        }
    }
    flush(&mut wire, &mut pending);
    wire
}

fn flush(wire: &mut String, pending: &mut Vec<u16>) {
    if pending.is_empty() {
        return;
    }
    wire.push('&');
    let (mut bits, mut held) = (0_u32, 0);
    for unit in pending.drain(..) {
        bits = (bits << 16) | u32::from(unit);
        held += 16;
        while held >= 6 {
            held -= 6;
            push_digit(wire, bits >> held);
        }
    }
    if held > 0 {
        push_digit(wire, bits << (6 - held));
    }
    wire.push('-');
}

fn push_digit(wire: &mut String, bits: u32) {
    let digit = usize::try_from(bits & 63).ok().and_then(|index| DIGITS.get(index)).copied().unwrap_or(b'A');
    wire.push(char::from(digit));
}

/// A name as people read it. What is not well-formed stays as it is.
pub fn decode_name(wire: &str) -> String {
    let mut name = String::with_capacity(wire.len());
    let mut rest = wire;
    while let Some((plain, encoded)) = rest.split_once('&') {
        name.push_str(plain);
        let Some((run, behind)) = encoded.split_once('-') else {
            let _ = write!(name, "&{encoded}");
            return name;
        };
        match decode_run(run) {
            _ if run.is_empty() => name.push('&'),
            Some(text) => name.push_str(&text),
            None => {
                let _ = write!(name, "&{run}-");
            }
        }
        rest = behind;
    }
    name.push_str(rest);
    name
}

fn decode_run(run: &str) -> Option<String> {
    let (mut bits, mut held) = (0_u32, 0);
    let mut units = Vec::new();
    for byte in run.bytes() {
        let digit = DIGITS.iter().position(|digit| *digit == byte)?;
        bits = ((bits << 6) | u32::try_from(digit).ok()?) & 0x3F_FFFF;
        held += 6;
        if held >= 16 {
            held -= 16;
            units.push(u16::try_from((bits >> held) & 0xFFFF).ok()?);
        }
    }
    String::from_utf16(&units).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_written_as_the_standard_says() {
        assert_eq!(encode_name("Entwürfe"), "Entw&APw-rfe");
        assert_eq!(encode_name("~peter/mail/台北/日本語"), "~peter/mail/&U,BTFw-/&ZeVnLIqe-");
        assert_eq!(encode_name("R&D"), "R&-D");
        assert_eq!(decode_name("broken &!!- &"), "broken &!!- &");
    }

    proptest! {
        #[test]
        fn every_name_comes_back(name in "\\PC{0,40}") {
            let wire = encode_name(&name);
            prop_assert!(wire.is_ascii());
            prop_assert_eq!(decode_name(&wire), name);
        }

        #[test]
        fn any_wire_name_is_read(wire in ".{0,60}") {
            let _ = decode_name(&wire);
        }
    }
}
