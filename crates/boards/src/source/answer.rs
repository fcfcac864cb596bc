//! Answers: what comes in, and what a parser makes of it.

use aerie_postings::RawPosting;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use super::{CompanyBoard, ParseError};

/// What makes a conditional request possible.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Validators {
    /// `ETag` as sent.
    pub etag: Option<String>,
    /// `Last-Modified` as sent.
    pub last_modified: Option<String>,
    /// xxh3 of the decoded body: an equal body counts as unchanged also without the two headers.
    pub body_hash: u64,
}

/// One answer to be parsed.
#[derive(Debug, Clone)]
pub struct Page {
    /// Address as the source built it, before [`crate::fetch::Endpoints`] and redirects.
    pub url: Url,
    /// `Content-Type` header.
    pub content_type: Option<String>,
    /// Body, decompressed; text formats are already UTF-8 when it came through [`Fetcher`].
    pub body: Bytes,
    /// The company board it was asked for.
    pub board: Option<CompanyBoard>,
}

impl Page {
    /// A page without content type and board.
    pub fn new(url: Url, body: impl Into<Bytes>) -> Self {
        Self { url, content_type: None, body: body.into(), board: None }
    }

    /// The same page, known to belong to a company board.
    #[must_use]
    pub fn with_board(mut self, board: &CompanyBoard) -> Self {
        self.board = Some(board.clone());
        self
    }

    /// Body as text: UTF-8 with invalid bytes replaced, without a byte order mark.
    pub fn text(&self) -> std::borrow::Cow<'_, str> {
        let body = self.body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&self.body);
        String::from_utf8_lossy(body)
    }

    /// Body as JSON.
    ///
    /// # Errors
    /// [`ParseError::NotThisFormat`] that says what came instead (HTML, nothing, broken JSON).
    pub fn json(&self) -> Result<Value, ParseError> {
        crate::lenient::parse_json(&self.text())
    }

    /// The company's name as the board says, for formats that carry none.
    pub fn company(&self) -> Option<String> {
        self.board.as_ref().map(CompanyBoard::company_name).filter(|name| !name.is_empty())
    }
}

/// An answer of unknown origin, read once for all sources.
#[derive(Debug, Clone, Copy)]
pub struct Sample<'a> {
    /// Text.
    pub text: &'a str,
    /// The JSON value, when it is JSON.
    pub json: Option<&'a Value>,
}

/// What one answer held.
#[derive(Debug, Clone, Default)]
pub struct Parsed {
    /// Postings in the order given.
    pub postings: Vec<RawPosting>,
    /// Where the next part of the list is, as the answer says.
    pub next: Option<Next>,
    /// How many postings the whole list has, as the answer says.
    pub total: Option<u64>,
    /// Rows that were left out.
    pub dropped: Vec<RowProblem>,
}

impl Parsed {
    /// Adds a row that has a title and an address, or notes why not.
    pub fn push(&mut self, posting: RawPosting) {
        let row = self.postings.len() + self.dropped.len();
        let blank = |text: &Option<String>| text.as_deref().is_none_or(|text| text.trim().is_empty());
        if blank(&posting.title) {
            return self.drop_row(row, "no title");
        }
        if blank(&posting.url) && blank(&posting.apply_url) {
            return self.drop_row(row, "no address");
        }
        self.postings.push(posting);
    }

    /// Notes a row that was left out on purpose (unlisted, closed, not a posting).
    pub fn skip(&mut self, reason: &'static str) {
        let row = self.postings.len() + self.dropped.len();
        self.drop_row(row, reason);
    }

    fn drop_row(&mut self, row: usize, reason: &'static str) {
        self.dropped.push(RowProblem { row, reason });
    }

    /// An error when no row came out although the answer shows signs of postings: the parser no longer fits.
    ///
    /// # Errors
    /// [`ParseError::Broken`].
    pub fn or_broken(self, markers: bool, reason: &str) -> Result<Self, ParseError> {
        if self.postings.is_empty() && self.dropped.is_empty() && markers {
            return Err(ParseError::Broken { reason: reason.to_owned() });
        }
        Ok(self)
    }
}

/// Where the next part of a list is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// At this address.
    Url(Url),
    /// At this number of rows from the start.
    Offset(u64),
    /// On this page.
    Page(u32),
    /// After this cursor.
    Cursor(String),
}

/// A row that was left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RowProblem {
    /// Position in the answer, from 0.
    pub row: usize,
    /// Why.
    pub reason: &'static str,
}
