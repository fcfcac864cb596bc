//! The content of a message: nothing, a text, or a list of parts. Read by hand, because serde's choice between forms
//! would first copy everything, pictures included.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{self, SeqAccess, Visitor},
};

/// What a message holds.
#[derive(Debug, Default)]
pub(super) enum Content<'a> {
    /// Nothing.
    #[default]
    Absent,
    /// A text.
    Text(Cow<'a, str>),
    /// Parts.
    Parts(Vec<ContentPart<'a>>),
}

/// A part of a message.
#[derive(Debug)]
pub(super) enum ContentPart<'a> {
    /// Text, also an assistant's refusal.
    Text(Cow<'a, str>),
    /// A picture.
    Image {
        /// Its address.
        url: Cow<'a, str>,
        /// How closely to look.
        detail: Option<Cow<'a, str>>,
    },
    /// Another type.
    Other(String),
}

impl<'de: 'a, 'a> Deserialize<'de> for Content<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ContentVisitor)
    }
}

struct ContentVisitor;

impl<'de> Visitor<'de> for ContentVisitor {
    type Value = Content<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a text, a list of parts, or null")
    }

    fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Content::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Content::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<Self::Value, E> {
        Ok(Content::Text(Cow::Owned(text)))
    }

    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(Content::Absent)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut parts = Vec::new();
        while let Some(part) = list.next_element::<PartBody<'de>>()? {
            parts.push(part.read().map_err(de::Error::custom)?);
        }
        Ok(Content::Parts(parts))
    }
}

/// All forms of a part at once.
#[derive(Debug, Deserialize)]
struct PartBody<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    text: Option<Text<'a>>,
    #[serde(borrow, default)]
    refusal: Option<Text<'a>>,
    #[serde(borrow, default)]
    image_url: Option<ImageBody<'a>>,
}

#[derive(Debug, Deserialize)]
struct ImageBody<'a> {
    #[serde(borrow)]
    url: Text<'a>,
    #[serde(borrow, default)]
    detail: Option<Text<'a>>,
}

impl<'a> PartBody<'a> {
    fn read(self) -> Result<ContentPart<'a>, String> {
        match &*self.kind {
            "text" => {
                self.text.map(|text| ContentPart::Text(text.0)).ok_or_else(|| "a text part without text".to_owned())
            }
            "refusal" => Ok(ContentPart::Text(self.refusal.map(|text| text.0).unwrap_or_default())),
            "image_url" => match self.image_url {
                Some(image) => Ok(ContentPart::Image { url: image.url.0, detail: image.detail.map(|text| text.0) }),
                None => Err("an image_url part without image_url".to_owned()),
            },
            other => Ok(ContentPart::Other(other.to_owned())),
        }
    }
}

/// A text that is borrowed where it holds no escapes; within an option serde would copy it.
#[derive(Debug)]
struct Text<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor).map(Self)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Cow<'de, str>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a text")
    }

    fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text))
    }
}
