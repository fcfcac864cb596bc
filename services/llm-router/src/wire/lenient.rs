//! Fields of answers as providers really write them: null for missing, lists for texts, objects for texts of JSON.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{self, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;
use uuid::Uuid;

/// A short word, borrowed where it can be; empty for null, and for what is no text.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Word<'a>(Cow<'a, str>);

impl Word<'_> {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn into_string(self) -> String {
        self.0.into_owned()
    }

    /// The word unless it is empty.
    pub(super) fn given(self) -> Option<String> {
        (!self.is_empty()).then(|| self.into_string())
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Word<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WordVisitor)
    }
}

struct WordVisitor;

impl<'de> Visitor<'de> for WordVisitor {
    type Value = Word<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a text, a number or null")
    }

    fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Word(Cow::Borrowed(text)))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Word(Cow::Owned(text.to_owned())))
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<Self::Value, E> {
        Ok(Word(Cow::Owned(text)))
    }

    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(Word::default())
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Word::default())
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Word(Cow::Owned(number.to_string())))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Word(Cow::Owned(number.to_string())))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Self::Value, E> {
        Ok(Word(Cow::Owned(number.to_string())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Word::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Word::default())
    }
}

/// A text: a string, or a list of parts whose texts count and whose thoughts are kept apart.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Text {
    pub(super) text: String,
    pub(super) thought: String,
}

#[derive(Deserialize)]
struct TextPart<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Word<'a>,
    #[serde(default)]
    text: Text,
    #[serde(default)]
    thinking: Text,
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a text, a list of parts or null")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Text, E> {
        self.visit_string(text.to_owned())
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<Text, E> {
        Ok(Text { text, thought: String::new() })
    }

    fn visit_unit<E: de::Error>(self) -> Result<Text, E> {
        Ok(Text::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Text, A::Error> {
        let mut whole = Text::default();
        while let Some(part) = parts.next_element::<TextPart<'de>>()? {
            if matches!(part.kind.as_str(), "thinking" | "reasoning") {
                whole.thought.push_str(&part.thinking.text);
                whole.thought.push_str(&part.text.text);
            } else {
                whole.text.push_str(&part.text.text);
            }
        }
        Ok(whole)
    }
}

/// The arguments of a call: a text of JSON, or the JSON itself.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Arguments(pub(super) String);

impl<'de> Deserialize<'de> for Arguments {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = <&RawValue>::deserialize(deserializer)?.get();
        if json == "null" {
            return Ok(Self::default());
        }
        if json.starts_with('"') {
            return serde_json::from_str(json).map(Self).map_err(de::Error::custom);
        }
        Ok(Self(json.to_owned()))
    }
}

/// Arguments as JSON for providers that want an object: as they are if they are one, else empty.
pub(super) fn object_or_empty(arguments: &str) -> &str {
    let arguments = arguments.trim();
    let is_object = arguments.starts_with('{') && serde_json::from_str::<IgnoredAny>(arguments).is_ok();
    if is_object { arguments } else { "{}" }
}

/// An id for a call of a provider that gives none.
pub(super) fn call_id() -> String {
    format!("call_{}", Uuid::new_v4().simple())
}

/// A list; empty for null.
pub(super) fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// The default for null.
pub(super) fn nullable<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn word(json: &str) -> Word<'_> {
        serde_json::from_slice(json.as_bytes()).unwrap()
    }

    #[test]
    fn words_are_borrowed_where_they_can_be_and_empty_for_what_is_no_word() {
        assert!(matches!(word("\"stop\"").0, Cow::Borrowed("stop")));
        assert_eq!(word("\"a\\u0062\"").as_str(), "ab");
        assert_eq!(word("429").as_str(), "429");
        for nothing in ["null", "true", "[1,[2]]", "{\"a\":{}}"] {
            assert!(word(nothing).is_empty(), "{nothing}");
        }
    }

    #[test]
    fn texts_may_be_lists_of_parts_with_thoughts_apart() {
        let text: Text = serde_json::from_str(
            r#"[{"type":"thinking","thinking":[{"type":"text","text":"hm"}]},{"type":"text","text":"a"},{"text":"b"}]"#,
        )
        .unwrap();
        assert_eq!(text, Text { text: "ab".into(), thought: "hm".into() });
        assert_eq!(serde_json::from_str::<Text>("null").unwrap(), Text::default());
        assert!(serde_json::from_str::<Text>("3").is_err());
    }

    #[test]
    fn arguments_may_be_text_or_json() {
        for (json, expected) in [(r#""{\"a\":1}""#, r#"{"a":1}"#), (r#"{"a":1}"#, r#"{"a":1}"#), ("null", "")] {
            assert_eq!(serde_json::from_slice::<Arguments>(json.as_bytes()).unwrap().0, expected);
        }
    }
}
