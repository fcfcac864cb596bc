//! Pictures in a question.

use bytes::Bytes;

/// A picture, by address or by content.
#[derive(Debug, Clone)]
pub struct Image {
    /// Where it is.
    pub source: ImageSource,
    /// How closely to look, in OpenAI's words (`low`, `high`, `auto`); others ignore it.
    pub detail: Option<String>,
}

/// Where a picture's bytes are. Content is shared, never copied on the way to a backend.
#[derive(Debug, Clone)]
pub enum ImageSource {
    /// At an http or https address.
    Url(String),
    /// Here, as base64 with the standard alphabet and padding: a slice of the request it came in.
    Base64 {
        /// Type, found by looking at the first bytes and not by what the caller says.
        media_type: MediaType,
        /// The base64 text.
        data: Bytes,
    },
    /// Here, as it is.
    Bytes {
        /// Type, found by looking at the first bytes.
        media_type: MediaType,
        /// The file.
        data: Bytes,
    },
}

/// Types of pictures that models take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MediaType {
    /// `image/png`
    Png,
    /// `image/jpeg`
    Jpeg,
    /// `image/gif`
    Gif,
    /// `image/webp`
    WebP,
}

impl MediaType {
    /// The name in HTTP.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Gif => "image/gif",
            Self::WebP => "image/webp",
        }
    }

    /// The beginning of a `data:` address that holds such a picture as base64.
    #[must_use]
    pub fn data_url_beginning(self) -> &'static str {
        match self {
            Self::Png => "data:image/png;base64,",
            Self::Jpeg => "data:image/jpeg;base64,",
            Self::Gif => "data:image/gif;base64,",
            Self::WebP => "data:image/webp;base64,",
        }
    }

    /// Looks at a file's first bytes (twelve are enough).
    #[must_use]
    pub fn sniff(file: &[u8]) -> Option<Self> {
        match file {
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some(Self::Png),
            [0xff, 0xd8, 0xff, ..] => Some(Self::Jpeg),
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some(Self::Gif),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(Self::WebP),
            _ => None,
        }
    }
}
