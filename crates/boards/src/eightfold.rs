//! Eightfold career sites: a paged list, 10 rows a page; descriptions come with the detail of a posting.

use aerie_postings::{RawDate, RawPosting};
use async_trait::async_trait;
use serde_json::Value;
use url::Url;

use crate::board_address::{host_of, path_url, recorded, tenant_host};
use crate::collect::{BoardSource, Collector, each_board};
use crate::fetch::{Fetcher, Request};
use crate::greenhouse::workplace;
use crate::lenient::Lenient;
use crate::raw_fields::{add_employment, add_place, add_tag, posting, set_description};
use crate::source::{
    CompanyBoard, Outcome, Page, ParseError, Parsed, PostingSink, Query, Sample, Source, SourceError, SourceInfo,
    SourceKind,
};

/// Rows a page.
const PAGE_ROWS: u64 = 10;

/// Most pages of one board and run.
const MOST_PAGES: u64 = 300;

/// The source. A token is `<tenant>/<domain>` (`acme/acme.example`), or a whole host in place of the tenant.
#[derive(Debug)]
pub struct Eightfold {
    info: SourceInfo,
}

impl Default for Eightfold {
    fn default() -> Self {
        Self { info: SourceInfo::new("eightfold", "Eightfold", SourceKind::CompanyBoard, &["*.eightfold.ai"]) }
    }
}

#[async_trait]
impl BoardSource for Eightfold {
    async fn search_board(
        &self,
        _query: &Query,
        collector: &mut Collector<'_>,
        board: &CompanyBoard,
    ) -> Result<(), SourceError> {
        let (tenant, domain) = board.token.split_once('/').ok_or_else(|| SourceError::BadQuery {
            name: self.info.name.clone(),
            reason: format!("`{}` names no domain; write <tenant>/<domain>, e.g. acme/acme.com", board.token),
        })?;
        let host = tenant_host(&self.info, tenant, "eightfold.ai")?;
        let base = format!("https://{host}/api/apply/v2/jobs");
        for number in 0..MOST_PAGES {
            let (start, rows) = ((number * PAGE_ROWS).to_string(), PAGE_ROWS.to_string());
            let paging =
                [("domain", domain), ("start", start.as_str()), ("num", rows.as_str()), ("sort_by", "timestamp")];
            let request = Request::get(path_url(&self.info, &base, &[], &paging)?).for_board(board);
            let parsed = match collector.page(request).await {
                Ok(Some(parsed)) => parsed,
                Ok(None) => return Ok(()),
                Err(error) if number == 0 => return Err(error),
                Err(error) => {
                    collector.outcome.truncated = Some(format!("page {} failed: {error}", number + 1));
                    return Ok(());
                }
            };
            let rows = (parsed.postings.len() + parsed.dropped.len()) as u64;
            let done = parsed.total.is_some_and(|total| number * PAGE_ROWS + rows >= total);
            collector
                .deliver_with_details(parsed, |row| {
                    if row.description_html.is_some() || row.description_text.is_some() {
                        return None;
                    }
                    let url = path_url(&self.info, &base, &[row.source_id.as_deref()?], &[("domain", domain)]).ok()?;
                    Some(Request::get(url).for_board(board))
                })
                .await;
            if rows == 0 || done || collector.is_full() {
                return Ok(());
            }
        }
        collector.outcome.truncated = Some(format!("stopped after {MOST_PAGES} pages"));
        Ok(())
    }
}

#[async_trait]
impl Source for Eightfold {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    async fn search(&self, query: &Query, fetch: &Fetcher, sink: &mut dyn PostingSink) -> Result<Outcome, SourceError> {
        each_board(self, query, fetch, sink).await
    }

    fn parse(&self, page: &Page) -> Result<Parsed, ParseError> {
        let answer = page.json()?;
        let list =
            ["positions", "data.positions"].into_iter().find(|path| answer.at(path).is_some_and(Value::is_array));
        let mut parsed = Parsed::default();
        match list {
            Some(path) => {
                let total = answer.integer("count").or_else(|| answer.integer("data.count"));
                parsed.total = total.and_then(|total| total.try_into().ok());
                for row in answer.list(path) {
                    parsed.push(read(row, page));
                }
            }
            None if answer.at("name").is_some() && answer.at("id").is_some() => parsed.push(read(&answer, page)),
            None => return Err(ParseError::not_this("there is neither `positions` nor a position in it")),
        }
        Ok(parsed)
    }

    fn recognise(&self, sample: &Sample<'_>) -> u8 {
        let Some(json) = sample.json else { return 0 };
        let row = ["positions.0", "data.positions.0"].iter().find_map(|path| json.at(path)).unwrap_or(json);
        let known = ["canonicalPositionUrl", "t_create", "ats_job_id", "display_job_id", "positionUrl"];
        match known.iter().filter(|field| row.get(field).is_some()).count() {
            0 => 0,
            1 => 60,
            _ => 95,
        }
    }

    fn recorded_url(&self, token: &str) -> Option<Url> {
        recorded(token, "eightfold.ai", "/api/apply/v2/jobs")
    }
}

fn read(row: &Value, page: &Page) -> RawPosting {
    let mut raw = posting("eightfold");
    raw.source_id = row.text("id");
    raw.title = row.first_text(&["name", "posting_name"]);
    raw.company = page.board.as_ref().map(|board| {
        let tenant = board.token.split('/').next().unwrap_or_default();
        board.company.clone().unwrap_or_else(|| CompanyBoard::new(tenant).company_name())
    });
    raw.url = row.text("canonicalPositionUrl").or_else(|| {
        let path = row.text("positionUrl").filter(|path| path.starts_with('/'));
        let path = path.or_else(|| raw.source_id.as_ref().map(|id| format!("/careers/job/{id}")))?;
        Url::parse(&format!("https://{}", host_of(page))).ok()?.join(&path).ok().map(Into::into)
    });
    raw.apply_url = row.text("apply_redirect_url");
    for place in row.texts("locations") {
        add_place(&mut raw, &place);
    }
    if raw.places.is_empty()
        && let Some(place) = row.text("location")
    {
        add_place(&mut raw, &place);
    }
    let flexibility = ["work_location_option", "location_flexibility", "workLocationOption"];
    raw.remote = row.first_text(&flexibility).and_then(|word| workplace(&word));
    if let Some(kind) = row.first_text(&["type", "employment_type"]).filter(|kind| kind != "ATS") {
        add_employment(&mut raw, &kind);
    }
    raw.department = row.text("department");
    if let Some(unit) = row.text("business_unit") {
        add_tag(&mut raw, &unit);
    }
    let moment =
        |fields: [&str; 2]| fields.iter().find_map(|field| row.integer(field)).and_then(RawDate::from_epoch_seconds);
    raw.posted = moment(["t_create", "postedTs"]);
    raw.updated = moment(["t_update", "updatedTs"]);
    if let Some(text) = row.first_text(&["job_description", "jobDescription"]) {
        set_description(&mut raw, &text);
    }
    raw
}
