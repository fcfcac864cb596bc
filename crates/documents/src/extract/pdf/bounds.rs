//! A look at the raw file before anything unpacks it.
//!
//! A PDF names the filters of each stream in the dictionary before it. Every packed stream is unpacked here once into
//! nothing, up to the limits, so that what is read afterwards is known to be small enough. Chains of two packings are
//! refused: no producer of text writes them, and each multiplies the other.

use std::io::Read;

use super::FORMAT;
use crate::extract::{ExtractError, Limits};

/// Longest dictionary that is looked at before the word `stream`.
const DICTIONARY_BYTES: usize = 4096;

/// Longest run of packed bytes in the older formats: they expand up to 1,400 times and are not counted by unpacking.
const OLD_PACKING_BYTES: usize = 128 << 10;

/// Longest file with encryption: what its streams unpack to cannot be seen from outside.
const ENCRYPTED_BYTES: usize = 2 << 20;

pub(super) fn check(bytes: &[u8], limits: &Limits) -> Result<(), ExtractError> {
    if memchr::memmem::find(bytes, b"/Encrypt").is_some() && bytes.len() > ENCRYPTED_BYTES {
        return Err(ExtractError::TooLarge { what: "encrypted bytes", limit: ENCRYPTED_BYTES });
    }
    let mut total = 0;
    for found in memchr::memmem::find_iter(bytes, b"stream") {
        if bytes[..found].ends_with(b"end") {
            continue;
        }
        let Some(data) = bytes.get(found + b"stream".len()..) else { continue };
        let data = data.strip_prefix(b"\r").unwrap_or(data);
        let data = data.strip_prefix(b"\n").unwrap_or(data);
        total += unpacked(&bytes[found.saturating_sub(DICTIONARY_BYTES)..found], data, limits)?;
        if total > limits.total_unpacked_bytes {
            return Err(ExtractError::TooLarge { what: "unpacked bytes", limit: limits.total_unpacked_bytes });
        }
    }
    Ok(())
}

/// How many bytes the stream unpacks to, as far as that is more than what stands in the file.
fn unpacked(before: &[u8], data: &[u8], limits: &Limits) -> Result<usize, ExtractError> {
    let start = memchr::memmem::rfind(before, b"obj").unwrap_or(0);
    let dictionary = unescaped(&before[start..]);
    let names = |names: &[&[u8]]| names.iter().map(|name| count(&dictionary, name)).sum::<usize>();
    let flate = names(&[b"/FlateDecode", b"/Fl"]);
    let old = names(&[b"/LZWDecode", b"/LZW", b"/RunLengthDecode", b"/RL"]);
    if flate + old > 1 {
        return Err(ExtractError::broken(FORMAT, "a stream is packed twice"));
    }
    if filter_is_elsewhere(&dictionary) {
        return Err(ExtractError::broken(FORMAT, "a stream hides how it is packed"));
    }
    if old > 0 {
        let length = memchr::memmem::find(data, b"endstream").unwrap_or(data.len());
        return if length > OLD_PACKING_BYTES {
            Err(ExtractError::TooLarge { what: "bytes in one stream of an old packing", limit: OLD_PACKING_BYTES })
        } else {
            Ok(0)
        };
    }
    if flate == 0 {
        return Ok(0);
    }
    let ascii = if names(&[b"/ASCII85Decode", b"/A85"]) > 0 {
        Some(ascii85(data))
    } else if names(&[b"/ASCIIHexDecode", b"/AHx"]) > 0 {
        Some(ascii_hex(data))
    } else {
        None
    };
    let data = ascii.as_deref().unwrap_or(data);
    let length = inflated(flate2::read::ZlibDecoder::new(data), limits)
        .max(inflated(flate2::read::DeflateDecoder::new(data), limits));
    if length > limits.unpacked_bytes {
        return Err(ExtractError::TooLarge { what: "unpacked bytes in one stream", limit: limits.unpacked_bytes });
    }
    Ok(length)
}

fn inflated(decoder: impl Read, limits: &Limits) -> usize {
    let mut bounded = decoder.take(limits.unpacked_bytes as u64 + 1);
    let mut buffer = [0; 16 << 10];
    let mut length = 0;
    while let Ok(read @ 1..) = bounded.read(&mut buffer) {
        length += read;
    }
    length
}

/// Counts a name that ends where it should: `/Fl` is not in `/FlateDecode`.
fn count(dictionary: &[u8], name: &[u8]) -> usize {
    memchr::memmem::find_iter(dictionary, name)
        .filter(|found| !dictionary.get(found + name.len()).is_some_and(u8::is_ascii_alphanumeric))
        .count()
}

/// `/Filter 12 0 R`: legal, but nobody writes it, and what it names cannot be told from here.
fn filter_is_elsewhere(dictionary: &[u8]) -> bool {
    memchr::memmem::find_iter(dictionary, b"/Filter").any(|found| {
        let rest = dictionary.get(found + b"/Filter".len()..).unwrap_or_default();
        let rest = rest.trim_ascii_start();
        rest.strip_prefix(b"[").unwrap_or(rest).trim_ascii_start().first().is_some_and(u8::is_ascii_digit)
    })
}

/// Names may hide letters as `#` and two hexadecimal digits.
fn unescaped(dictionary: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(dictionary.len());
    let mut rest = dictionary;
    while let Some((&byte, tail)) = rest.split_first() {
        let code = (byte == b'#').then(|| tail.get(..2)).flatten();
        let code = code.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        plain.push(code.unwrap_or(byte));
        rest = if code.is_some() { tail.get(2..).unwrap_or_default() } else { tail };
    }
    plain
}

fn ascii85(data: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::new();
    let mut group = [0_u8; 5];
    let mut length = 0;
    for &byte in data.iter().take_while(|byte| **byte != b'~') {
        match byte {
            b'z' if length == 0 => decoded.extend([0; 4]),
            b'!'..=b'u' => {
                group[length] = byte - b'!';
                length += 1;
            }
            _ => {}
        }
        if length == 5 {
            decoded.extend(word(group));
            length = 0;
        }
    }
    if length > 1 {
        group[length..].fill(84);
        decoded.extend(&word(group)[..length - 1]);
    }
    decoded
}

fn word(group: [u8; 5]) -> [u8; 4] {
    group.iter().fold(0_u32, |word, digit| word.wrapping_mul(85).wrapping_add(u32::from(*digit))).to_be_bytes()
}

fn ascii_hex(data: &[u8]) -> Vec<u8> {
    let digits: Vec<u8> = data
        .iter()
        .take_while(|byte| **byte != b'>')
        .filter_map(|byte| char::from(*byte).to_digit(16))
        .filter_map(|digit| u8::try_from(digit).ok())
        .collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair.get(1).copied().unwrap_or(0)).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn reads_the_two_ways_of_writing_bytes_as_letters() {
        assert_eq!(ascii85(b"87cURD]i,\"Ebo80~>"), b"Hello World!");
        assert_eq!(ascii85(b"87cUR DZ~>"), b"Hello");
        assert_eq!(ascii_hex(b"48 65 6C6c 6F>"), b"Hello");
    }

    #[test]
    fn hidden_and_doubled_packings_are_refused() {
        let limits = Limits::default();
        for dictionary in ["[/FlateDecode /Flate#44ecode]", "[/LZWDecode/FlateDecode]", "12 0 R", "[ 3 0 R ]"] {
            let file = format!("%PDF-1.7\n1 0 obj <</Length 3/Filter {dictionary}>> stream\nabc\nendstream");
            assert!(check(file.as_bytes(), &limits).is_err(), "{dictionary}");
        }
        let file = b"%PDF-1.7\n1 0 obj <</Length 3/Filter/FlateDecode/F#20x 1>> stream\nabc\nendstream";
        assert_eq!(check(file, &limits), Ok(()));
    }
}
