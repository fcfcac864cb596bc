//! Recipe boards: a board described by a YAML file, read without any code of its own.
//!
//! ```yaml
//! name: acme-jobs
//! label: Acme Jobs
//! url: https://jobs.acme.example/api?q={query}&page={page}
//! paging: { kind: page, first: 1, most: 5 }
//! format: json
//! rows: /data/jobs
//! fields:
//!   title: /name
//!   url: { at: /slug, prefix: "https://jobs.acme.example/job/" }
//!   company: { constant: Acme }
//!   posted: { at: /published, date: "%d.%m.%Y" }
//! ```

use async_trait::async_trait;
use url::Url;

use crate::collect::Collector;
use crate::fetch::{Fetcher, Request};
use crate::source::{
    Next, Outcome, Page, ParseError, Parsed, PostingSink, Query, Source, SourceError, SourceInfo, SourceKind,
};

mod definition;
mod read;
mod validate;

pub use definition::{Definition, FieldName, FieldRule, Format, Paging, PagingKind};

/// Largest recipe file, bytes.
pub const LARGEST_FILE: usize = 64 * 1024;

/// What is wrong with a recipe file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}field `{field}`: {problem}; {remedy}", line.map(|line| format!("line {line}, ")).unwrap_or_default())]
pub struct RecipeError {
    /// Line in the file, from 1, when it can be told.
    pub line: Option<usize>,
    /// Field of the recipe.
    pub field: String,
    /// What is wrong.
    pub problem: String,
    /// What to write instead.
    pub remedy: String,
}

/// A board made from a recipe.
#[derive(Debug)]
pub struct Recipe {
    info: SourceInfo,
    definition: Definition,
    reader: read::Reader,
}

impl Recipe {
    /// Reads and checks a recipe.
    ///
    /// # Errors
    /// [`RecipeError`] for the first thing that is wrong.
    pub fn from_yaml(text: &str) -> Result<Self, RecipeError> {
        let definition = validate::read(text)?;
        let reader = read::Reader::new(&definition, text)?;
        let host = validate::host_of(&definition.url).unwrap_or_default();
        let mut info = SourceInfo::new(&definition.name, &definition.label, SourceKind::Recipe, &[host.as_str()]);
        info.terms.clone_from(&definition.terms);
        info.description_complete = definition.fields.contains_key(&FieldName::Description);
        Ok(Self { info, definition, reader })
    }

    /// The recipe as it was read.
    pub fn definition(&self) -> &Definition {
        &self.definition
    }

    /// The address of one page of the list.
    fn address(&self, query: &Query, number: usize, cursor: Option<&str>) -> Result<Url, SourceError> {
        let paging = &self.definition.paging;
        let number = number as u64;
        let words = query.titles.first().map(String::as_str).unwrap_or_default();
        let place = query.places.first().map(String::as_str).unwrap_or_default();
        let values = [
            ("{query}", words.to_owned()),
            ("{place}", place.to_owned()),
            ("{page}", (paging.first + number).to_string()),
            ("{offset}", (paging.first + number * paging.step).to_string()),
            ("{cursor}", cursor.unwrap_or_default().to_owned()),
        ];
        let mut address = self.definition.url.clone();
        for (name, value) in values {
            let encoded: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
            // A blank is %20 in a path and + in a query; %20 is right in both.
            address = address.replace(name, &encoded.replace('+', "%20"));
        }
        Url::parse(&address).map_err(|error| SourceError::BadQuery {
            name: self.info.name.clone(),
            reason: format!("its address {address} is broken: {error}"),
        })
    }

    fn request(&self, url: Url) -> Request {
        match self.definition.format {
            Format::Html => Request::page(url),
            Format::Json | Format::Rss | Format::Xml => Request::get(url),
        }
    }

    /// The request for a page, given what the page before said; `None` when there is none.
    fn next_request(&self, query: &Query, number: usize, last: Option<&Parsed>) -> Option<Request> {
        let next = last.and_then(|last| last.next.as_ref());
        let url = match (self.definition.paging.kind, number, next) {
            (_, 0, _) => self.address(query, 0, None).ok()?,
            (PagingKind::Page | PagingKind::Offset, ..) => self.address(query, number, None).ok()?,
            (PagingKind::Cursor, _, Some(Next::Cursor(cursor))) => self.address(query, number, Some(cursor)).ok()?,
            (PagingKind::Link, _, Some(Next::Url(url))) => url.clone(),
            _ => return None,
        };
        Some(self.request(url))
    }
}

#[async_trait]
impl Source for Recipe {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    async fn search(&self, query: &Query, fetch: &Fetcher, sink: &mut dyn PostingSink) -> Result<Outcome, SourceError> {
        let mut collector = Collector::new(self, query, fetch, sink);
        // A broken address is an error, not an empty board.
        let first = self.address(query, 0, None)?;
        match self.definition.paging.kind {
            PagingKind::None => collector.whole(self.request(first)).await?,
            _ => {
                let most = self.definition.paging.most;
                collector.pages(most, |number, last| self.next_request(query, number, last)).await?;
            }
        }
        Ok(collector.outcome)
    }

    fn parse(&self, page: &Page) -> Result<Parsed, ParseError> {
        self.reader.read(&self.definition, page)
    }
}

#[cfg(test)]
mod tests;
