//! Writing JSON straight into the segments of a request body.
//!
//! Requests to providers are small but for images, which may be megabytes: their base64 text is shared, not copied,
//! and becomes a segment of its own between two stretches of our JSON.

use std::fmt::Write;

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::{BufMut, Bytes, BytesMut};

/// A JSON document that is being written. Commas come by themselves; opening and closing is the caller's to pair.
#[derive(Debug, Default)]
pub struct JsonWriter {
    segments: Vec<Bytes>,
    current: BytesMut,
    /// Whether a value stands before, so that the next one needs a comma.
    after_value: bool,
}

impl JsonWriter {
    /// A writer whose first stretch has room for so many bytes.
    #[must_use]
    pub fn with_capacity(bytes: usize) -> Self {
        Self { current: BytesMut::with_capacity(bytes), ..Self::default() }
    }

    fn separate(&mut self) {
        if self.after_value {
            self.current.put_u8(b',');
        }
        self.after_value = true;
    }

    fn open(&mut self, bracket: u8) {
        self.separate();
        self.current.put_u8(bracket);
        self.after_value = false;
    }

    fn close(&mut self, bracket: u8) {
        self.current.put_u8(bracket);
        self.after_value = true;
    }

    /// `{`
    pub fn open_object(&mut self) {
        self.open(b'{');
    }

    /// `}`
    pub fn close_object(&mut self) {
        self.close(b'}');
    }

    /// `[`
    pub fn open_array(&mut self) {
        self.open(b'[');
    }

    /// `]`
    pub fn close_array(&mut self) {
        self.close(b']');
    }

    /// The name of the value that follows; one that needs no escapes.
    pub fn key(&mut self, name: &'static str) {
        debug_assert_eq!(clean_length(name.as_bytes()), name.len(), "{name}");
        self.separate();
        self.current.put_u8(b'"');
        self.current.put_slice(name.as_bytes());
        self.current.put_slice(b"\":");
        self.after_value = false;
    }

    /// Text.
    pub fn string(&mut self, text: &str) {
        self.strings(&[text]);
    }

    /// Texts, one after the other, as one value.
    pub fn strings(&mut self, texts: &[&str]) {
        self.separate();
        self.current.reserve(texts.iter().map(|text| text.len()).sum::<usize>() + 2);
        self.current.put_u8(b'"');
        for text in texts {
            self.escaped(text);
        }
        self.current.put_u8(b'"');
    }

    fn escaped(&mut self, text: &str) {
        write_escaped(&mut self.current, text);
    }

    /// Formats into memory, which cannot fail.
    fn display(&mut self, text: std::fmt::Arguments<'_>) {
        let _ = self.current.write_fmt(text);
    }

    /// A whole number.
    pub fn integer(&mut self, value: i64) {
        self.separate();
        self.display(format_args!("{value}"));
    }

    /// A whole number that is not negative.
    pub fn count(&mut self, value: u64) {
        self.separate();
        self.display(format_args!("{value}"));
    }

    /// A number; what JSON cannot say (infinities, not-a-number) is null.
    pub fn number(&mut self, value: f32) {
        self.separate();
        if value.is_finite() {
            self.display(format_args!("{value}"));
        } else {
            self.current.put_slice(b"null");
        }
    }

    /// `true` or `false`
    pub fn boolean(&mut self, value: bool) {
        self.separate();
        self.current.put_slice(if value { b"true" } else { b"false" });
    }

    /// `null`
    pub fn null(&mut self) {
        self.separate();
        self.current.put_slice(b"null");
    }

    /// A value that is JSON already.
    pub fn raw(&mut self, json: &str) {
        self.separate();
        self.current.put_slice(json.as_bytes());
    }

    /// Text of a beginning and of base64 that is shared, not copied. The base64 must be of the standard alphabet, which
    /// needs no escapes.
    pub fn string_with_shared(&mut self, beginning: &str, base64: &Bytes) {
        self.separate();
        self.current.put_u8(b'"');
        self.escaped(beginning);
        self.segments.push(self.current.split().freeze());
        self.segments.push(base64.clone());
        self.current.put_u8(b'"');
    }

    /// Text of a beginning and of bytes written as base64.
    pub fn string_with_base64(&mut self, beginning: &str, bytes: &[u8]) {
        self.separate();
        self.current.put_u8(b'"');
        self.escaped(beginning);
        let start = self.current.len();
        let length = bytes.len().div_ceil(3) * 4;
        self.current.resize(start + length, b'=');
        let place = self.current.get_mut(start..).unwrap_or_default();
        // The place has exactly the length that the text needs, so that this cannot fail.
        let _ = STANDARD.encode_slice(bytes, place);
        self.current.put_u8(b'"');
    }

    /// The document in segments, in order.
    #[must_use]
    pub fn finish(mut self) -> Vec<Bytes> {
        if !self.current.is_empty() {
            self.segments.push(self.current.freeze());
        }
        self.segments
    }

    /// The document in one piece, which copies nothing where no text was shared.
    #[must_use]
    pub fn finish_joined(mut self) -> Bytes {
        if self.segments.is_empty() { self.current.split().freeze() } else { self.finish().concat().into() }
    }
}

/// Writes a text as it stands between a JSON string's quotation marks.
pub(crate) fn write_escaped(out: &mut BytesMut, text: &str) {
    let mut rest = text.as_bytes();
    loop {
        let clean = rest.get(..clean_length(rest)).unwrap_or_default();
        out.put_slice(clean);
        let Some((byte, after)) = rest.get(clean.len()..).and_then(<[u8]>::split_first) else { return };
        match *byte {
            b'"' => out.put_slice(b"\\\""),
            b'\\' => out.put_slice(b"\\\\"),
            b'\n' => out.put_slice(b"\\n"),
            b'\r' => out.put_slice(b"\\r"),
            b'\t' => out.put_slice(b"\\t"),
            // Formatting into memory cannot fail.
            other => drop(write!(out, "\\u{other:04x}")),
        }
        rest = after;
    }
}

/// Bytes before the first that must be escaped. Whole blocks are looked at without a branch for each byte, so that the
/// compiler makes vector instructions of it.
fn clean_length(bytes: &[u8]) -> usize {
    const BLOCK: usize = 32;
    let special = |byte: &u8| *byte < b' ' || *byte == b'"' || *byte == b'\\';
    let is_clean = |block: &&[u8]| !block.iter().fold(false, |any, byte| any | special(byte));
    let clean = bytes.chunks_exact(BLOCK).take_while(is_clean).count() * BLOCK;
    let rest = bytes.get(clean..).unwrap_or_default();
    clean + rest.iter().position(special).unwrap_or(rest.len())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn read(writer: JsonWriter) -> Value {
        serde_json::from_slice(&writer.finish().concat()).unwrap()
    }

    #[test]
    fn values_of_every_kind_are_written_with_their_commas() {
        let mut json = JsonWriter::with_capacity(16);
        json.open_object();
        json.key("empty");
        json.open_array();
        json.close_array();
        json.key("list");
        json.open_array();
        json.integer(-3);
        json.number(0.7);
        json.number(f32::NAN);
        json.boolean(true);
        json.null();
        json.raw("{\"x\": 1}");
        json.open_object();
        json.close_object();
        json.close_array();
        json.key("two");
        json.strings(&["a\"", "\u{1}b"]);
        json.close_object();
        let expected = json!({"empty": [], "list": [-3, 0.7, null, true, null, {"x": 1}, {}], "two": "a\"\u{1}b"});
        assert_eq!(read(json).to_string(), expected.to_string());
    }

    #[test]
    fn shared_base64_is_a_segment_of_its_own_and_is_not_copied() {
        let image = Bytes::from(vec![b'A'; 1 << 20]);
        let mut json = JsonWriter::default();
        json.open_array();
        json.string_with_shared("data:image/png;base64,", &image);
        json.integer(1);
        json.close_array();
        let segments = json.finish();
        assert!(segments.iter().any(|segment| segment.as_ptr() == image.as_ptr()));
        let whole = segments.concat();
        assert!(whole.starts_with(b"[\"data:image/png;base64,AAA") && whole.ends_with(b"AAA\",1]"));
    }

    proptest! {
        #[test]
        fn any_text_and_any_bytes_come_back(text: String, bytes: Vec<u8>) {
            let mut json = JsonWriter::default();
            json.open_array();
            json.string(&text);
            json.string_with_base64("data:", &bytes);
            json.close_array();
            let expected = json!([text, format!("data:{}", STANDARD.encode(&bytes))]);
            prop_assert_eq!(read(json), expected);
        }
    }
}
