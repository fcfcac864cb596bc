//! Remote OK: the newest hundred or so remote jobs in one JSON answer.
//!
//! `GET https://remoteok.com/api`: a list whose first element is the terms of use. A salary of 0 means unknown.
//! Descriptions are HTML, often with UTF-8 read as Latin-1 (normalisation repairs that).

use aerie_postings::RemoteKind;
use async_trait::async_trait;
use serde_json::Value;
use url::Url;

use crate::collect::Collector;
use crate::fetch::{Fetcher, Request};
use crate::lenient::Lenient;
use crate::raw_fields::{add_place, add_tag, date_at, posting, salary, set_description};
use crate::source::{
    Outcome, Page, ParseError, Parsed, PostingSink, Query, Sample, Source, SourceError, SourceInfo, SourceKind,
};

const LIST: &str = "https://remoteok.com/api";

/// The Remote OK source.
pub struct RemoteOk {
    info: SourceInfo,
}

impl Default for RemoteOk {
    fn default() -> Self {
        let info = SourceInfo::new("remoteok", "Remote OK", SourceKind::Aggregator, &["remoteok.com"])
            .with_terms("Link back to the posting on Remote OK and name Remote OK as the source when republishing.");
        Self { info }
    }
}

#[async_trait]
impl Source for RemoteOk {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    async fn search(&self, query: &Query, fetch: &Fetcher, sink: &mut dyn PostingSink) -> Result<Outcome, SourceError> {
        let mut collector = Collector::new(self, query, fetch, sink);
        collector.whole(Request::get(crate::query_text::address(LIST)?)).await?;
        Ok(collector.outcome)
    }

    fn parse(&self, page: &Page) -> Result<Parsed, ParseError> {
        let value = page.json()?;
        let Some(rows) = value.as_array() else {
            return Err(ParseError::not_this("a list of jobs was expected"));
        };
        let mut parsed = Parsed::default();
        for row in rows.iter().take(crate::lenient::MOST_ROWS) {
            // The terms of use travel as the first element.
            if row.at("legal").is_some() && row.at("position").is_none() {
                continue;
            }
            parsed.push(read(row));
        }
        parsed.or_broken(rows.len() > 1, "the list has elements but no jobs")
    }

    fn recognise(&self, sample: &Sample<'_>) -> u8 {
        let Some(rows) = sample.json.and_then(Value::as_array) else { return 0 };
        let legal = rows.first().is_some_and(|row| row.at("legal").is_some());
        let job = rows.iter().take(3).any(|row| row.at("position").is_some() && row.at("epoch").is_some());
        if legal {
            95
        } else if job {
            80
        } else {
            0
        }
    }
}

fn read(value: &Value) -> aerie_postings::RawPosting {
    let mut row = posting("remoteok");
    row.source_id = value.text("id");
    row.title = value.text("position");
    row.company = value.text("company");
    row.url = value.text("url").or_else(|| Some(format!("https://remoteok.com/remote-jobs/{}", value.text("slug")?)));
    row.apply_url = value
        .text("apply_url")
        .filter(|address| Url::parse(address).is_ok() && value.text("url").as_ref() != Some(address));
    if let Some(place) = value.text("location") {
        add_place(&mut row, &place);
    }
    row.remote = Some(RemoteKind::Remote);
    row.salary = salary(value.number("salary_min"), value.number("salary_max")).map(|mut pay| {
        // The site shows yearly amounts in US dollars; the answer itself names neither.
        pay.currency = Some("USD".to_owned());
        pay.period = Some("year".to_owned());
        pay
    });
    value.texts("tags").iter().for_each(|tag| add_tag(&mut row, tag));
    if let Some(text) = value.text("description") {
        set_description(&mut row, &text);
    }
    row.posted = date_at(value, "epoch").or_else(|| date_at(value, "date"));
    row
}
