//! Pictures as callers send them: an address, a file, or a file within a data address.

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use thiserror::Error;

use crate::chat::{ImageSource, MediaType};

/// Base64 characters that hold what [`MediaType::sniff`] looks at.
const SNIFFED: usize = 16;
/// Longest address of a picture elsewhere.
const LONGEST_ADDRESS: usize = 8_192;

/// A picture that cannot be used.
#[derive(Debug, Clone, Copy, Error, PartialEq, Eq)]
pub enum BadPicture {
    /// Neither kind of address.
    #[error("is not an http, https or data address")]
    Address,
    /// The address of a picture elsewhere is too long.
    #[error("is an address of more than {LONGEST_ADDRESS} bytes")]
    LongAddress,
    /// A data address in another form.
    #[error("is a data address that is not base64; write data:image/png;base64,…")]
    NotBase64,
    /// Characters that do not belong.
    #[error("is not base64 with the standard alphabet and padding")]
    Alphabet,
    /// The first bytes are those of no known type.
    #[error("is not a PNG, JPEG, GIF or WebP file")]
    UnknownType,
}

/// A picture by address. The content of a data address stays a slice of `address`: nothing is copied or decoded.
///
/// # Errors
/// [`BadPicture`]
pub fn from_address(address: &Bytes) -> Result<ImageSource, BadPicture> {
    let Some(rest) = strip_scheme(address, b"data:") else { return elsewhere(address) };
    let comma = rest.iter().take(256).position(|byte| *byte == b',').ok_or(BadPicture::NotBase64)?;
    let (head, data) = rest.split_at_checked(comma).ok_or(BadPicture::NotBase64)?;
    if !head.to_ascii_lowercase().ends_with(b";base64") {
        return Err(BadPicture::NotBase64);
    }
    let data = address.slice_ref(data.get(1..).unwrap_or_default());
    if !is_base64(&data) {
        return Err(BadPicture::Alphabet);
    }
    let start = data.get(..data.len().min(SNIFFED)).unwrap_or_default();
    let start = STANDARD.decode(start).map_err(|_| BadPicture::Alphabet)?;
    let media_type = MediaType::sniff(&start).ok_or(BadPicture::UnknownType)?;
    Ok(ImageSource::Base64 { media_type, data })
}

/// A picture by content.
///
/// # Errors
/// [`BadPicture::UnknownType`]
pub fn from_content(data: Bytes) -> Result<ImageSource, BadPicture> {
    let media_type = MediaType::sniff(&data).ok_or(BadPicture::UnknownType)?;
    Ok(ImageSource::Bytes { media_type, data })
}

fn elsewhere(address: &Bytes) -> Result<ImageSource, BadPicture> {
    let is_web = strip_scheme(address, b"http://").or_else(|| strip_scheme(address, b"https://"));
    if is_web.is_none_or(|rest| rest.is_empty()) {
        return Err(BadPicture::Address);
    }
    if address.len() > LONGEST_ADDRESS {
        return Err(BadPicture::LongAddress);
    }
    let text = std::str::from_utf8(address).map_err(|_| BadPicture::Address)?;
    let is_clean = !text.chars().any(|character| character.is_control() || character.is_whitespace());
    if is_clean { Ok(ImageSource::Url(text.to_owned())) } else { Err(BadPicture::Address) }
}

/// What follows a scheme, in whatever case it is written.
fn strip_scheme<'a>(address: &'a [u8], scheme: &[u8]) -> Option<&'a [u8]> {
    let (start, rest) = address.split_at_checked(scheme.len())?;
    start.eq_ignore_ascii_case(scheme).then_some(rest)
}

/// Whether a text is of whole base64 groups. The text is later put into JSON as it is, so nothing else may be in it.
fn is_base64(text: &[u8]) -> bool {
    let padding = text.iter().rev().take(2).take_while(|byte| **byte == b'=').count();
    let body = text.get(..text.len() - padding).unwrap_or_default();
    // Written so that the compiler checks many bytes at once; a megabyte passes here with every picture.
    let strangers = body.iter().fold(0u8, |found, byte| found | u8::from(!is_base64_character(*byte)));
    !body.is_empty() && text.len().is_multiple_of(4) && strangers == 0
}

fn is_base64_character(byte: u8) -> bool {
    let letter = (byte | 0x20).wrapping_sub(b'a') < 26;
    let digit = byte.wrapping_sub(b'0') < 10;
    letter | digit | (byte == b'+') | (byte == b'/')
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use super::*;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";

    fn read(text: &str) -> Result<ImageSource, BadPicture> {
        from_address(&Bytes::from(text.to_owned()))
    }

    #[test]
    fn content_of_a_data_address_is_a_slice_and_its_type_is_what_the_bytes_say() {
        let address = Bytes::from(format!("data:image/jpeg;charset=x;base64,{}", STANDARD.encode(PNG)));
        let ImageSource::Base64 { media_type, data } = from_address(&address).unwrap() else { panic!("not base64") };
        assert_eq!(media_type, MediaType::Png);
        assert_eq!(data, STANDARD.encode(PNG).as_bytes());
        let within = address.as_ptr() as usize..address.as_ptr() as usize + address.len();
        assert!(within.contains(&(data.as_ptr() as usize)), "copied");
    }

    #[test]
    fn addresses_elsewhere_are_kept_and_others_refused() {
        assert!(matches!(read("HTTPS://example.org/a.png"), Ok(ImageSource::Url(url)) if url.ends_with("a.png")));
        for (text, wrong) in [
            ("", BadPicture::Address),
            ("https://", BadPicture::Address),
            ("file:///etc/passwd", BadPicture::Address),
            ("http://a b", BadPicture::Address),
            ("http://a\"b\u{7}", BadPicture::Address),
            ("data:image/png,abc", BadPicture::NotBase64),
            ("data:image/png;base64", BadPicture::NotBase64),
            ("data:image/png;base64,", BadPicture::Alphabet),
            ("data:image/png;base64,AAA", BadPicture::Alphabet),
            ("data:image/png;base64,AA\"A", BadPicture::Alphabet),
            ("data:image/png;base64,A===", BadPicture::Alphabet),
            ("data:image/png;base64,AAAAAAAAAAAAAAAA", BadPicture::UnknownType),
        ] {
            assert_eq!(read(text).map(drop), Err(wrong), "{text}");
        }
        assert_eq!(read(&format!("http://{}", "a".repeat(9_000))).map(drop), Err(BadPicture::LongAddress));
    }

    #[test]
    fn the_alphabet_is_that_of_the_decoder() {
        for byte in 0..=255u8 {
            let text = [b'A', b'A', byte, b'A'];
            assert_eq!(is_base64(&text), STANDARD.decode(text).is_ok(), "{byte}");
        }
    }

    #[test]
    fn content_is_recognised_by_its_first_bytes() {
        assert!(matches!(
            from_content(Bytes::from_static(PNG)),
            Ok(ImageSource::Bytes { media_type: MediaType::Png, .. })
        ));
        assert_eq!(from_content(Bytes::from_static(b"<svg>")).map(drop), Err(BadPicture::UnknownType));
    }
}
