//! Takes out of a model's text what keeps it from being JSON: fences and words around it, commas before a closing bracket,
//! brackets left open at the end. Never invents a value and never closes a string.

use std::borrow::Cow;

use serde_json::Value;

use super::cut::Cut;

/// Longest text that is read, in bytes.
pub const LONGEST: usize = 4 * 1024 * 1024;
/// Deepest nesting whose brackets are closed.
const DEEPEST: usize = 64;

/// A document and what it took to read it.
#[derive(Debug, PartialEq)]
pub struct Repaired<'a> {
    /// JSON text.
    pub text: Cow<'a, str>,
    /// The same, read.
    pub value: Value,
    /// Whether anything had to be left out or added.
    pub repaired: bool,
}

/// Reads a document. `may_close` allows brackets at the end to be closed; not for an answer that a token limit cut, which
/// would look whole and lack its rest.
///
/// # Errors
/// In words, what keeps it from being JSON.
pub fn repair(text: &str, may_close: bool) -> Result<Repaired<'_>, String> {
    if text.len() > LONGEST {
        return Err(format!("the answer has {} bytes; at most {LONGEST} are read", text.len()));
    }
    let bare = text.trim_start_matches('\u{feff}').trim();
    let error = match serde_json::from_str(bare) {
        Ok(value) => return Ok(Repaired { text: Cow::Borrowed(bare), value, repaired: false }),
        Err(error) => error,
    };
    let mut cut = Cut::default();
    let document = cut.push(bare);
    if document.is_empty() {
        return Err("the answer holds no JSON".to_owned());
    }
    if let Ok(value) = serde_json::from_str(document) {
        return Ok(Repaired { text: Cow::Borrowed(document), value, repaired: true });
    }
    let mended = mend(document, may_close && !cut.is_whole());
    match serde_json::from_str(&mended) {
        Ok(value) => Ok(Repaired { text: Cow::Owned(mended), value, repaired: true }),
        Err(_) => Err(format!("the answer is not JSON: {error}")),
    }
}

/// Drops commas before a closing bracket or the end, and closes what is open.
fn mend(document: &str, close: bool) -> String {
    let mut mended = String::with_capacity(document.len() + DEEPEST);
    let mut open = Vec::new();
    let (mut in_string, mut escaped) = (false, false);
    for character in document.chars() {
        match character {
            _ if escaped => escaped = false,
            '\\' if in_string => escaped = true,
            '"' => in_string = !in_string,
            _ if in_string => {}
            '{' => open.push('}'),
            '[' => open.push(']'),
            '}' | ']' => {
                open.pop();
                drop_comma(&mut mended);
            }
            _ => {}
        }
        mended.push(character);
    }
    if close && !in_string && open.len() <= DEEPEST {
        drop_comma(&mut mended);
        mended.extend(open.iter().rev());
    }
    mended
}

fn drop_comma(text: &mut String) {
    let length = text.trim_end().len();
    if text[..length].ends_with(',') {
        text.truncate(length - 1);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    #[test]
    fn what_models_put_around_and_into_json_is_taken_away() {
        for (text, repaired) in [
            ("{\"a\": [1, 2]}", false),
            ("\u{feff} {\"a\": [1, 2]}\n", false),
            ("```json\n{\"a\": [1, 2]}\n```", true),
            ("Here it is: {\"a\": [1, 2]} I hope {it} helps.", true),
            ("{\"a\": [1, 2,],}", true),
            ("{\"a\": [1, 2", true),
            ("{\"a\": [1, 2,\n", true),
        ] {
            let read = repair(text, true).unwrap();
            assert_eq!((read.value, read.repaired), (json!({"a": [1, 2]}), repaired), "{text}");
            assert_eq!(serde_json::from_str::<Value>(&read.text).unwrap(), json!({"a": [1, 2]}));
        }
    }

    #[test]
    fn commas_and_brackets_in_strings_are_left_alone() {
        let read = repair(r#"{"a": ",]", "b": "\",}",}"#, true).unwrap();
        assert_eq!(read.value, json!({"a": ",]", "b": "\",}"}));
    }

    #[test]
    fn nothing_is_made_up() {
        assert!(repair("{\"a\": [1, 2", false).is_err(), "cut by a token limit");
        assert!(repair("{\"a\": \"unfinished", true).is_err(), "an open string");
        assert!(repair("{\"a\": ", true).is_err(), "a missing value");
        assert!(repair("I cannot.", true).is_err());
        assert!(repair(&"[".repeat(1_000), true).is_err(), "absurd nesting");
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused_without_a_panic(text in "\\PC{0,80}", close: bool) {
            if let Ok(read) = repair(&text, close) {
                let again = repair(&read.text, close);
                proptest::prop_assert_eq!(again.map(|again| (again.value, again.repaired)), Ok((read.value, false)));
            }
        }
    }
}
