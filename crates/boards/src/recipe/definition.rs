//! The recipe file's fields.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// A whole recipe.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Definition {
    /// Unique short name: small letters, digits and `-`.
    pub name: String,
    /// Name for people.
    pub label: String,
    /// Address with `{query}`, `{place}`, `{page}`, `{offset}` and `{cursor}` where they belong.
    pub url: String,
    /// How the list goes on.
    #[serde(default)]
    pub paging: Paging,
    /// What the answer is.
    pub format: Format,
    /// Where the rows are: JSON pointer, CSS selector, or name of an XML element. Empty in JSON when the answer itself is
    /// the list; `item` in RSS when left out.
    #[serde(default)]
    pub rows: String,
    /// Where each field of a row is.
    pub fields: BTreeMap<FieldName, FieldRule>,
    /// What the board's terms ask for.
    #[serde(default)]
    pub terms: String,
}

/// What an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// JSON; places are JSON pointers (RFC 6901).
    Json,
    /// HTML; places are CSS selectors.
    Html,
    /// RSS; places are element names.
    Rss,
    /// Other XML; places are element names joined by `/`, an attribute begins with `@`.
    Xml,
}

/// How a list goes on.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Paging {
    /// Kind.
    pub kind: PagingKind,
    /// First page number or offset.
    pub first: u64,
    /// Rows a page, for `offset`.
    pub step: u64,
    /// Most pages in one search.
    pub most: usize,
    /// Where the cursor or the link to the next page is.
    pub at: String,
}

impl Default for Paging {
    fn default() -> Self {
        Self { kind: PagingKind::None, first: 0, step: 20, most: 5, at: String::new() }
    }
}

/// Kind of paging.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PagingKind {
    /// One answer holds everything.
    #[default]
    None,
    /// `{page}` counts up.
    Page,
    /// `{offset}` counts up by `step`.
    Offset,
    /// The answer names the `{cursor}` of the next page at `at`.
    Cursor,
    /// The answer names the address of the next page at `at`.
    Link,
}

/// A field of a posting that a recipe can fill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum FieldName {
    Id,
    Title,
    Company,
    Url,
    ApplyUrl,
    Place,
    City,
    Region,
    Country,
    Remote,
    RemoteScope,
    Employment,
    Seniority,
    Salary,
    SalaryMin,
    SalaryMax,
    SalaryCurrency,
    SalaryPeriod,
    Description,
    Department,
    Tags,
    Language,
    Posted,
    Updated,
    Expires,
}

/// How one field is found. Written as a plain string it is `at` alone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct FieldRule {
    /// Place in the row; empty for the row itself.
    pub at: String,
    /// HTML: attribute to take in place of the text.
    pub attribute: Option<String>,
    /// HTML: take the markup in place of the text.
    pub html: bool,
    /// Part to take: the first group, or the whole match.
    pub regex: Option<String>,
    /// A fixed value; nothing is read.
    pub constant: Option<String>,
    /// Text put in front of what was found.
    pub prefix: Option<String>,
    /// Date format, as in `strftime` (`%d.%m.%Y`), or `epoch` for seconds or milliseconds.
    pub date: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
struct FullRule {
    at: String,
    attribute: Option<String>,
    html: bool,
    regex: Option<String>,
    constant: Option<String>,
    prefix: Option<String>,
    date: Option<String>,
}

impl<'de> Deserialize<'de> for FieldRule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = FieldRule;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a place such as `/title`, or a map with `at`, `regex`, `constant`, …")
            }

            fn visit_str<E>(self, at: &str) -> Result<FieldRule, E> {
                Ok(FieldRule { at: at.to_owned(), ..FieldRule::default() })
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<FieldRule, A::Error> {
                let FullRule { at, attribute, html, regex, constant, prefix, date } =
                    FullRule::deserialize(MapAccessDeserializer::new(map))?;
                Ok(FieldRule { at, attribute, html, regex, constant, prefix, date })
            }
        }
        deserializer.deserialize_any(Either)
    }
}
