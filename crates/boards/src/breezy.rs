//! Breezy HR career sites: one list without descriptions; a posting's page carries a schema.org `JobPosting`.

use aerie_postings::{RawPlace, RawPosting, RemoteKind};
use async_trait::async_trait;
use serde_json::Value;
use url::Url;

use crate::board_address::{host_url, recorded, tenant_host};
use crate::collect::{BoardSource, Collector, each_board};
use crate::fetch::{Fetcher, Request};
use crate::jsonld;
use crate::lenient::{Lenient, MOST_ROWS};
use crate::raw_fields::{add_employment, add_tag, date_at, posting, salary_text, set_description};
use crate::source::{
    CompanyBoard, Outcome, Page, ParseError, Parsed, PostingSink, Query, Sample, Source, SourceError, SourceInfo,
    SourceKind,
};

/// The source. A token is the first part of the host (`acme`).
#[derive(Debug)]
pub struct Breezy {
    info: SourceInfo,
}

impl Default for Breezy {
    fn default() -> Self {
        Self { info: SourceInfo::new("breezy", "Breezy HR", SourceKind::CompanyBoard, &["*.breezy.hr"]) }
    }
}

#[async_trait]
impl BoardSource for Breezy {
    async fn search_board(
        &self,
        query: &Query,
        collector: &mut Collector<'_>,
        board: &CompanyBoard,
    ) -> Result<(), SourceError> {
        let host = tenant_host(&self.info, &board.token, "breezy.hr")?;
        let list = host_url(&self.info, &host, "/json")?;
        let list = Request::get(list).for_board(board).conditional(query.ignore_cache);
        let Some(parsed) = collector.page(list).await? else {
            collector.outcome.not_modified = true;
            return Ok(());
        };
        collector
            .deliver_with_details(parsed, |row| {
                let url = Url::parse(row.url.as_deref()?).ok()?;
                let same = url.host_str() == Some(host.as_str());
                let described = row.description_html.is_some() || row.description_text.is_some();
                (same && !described).then(|| Request::page(url).for_board(board))
            })
            .await;
        Ok(())
    }
}

#[async_trait]
impl Source for Breezy {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    async fn search(&self, query: &Query, fetch: &Fetcher, sink: &mut dyn PostingSink) -> Result<Outcome, SourceError> {
        each_board(self, query, fetch, sink).await
    }

    fn parse(&self, page: &Page) -> Result<Parsed, ParseError> {
        let text = page.text();
        let mut parsed = Parsed::default();
        if text.trim_start().starts_with('<') {
            parsed.postings = jsonld::postings_in_page(&text, "breezy", Some(&page.url)).postings;
            return Ok(parsed);
        }
        let Value::Array(rows) = page.json()? else { return Err(ParseError::not_this("it is no list")) };
        for row in rows.iter().take(MOST_ROWS) {
            parsed.push(read(row, page));
        }
        Ok(parsed)
    }

    fn recognise(&self, sample: &Sample<'_>) -> u8 {
        let Some(row) = sample.json.and_then(|json| json.at("0")) else { return 0 };
        let friendly = row.get("friendly_id").is_some();
        let known = row.get("published_date").is_some();
        match (friendly, known) {
            (true, true) => 95,
            (false, false) => 0,
            _ => 60,
        }
    }

    fn recorded_url(&self, token: &str) -> Option<Url> {
        recorded(token, "breezy.hr", "/json")
    }
}

fn read(row: &Value, page: &Page) -> RawPosting {
    let mut raw = posting("breezy");
    raw.source_id = row.first_text(&["id", "friendly_id"]);
    raw.title = row.text("name");
    raw.company = row.text("company.name").or_else(|| page.company());
    raw.url = row.text("url").or_else(|| {
        let id = row.text("friendly_id")?;
        let mut url = page.url.join("/p").ok()?;
        url.path_segments_mut().ok()?.push(&id);
        Some(url.into())
    });
    let places = row.list("locations");
    let single = row.at("location");
    for place in places.iter().chain(single.filter(|_| places.is_empty())) {
        let place = RawPlace {
            text: place.text("name"),
            city: place.text("city"),
            region: place.first_text(&["state.name", "state.id", "state"]),
            country: place.first_text(&["country.id", "country.name", "country"]),
        };
        if place != RawPlace::default() && !raw.places.contains(&place) {
            raw.places.push(place);
        }
    }
    let remote = ["location.is_remote", "is_remote"].iter().find_map(|field| row.truth(field));
    raw.remote = remote.filter(|remote| *remote).map(|_| RemoteKind::Remote);
    if let Some(kind) = row.first_text(&["type.id", "type.name", "type"]) {
        add_employment(&mut raw, &kind);
    }
    raw.department = row.first_text(&["department", "department.name"]);
    raw.seniority_text = row.first_text(&["experience.name", "experience"]);
    row.texts_of("tags", "name").iter().for_each(|tag| add_tag(&mut raw, tag));
    if let Some(category) = row.first_text(&["category.name", "category"]) {
        add_tag(&mut raw, &category);
    }
    raw.salary = row.text("salary").and_then(|text| salary_text(&text));
    raw.posted = date_at(row, "published_date").or_else(|| date_at(row, "creation_date"));
    raw.updated = date_at(row, "updated_date");
    if let Some(text) = row.text("description") {
        set_description(&mut raw, &text);
    }
    raw
}
