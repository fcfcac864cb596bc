//! Remotive: remote jobs in one JSON answer, a day behind the site.
//!
//! `GET https://remotive.com/api/remote-jobs`; `publication_date` has no zone and is UTC. At most four calls a day are
//! asked for, so the whole list is fetched once and filtered here rather than searched per title.

use aerie_postings::RemoteKind;
use async_trait::async_trait;
use serde_json::Value;

use crate::collect::Collector;
use crate::fetch::{Fetcher, Request};
use crate::lenient::Lenient;
use crate::raw_fields::{add_employment, add_tag, date_at, posting, salary_text, set_description};
use crate::source::{
    Outcome, Page, ParseError, Parsed, PostingSink, Query, Sample, Source, SourceError, SourceInfo, SourceKind,
};

const LIST: &str = "https://remotive.com/api/remote-jobs";

/// The Remotive source.
pub struct Remotive {
    info: SourceInfo,
}

impl Default for Remotive {
    fn default() -> Self {
        let info = SourceInfo::new("remotive", "Remotive", SourceKind::Aggregator, &["remotive.com"]).with_terms(
            "At most four calls a day; link back to Remotive and name it; listings are delayed by 24 hours.",
        );
        Self { info }
    }
}

#[async_trait]
impl Source for Remotive {
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
        if !value.at("jobs").is_some_and(Value::is_array) {
            return Err(ParseError::not_this("an object with a list `jobs` was expected"));
        }
        let mut parsed =
            Parsed { total: value.integer("job-count").and_then(|n| n.try_into().ok()), ..Parsed::default() };
        value.list("jobs").iter().for_each(|row| parsed.push(read(row)));
        parsed.or_broken(value.integer("job-count").is_some_and(|count| count > 0), "job-count is above 0")
    }

    fn recognise(&self, sample: &Sample<'_>) -> u8 {
        let Some(row) = sample.json.and_then(|value| value.at("jobs.0")) else { return 0 };
        if row.at("candidate_required_location").is_some() && row.at("publication_date").is_some() { 95 } else { 0 }
    }
}

fn read(value: &Value) -> aerie_postings::RawPosting {
    let mut row = posting("remotive");
    row.source_id = value.text("id");
    row.title = value.text("title");
    row.company = value.text("company_name");
    row.url = value.text("url");
    row.remote = Some(RemoteKind::Remote);
    row.remote_scope = value.text("candidate_required_location");
    if let Some(kind) = value.text("job_type") {
        add_employment(&mut row, &kind);
    }
    row.salary = value.text("salary").and_then(|text| salary_text(&text));
    row.department = value.text("category");
    value.texts("tags").iter().for_each(|tag| add_tag(&mut row, tag));
    if let Some(text) = value.text("description") {
        set_description(&mut row, &text);
    }
    row.posted = date_at(value, "publication_date");
    row
}
