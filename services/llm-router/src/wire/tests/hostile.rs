//! Answers that were cut, split, damaged or made up.

use proptest::prelude::*;
use serde_json::Value;

use super::*;

#[test]
fn any_split_of_a_recorded_stream_says_the_same() {
    for (kind, folder) in KINDS {
        for name in ["stream", "tools_stream"] {
            let bytes = fixture(folder, name);
            let (whole, _) = read_stream(&*wire(kind), &bytes, usize::MAX);
            let whole = without_own_ids(whole);
            for length in [1, 2, 3, 7, 64, 1_000] {
                let (pieces, end) = read_stream(&*wire(kind), &bytes, length);
                assert_eq!((without_own_ids(pieces), end), (whole.clone(), Ok(true)), "{folder} {name} {length}");
            }
        }
    }
}

#[test]
fn a_stream_that_is_cut_before_its_last_events_is_not_finished() {
    for (kind, folder) in KINDS {
        let bytes = fixture(folder, "stream");
        for length in 0..bytes.len() {
            let (pieces, end) = read_stream(&*wire(kind), &bytes[..length], usize::MAX);
            let is_told = pieces.iter().any(|piece| matches!(piece, Piece::Finish(_)));
            assert_eq!(end, Ok(is_told), "{folder} {length}");
        }
    }
}

/// Every value of a document replaced by every other kind of value, one at a time.
fn damaged(document: &Value) -> Vec<Value> {
    fn places(value: &Value, place: String, places: &mut Vec<String>) {
        match value {
            Value::Object(fields) => {
                fields.iter().for_each(|(name, inner)| places_of(inner, &place, name, places));
            }
            Value::Array(list) => {
                list.iter().enumerate().for_each(|(index, inner)| places_of(inner, &place, &index.to_string(), places));
            }
            _ => {}
        }
        places.push(place);
    }
    fn places_of(inner: &Value, place: &str, step: &str, found: &mut Vec<String>) {
        places(inner, format!("{place}/{step}"), found);
    }
    let mut found = Vec::new();
    places(document, String::new(), &mut found);
    let strange = ["null", "true", "-1", "1e400", "\"\"", "\"\\ud800\"", "[]", "[[]]", "{}", "18446744073709551615"];
    let mut all = Vec::new();
    for place in found {
        for value in strange.iter().filter_map(|text| serde_json::from_str::<Value>(text).ok()) {
            let mut copy = document.clone();
            *copy.pointer_mut(&place).unwrap() = value;
            all.push(copy);
        }
    }
    all
}

#[test]
fn damaged_answers_are_read_or_refused_but_never_a_panic() {
    for (kind, folder) in KINDS {
        let wire = wire(kind);
        for name in ["plain", "tools", "error"] {
            for document in damaged(&serde_json::from_slice(&fixture(folder, name)).unwrap()) {
                let body = document.to_string();
                let _ = wire.completion(body.as_bytes());
                let _ = wire.embeddings(body.as_bytes());
                let _ = wire.models(body.as_bytes());
                let fault = wire.failure(http::StatusCode::BAD_REQUEST, &http::HeaderMap::new(), body.as_bytes(), None);
                assert!(!fault.message.is_empty());
                let framed = match wire.framing() {
                    Framing::ServerSentEvents => format!("data: {body}\n\n"),
                    Framing::JsonLines => format!("{body}\n"),
                };
                let _ = read_stream(&*wire, framed.as_bytes(), usize::MAX);
            }
        }
    }
}

proptest! {
    #[test]
    fn noise_is_dropped_and_the_rest_is_read(noise in proptest::collection::vec("[^\r\n]{0,30}", 0..4), which in 0usize..7) {
        let (kind, folder) = KINDS[which];
        let wire = wire(kind);
        let mut bytes = Vec::new();
        for line in &noise {
            let text = match wire.framing() {
                Framing::ServerSentEvents => format!("data: [{line}\n\n"),
                Framing::JsonLines => format!("[{line}\n"),
            };
            bytes.extend_from_slice(text.as_bytes());
        }
        // An empty list is no noise.
        let is_json = |line: &String| serde_json::from_str::<serde_json::Value>(&format!("[{line}")).is_ok();
        prop_assume!(!noise.iter().any(is_json));
        // What looks like the provider's last word is one.
        prop_assume!(!noise.iter().any(|line| line.trim() == "DONE]"));
        bytes.extend_from_slice(&fixture(folder, "stream"));
        let (pieces, end) = read_stream(&*wire, &bytes, usize::MAX);
        prop_assert_eq!(end, Ok(true));
        prop_assert_eq!(pieces.iter().filter(|piece| **piece == Piece::Dropped).count(), noise.len());
        prop_assert_eq!(collected(&pieces).content, "Rust is a systems language.");
    }
}
