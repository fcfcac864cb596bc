//! Jobicy: the newest remote jobs in one JSON answer of at most 100.
//!
//! `GET https://jobicy.com/api/v2/remote-jobs?count=50`. Strings hold entities; several places come joined as
//! `"UK,  USA"`.

use aerie_postings::{RawPlace, RemoteKind};
use async_trait::async_trait;
use serde_json::Value;

use crate::collect::Collector;
use crate::fetch::{Fetcher, Request};
use crate::html_select::fold_space;
use crate::lenient::Lenient;
use crate::query_text::address_with;
use crate::raw_fields::{add_employment, add_tag, date_at, posting, salary, set_description};
use crate::source::{
    Outcome, Page, ParseError, Parsed, PostingSink, Query, Sample, Source, SourceError, SourceInfo, SourceKind,
};

const LIST: &str = "https://jobicy.com/api/v2/remote-jobs";

/// The Jobicy source.
pub struct Jobicy {
    info: SourceInfo,
}

impl Default for Jobicy {
    fn default() -> Self {
        let info = SourceInfo::new("jobicy", "Jobicy", SourceKind::Aggregator, &["jobicy.com"])
            .with_terms("A few calls a day; link back to the posting on Jobicy.");
        Self { info }
    }
}

#[async_trait]
impl Source for Jobicy {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    async fn search(&self, query: &Query, fetch: &Fetcher, sink: &mut dyn PostingSink) -> Result<Outcome, SourceError> {
        let mut collector = Collector::new(self, query, fetch, sink);
        collector.whole(Request::get(address_with(LIST, &[("count", "100")])?)).await?;
        Ok(collector.outcome)
    }

    fn parse(&self, page: &Page) -> Result<Parsed, ParseError> {
        let value = page.json()?;
        if !value.at("jobs").is_some_and(Value::is_array) {
            return Err(ParseError::not_this("an object with a list `jobs` was expected"));
        }
        let mut parsed = Parsed::default();
        value.list("jobs").iter().for_each(|row| parsed.push(read(row)));
        let announced = value.integer("jobCount").is_some_and(|count| count > 0);
        parsed.or_broken(announced, "jobCount is above 0")
    }

    fn recognise(&self, sample: &Sample<'_>) -> u8 {
        let Some(row) = sample.json.and_then(|value| value.at("jobs.0")) else { return 0 };
        if row.at("jobTitle").is_some() && (row.at("jobGeo").is_some() || row.at("jobIndustry").is_some()) {
            95
        } else {
            0
        }
    }
}

fn read(value: &Value) -> aerie_postings::RawPosting {
    let mut row = posting("jobicy");
    row.source_id = value.text("id");
    row.title = value.text("jobTitle");
    row.company = value.text("companyName");
    row.url = value.text("url").or_else(|| Some(format!("https://jobicy.com/jobs/{}", value.text("jobSlug")?)));
    row.remote = Some(RemoteKind::Remote);
    if let Some(scope) = value.text("jobGeo") {
        let parts: Vec<String> = scope.split(',').map(fold_space).filter(|part| !part.is_empty()).collect();
        row.remote_scope = Some(parts.join(", "));
        row.places =
            parts.into_iter().filter(|part| !part.eq_ignore_ascii_case("anywhere")).map(RawPlace::text).collect();
    }
    value.texts("jobType").iter().for_each(|kind| add_employment(&mut row, kind));
    row.seniority_text = value.text("jobLevel").filter(|level| !level.eq_ignore_ascii_case("any"));
    let industries = value.texts("jobIndustry");
    row.department = industries.first().map(|industry| aerie_postings::html::decode_entities(industry));
    industries.iter().for_each(|tag| add_tag(&mut row, tag));
    row.salary = salary(
        value.number("salaryMin").or_else(|| value.number("annualSalaryMin")),
        value.number("salaryMax").or_else(|| value.number("annualSalaryMax")),
    )
    .map(|mut pay| {
        pay.currency = value.text("salaryCurrency");
        pay.period = value.text("salaryPeriod").or_else(|| value.at("annualSalaryMin").map(|_| "yearly".to_owned()));
        pay
    });
    match (value.text("jobDescription"), value.text("jobExcerpt")) {
        (Some(text), _) => set_description(&mut row, &text),
        (None, Some(excerpt)) => {
            set_description(&mut row, &excerpt);
            row.snippet = true;
        }
        (None, None) => {}
    }
    row.posted = date_at(value, "pubDate");
    row
}
