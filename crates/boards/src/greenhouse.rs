//! Greenhouse job boards: one answer holds a company's whole board.
//!
//! Format: <https://developers.greenhouse.io/job-board.html>. `content` is HTML escaped inside the JSON string.

use aerie_postings::{RawDate, RawPlace, RawPosting, RawSalary, RemoteKind};
use async_trait::async_trait;
use serde_json::Value;

use crate::board_address::path_url;
use crate::collect::{BoardSource, Collector, each_board};
use crate::fetch::{Fetcher, Request, WHOLE_BOARD_BYTES};
use crate::lenient::Lenient;
use crate::raw_fields::{add_employment, add_place, add_tag, date_at, posting, set_description};
use crate::source::{
    CompanyBoard, Outcome, Page, ParseError, Parsed, PostingSink, Query, Sample, Source, SourceError, SourceInfo,
    SourceKind,
};

/// The source.
#[derive(Debug)]
pub struct Greenhouse {
    info: SourceInfo,
}

impl Default for Greenhouse {
    fn default() -> Self {
        Self {
            info: SourceInfo::new("greenhouse", "Greenhouse", SourceKind::CompanyBoard, &["boards-api.greenhouse.io"]),
        }
    }
}

#[async_trait]
impl BoardSource for Greenhouse {
    async fn search_board(
        &self,
        _query: &Query,
        collector: &mut Collector<'_>,
        board: &CompanyBoard,
    ) -> Result<(), SourceError> {
        let base = "https://boards-api.greenhouse.io/v1/boards";
        let url = path_url(&self.info, base, &[&board.token, "jobs"], &[("content", "true")])?;
        collector.whole(Request::get(url).for_board(board).at_most(WHOLE_BOARD_BYTES)).await
    }
}

#[async_trait]
impl Source for Greenhouse {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    async fn search(&self, query: &Query, fetch: &Fetcher, sink: &mut dyn PostingSink) -> Result<Outcome, SourceError> {
        each_board(self, query, fetch, sink).await
    }

    fn parse(&self, page: &Page) -> Result<Parsed, ParseError> {
        let answer = page.json()?;
        let mut parsed =
            Parsed { total: answer.integer("meta.total").and_then(|n| n.try_into().ok()), ..Parsed::default() };
        if answer.at("jobs").is_some_and(Value::is_array) {
            for row in answer.list("jobs") {
                parsed.push(read(row, page));
            }
        } else if answer.at("absolute_url").is_some() && answer.at("title").is_some() {
            parsed.push(read(&answer, page));
        } else {
            return Err(ParseError::not_this("there is neither `jobs` nor a job in it"));
        }
        Ok(parsed)
    }

    fn recognise(&self, sample: &Sample<'_>) -> u8 {
        let Some(json) = sample.json else { return 0 };
        let job = json.at("jobs.0").unwrap_or(json);
        let known = ["absolute_url", "internal_job_id", "first_published", "requisition_id", "data_compliance"];
        match known.iter().filter(|field| job.get(field).is_some()).count() {
            0 => 0,
            1 => 50,
            _ => 95,
        }
    }
}

fn read(row: &Value, page: &Page) -> RawPosting {
    let mut raw = posting("greenhouse");
    raw.source_id = row.text("id");
    raw.title = row.text("title");
    raw.company = row.text("company_name").or_else(|| page.company());
    raw.url = row.text("absolute_url");
    if let Some(content) = row.text("content") {
        set_description(&mut raw, &content);
    }
    read_places(&mut raw, row);
    let mut departments = row.texts_of("departments", "name").into_iter();
    raw.department = departments.next();
    departments.for_each(|name| add_tag(&mut raw, &name));
    raw.language = row.text("language");
    raw.posted = date_at(row, "first_published");
    raw.updated = date_at(row, "updated_at");
    raw.expires = date_at(row, "application_deadline");
    raw.salary = pay_ranges(row);
    for field in row.list("metadata") {
        read_metadata(&mut raw, field);
    }
    raw
}

/// The place is one string; when it says only how the work is done ("Hybrid"), the cities are in `offices`.
fn read_places(raw: &mut RawPosting, row: &Value) {
    let name = row.text("location.name");
    if let Some(name) = &name {
        add_place(raw, name);
    }
    if name.is_some_and(|name| !only_about_workplace(&name)) {
        return;
    }
    for office in row.list("offices") {
        if let Some(place) = office.first_text(&["location", "location.name", "name"])
            && !only_about_workplace(&place)
        {
            add_place(raw, &place);
        }
    }
}

fn only_about_workplace(name: &str) -> bool {
    const WORDS: [&str; 16] = [
        "hybrid",
        "remote",
        "distributed",
        "onsite",
        "on",
        "site",
        "office",
        "in",
        "or",
        "and",
        "flexible",
        "anywhere",
        "multiple",
        "locations",
        "various",
        "location",
    ];
    let lower = name.to_lowercase();
    lower.split(|c: char| !c.is_alphanumeric()).all(|word| word.is_empty() || WORDS.contains(&word))
}

/// `pay_input_ranges` of a detail answer: the widest range in one currency.
fn pay_ranges(row: &Value) -> Option<RawSalary> {
    let ranges = row.list("pay_input_ranges");
    let currency = ranges.iter().find_map(|range| range.text("currency_type"))?;
    let same = || ranges.iter().filter(|range| range.text("currency_type").as_deref() == Some(&currency));
    let amounts =
        |field: &str| same().filter_map(|range| range.number(field)).filter(|cents| *cents > 0.0).collect::<Vec<_>>();
    let min = amounts("min_cents").into_iter().reduce(f64::min).map(|cents| cents / 100.0);
    let max = amounts("max_cents").into_iter().reduce(f64::max).map(|cents| cents / 100.0);
    let text = ranges.first().and_then(|range| range.text("title"));
    (min.is_some() || max.is_some()).then_some(RawSalary {
        text,
        min,
        max,
        currency: Some(currency),
        ..RawSalary::default()
    })
}

/// A field of a company's own making, understood by its name.
fn read_metadata(raw: &mut RawPosting, field: &Value) {
    let Some(name) = field.text("name").map(|name| name.to_lowercase()) else { return };
    let about = |words: &[&str]| words.iter().any(|word| name.contains(word));
    if about(&["employment type", "job type", "time type", "commitment", "employment status", "contract type"]) {
        field.texts("value").iter().for_each(|value| add_employment(raw, value));
    } else if about(&["workplace", "work type", "location type", "remote", "work model", "work arrangement"]) {
        let said = field.texts("value").iter().find_map(|value| workplace(value));
        raw.remote = raw.remote.or(said);
    } else if about(&["seniority", "career level", "job level", "experience level"]) {
        raw.seniority_text = raw.seniority_text.take().or_else(|| field.texts("value").into_iter().next());
    } else if about(&["salary", "compensation", "pay range", "pay "]) && raw.salary.is_none() {
        let salary = RawSalary {
            text: field.text("value"),
            min: field.number("value.min_value"),
            max: field.number("value.max_value"),
            currency: field.first_text(&["value.unit", "value.currency"]),
            ..RawSalary::default()
        };
        raw.salary = (salary != RawSalary::default()).then_some(salary);
    } else if about(&["application deadline", "closing date"]) && raw.expires.is_none() {
        raw.expires = field.text("value").map(RawDate::Text);
    } else if about(&["city", "additional location"]) && raw.places.is_empty() {
        raw.places.extend(field.texts("value").into_iter().map(RawPlace::text));
    }
}

/// Words for where the work is done, as hiring systems write them in typed fields.
pub(crate) fn workplace(word: &str) -> Option<RemoteKind> {
    let code: String = word.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    Some(match code.as_str() {
        "remote" | "fullyremote" | "fully" | "telecommute" | "remoteonly" | "oraremote" | "workfromhome"
        | "virtual" | "fullremote" | "100remote" => RemoteKind::Remote,
        "hybrid" | "hybridremote" | "orahybrid" | "flexible" | "partiallyremote" | "hybridwork" | "flex"
        | "partial" => RemoteKind::Hybrid,
        "onsite" | "inoffice" | "office" | "oraonsite" | "none" | "notremote" | "inperson" => RemoteKind::OnSite,
        _ => return None,
    })
}
