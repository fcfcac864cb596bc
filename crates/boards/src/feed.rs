//! Any RSS, RDF, Atom or JSON feed whose items are postings.
//!
//! feed-rs reads the standard parts; [`items`] reads the elements of other namespaces that job feeds add (place, pay,
//! department), and takes over alone when the XML is too broken for feed-rs.

use aerie_postings::{RawPosting, RemoteKind};
use async_trait::async_trait;
use feed_rs::model::Entry;
use serde_json::Value;
use url::Url;

use crate::collect::{BoardSource, Collector, each_board};
use crate::fetch::{Fetcher, Request};
use crate::html_select::{absolute_url, fold_space};
use crate::lenient::{Lenient, MOST_ROWS};
use crate::query_text::address;
use crate::raw_fields::{
    add_employment, add_place, add_section, add_tag, date, date_at, posting, salary, salary_text, set_description,
};
use crate::source::{
    CompanyBoard, Outcome, Page, ParseError, Parsed, PostingSink, Query, Sample, Source, SourceError, SourceInfo,
    SourceKind,
};

pub(crate) mod items;

use items::Item;

/// Any feed, named by its address.
pub struct Feed {
    info: SourceInfo,
}

impl Default for Feed {
    fn default() -> Self {
        let mut info = SourceInfo::new("feed", "RSS, Atom or JSON feed", SourceKind::Feed, &[]);
        info.default_on = false;
        Self { info }
    }
}

#[async_trait]
impl BoardSource for Feed {
    async fn search_board(
        &self,
        _query: &Query,
        collector: &mut Collector<'_>,
        board: &CompanyBoard,
    ) -> Result<(), SourceError> {
        collector.whole(Request::get(address(&board.token)?).for_board(board)).await
    }
}

#[async_trait]
impl Source for Feed {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    async fn search(&self, query: &Query, fetch: &Fetcher, sink: &mut dyn PostingSink) -> Result<Outcome, SourceError> {
        each_board(self, query, fetch, sink).await
    }

    fn parse(&self, page: &Page) -> Result<Parsed, ParseError> {
        let mut parsed = Parsed::default();
        for (mut row, item) in read(&page.text(), "feed", Some(&page.url))? {
            if row.company.is_none() {
                row.company = page.company().filter(|_| page.board.as_ref().is_some_and(|b| b.company.is_some()));
            }
            if row.company.is_none() {
                split_role_at_company(&mut row);
            }
            drop(item);
            parsed.push(row);
        }
        Ok(parsed)
    }

    fn recognise(&self, sample: &Sample<'_>) -> u8 {
        if let Some(json) = sample.json {
            return if json.text("version").is_some_and(|v| v.contains("jsonfeed.org")) { 50 } else { 0 };
        }
        if is_feed(sample.text) { 40 } else { 0 }
    }
}

/// Whether a text begins like an XML feed.
pub(crate) fn is_feed(text: &str) -> bool {
    let start = crate::html_select::truncate(text.trim_start(), 4_000);
    ["<rss", "<rdf:RDF", "<feed"].iter().any(|mark| start.contains(mark))
}

/// Reads a feed: every item as a posting, beside the item's own elements for sources that know more of them.
///
/// # Errors
/// [`ParseError`] when it is no feed, or one whose items cannot be read.
pub(crate) fn read(text: &str, source: &str, base: Option<&Url>) -> Result<Vec<(RawPosting, Item)>, ParseError> {
    let trimmed = text.trim_start();
    if trimmed.starts_with('{') {
        return read_json(trimmed, source, base);
    }
    if !is_feed(trimmed) {
        return Err(ParseError::not_this("a feed (RSS, RDF or Atom) was expected"));
    }
    let whole = items::with_whole_entities(trimmed);
    let items = items::items(&whole);
    let parser = feed_rs::parser::Builder::new().base_uri(base.map(Url::as_str)).build();
    let known = (!items::is_too_deep(&whole)).then(|| parser.parse(whole.as_bytes()));
    let rows: Vec<(RawPosting, Item)> = match known
        .unwrap_or(Err(feed_rs::parser::ParseFeedError::ParseError(feed_rs::parser::ParseErrorKind::NoFeedRoot)))
    {
        Ok(feed) if feed.entries.len() == items.len() => {
            let pairs = feed.entries.iter().zip(items).take(MOST_ROWS);
            pairs.map(|(entry, item)| (read_item(Some(entry), &item, source, base), item)).collect()
        }
        Ok(feed) if items.is_empty() => {
            let entries = feed.entries.iter().take(MOST_ROWS);
            entries.map(|entry| (read_item(Some(entry), &Item::default(), source, base), Item::default())).collect()
        }
        _ => items.into_iter().map(|item| (read_item(None, &item, source, base), item)).collect(),
    };
    let has_items = ["<item", "<entry"].iter().any(|mark| trimmed.contains(mark));
    if rows.is_empty() && has_items {
        return Err(ParseError::Broken { reason: "the feed has items".to_owned() });
    }
    Ok(rows)
}

fn read_item(entry: Option<&Entry>, item: &Item, source: &str, base: Option<&Url>) -> RawPosting {
    let mut row = posting(source);
    row.title = item.get(&["title"]).or_else(|| entry.and_then(|e| Some(e.title.as_ref()?.content.clone())));
    row.title = row.title.map(|title| fold_space(&title)).filter(|title| !title.is_empty());
    row.url = link(entry, item, base);
    row.source_id = item
        .get(&["jobid", "referencenumber", "guid", "id"])
        .or_else(|| item.attribute("about"))
        .filter(|id| id.len() <= 500);
    row.company =
        item.get(&["company", "companyname", "hiringorganization", "employer", "organization", "company_name"]);
    description(entry, item, &mut row);
    places(item, &mut row);
    for kind in item.all(&["type", "jobtype", "employmenttype", "job_type"]) {
        add_employment(&mut row, &kind);
    }
    row.seniority_text = item.get(&["seniority", "experience", "level", "joblevel"]);
    row.department = item.get(&["department", "category", "jobcategory"]);
    for tag in item.all(&["category", "skills", "tags", "keywords"]) {
        tag.split([',', ';']).for_each(|tag| add_tag(&mut row, tag));
    }
    for category in entry.map(|entry| entry.categories.as_slice()).unwrap_or_default() {
        add_tag(&mut row, category.label.as_deref().unwrap_or(&category.term));
    }
    pay(item, &mut row);
    row.language = item.get(&["language"]).or_else(|| entry.and_then(|entry| entry.language.clone()));
    row.posted = entry
        .and_then(|entry| entry.published)
        .map(aerie_postings::RawDate::At)
        .or_else(|| item.get(&["pubdate", "date", "published", "issued"]).and_then(|text| date(&text)));
    row.updated = entry
        .and_then(|entry| entry.updated)
        .map(aerie_postings::RawDate::At)
        .filter(|updated| Some(updated) != row.posted.as_ref());
    if row.posted.is_none() {
        row.posted = row.updated.take();
    }
    row.expires = item
        .get(&["expires_at", "expires", "expirationdate", "validthrough", "closingdate", "advertisetodatetimeutc"])
        .and_then(|text| lenient_date(&text));
    row
}

/// `Sun, 20 Sep 2026 04:59:00:0` is what one large feed writes.
fn lenient_date(text: &str) -> Option<aerie_postings::RawDate> {
    let text = text.trim();
    let whole = text.rsplit_once(':').filter(|(head, _)| head.matches(':').count() == 2).map_or(text, |(head, _)| head);
    let format = "%a, %d %b %Y %H:%M:%S";
    match chrono::NaiveDateTime::parse_from_str(whole, format) {
        Ok(moment) => Some(aerie_postings::RawDate::At(moment.and_utc())),
        Err(_) => date(text),
    }
}

fn link(entry: Option<&Entry>, item: &Item, base: Option<&Url>) -> Option<String> {
    let links = entry.map(|entry| entry.links.as_slice()).unwrap_or_default();
    let alternate = links.iter().find(|link| link.rel.as_deref().is_none_or(|rel| rel == "alternate"));
    let candidates = [
        alternate.map(|link| link.href.clone()),
        item.get(&["link", "url", "apply_url"]),
        item.get(&["guid", "id"]),
        item.attribute("about"),
        links.first().map(|link| link.href.clone()),
    ];
    candidates.into_iter().flatten().find_map(|href| match href.contains("://") || href.starts_with('/') {
        true => absolute_url(base, &href),
        false => None,
    })
}

fn description(entry: Option<&Entry>, item: &Item, row: &mut RawPosting) {
    let content = entry.and_then(|entry| entry.content.as_ref()?.body.clone());
    let summary = entry.and_then(|entry| Some(entry.summary.as_ref()?.content.clone()));
    let own = [content, summary, item.get(&["encoded", "content", "description", "summary"])];
    // The longest: a summary beside the content is its beginning.
    if let Some(text) = own.into_iter().flatten().max_by_key(String::len) {
        set_description(row, &text);
    }
    let sections = [
        ("examplesofduties", "Duties"),
        ("responsibilities", "Responsibilities"),
        ("qualifications", "Qualifications"),
        ("requirements", "Requirements"),
        ("benefits", "Benefits"),
        ("supplementalinformation", "More"),
    ];
    for (name, heading) in sections {
        if let Some(text) = item.get(&[name]) {
            add_section(row, heading, &text);
        }
    }
}

fn places(item: &Item, row: &mut RawPosting) {
    for place in item.all(&["location", "joblocation", "job_listing_location"]) {
        match crate::loose::remote_word(&place) {
            Some(kind) => row.remote = Some(kind),
            None => add_place(row, &place),
        }
    }
    let part = |name: &str| item.get(&[name]).filter(|text| !text.eq_ignore_ascii_case("anywhere in the world"));
    let place =
        aerie_postings::RawPlace { text: None, city: part("city"), region: part("state"), country: part("country") };
    if place.city.is_some() || place.region.is_some() || place.country.is_some() {
        row.places.push(place);
    }
    match item
        .get(&["remotestatus", "remote", "workplacetype"])
        .as_deref()
        .map(crate::loose::normalised_name)
        .as_deref()
    {
        Some("fully" | "true" | "yes" | "remote") => row.remote = Some(RemoteKind::Remote),
        Some("hybrid" | "temporary") => row.remote = Some(RemoteKind::Hybrid),
        Some("none" | "onsite") => row.remote = Some(RemoteKind::OnSite),
        _ => {}
    }
    row.remote_scope = item.get(&["region"]);
}

fn pay(item: &Item, row: &mut RawPosting) {
    let number = |names: &[&str]| item.get(names).and_then(|text| text.replace(',', "").parse::<f64>().ok());
    row.salary = salary(
        number(&["minimumsalary", "salarymin", "salary_min"]),
        number(&["maximumsalary", "salarymax", "salary_max"]),
    )
    .or_else(|| item.get(&["salary", "compensation"]).and_then(|text| salary_text(&text)))
    .map(|mut pay| {
        pay.currency = item.get(&["salarycurrency", "currency"]);
        pay.period = item.get(&["salaryinterval", "salaryperiod"]);
        pay
    });
}

/// `"Role at Company"`: how several boards title their items.
pub(crate) fn split_role_at_company(row: &mut RawPosting) {
    let Some(title) = &row.title else { return };
    let Some((role, company)) = title.rsplit_once(" at ") else { return };
    let plausible =
        company.split_whitespace().count() <= 6 && company.starts_with(|c: char| c.is_uppercase() || c.is_numeric());
    if plausible && role.trim().len() >= 2 {
        row.company = Some(company.trim().to_owned());
        row.title = Some(role.trim().to_owned());
    }
}

/// JSON Feed 1 and 1.1, with the `_jobposting` extension where present.
fn read_json(text: &str, source: &str, base: Option<&Url>) -> Result<Vec<(RawPosting, Item)>, ParseError> {
    let value = crate::lenient::parse_json(text)?;
    if !value.text("version").is_some_and(|version| version.contains("jsonfeed.org")) {
        return Err(ParseError::not_this("a JSON feed was expected (its `version` names jsonfeed.org)"));
    }
    let rows = value.list("items").iter().map(|item| (read_json_item(item, source, base), Item::default()));
    Ok(rows.collect())
}

fn read_json_item(value: &Value, source: &str, base: Option<&Url>) -> RawPosting {
    let mut row = posting(source);
    row.title = value.text("title");
    row.url = value.first_text(&["url", "external_url", "id"]).and_then(|href| absolute_url(base, &href));
    row.source_id = value.text("id");
    if let Some(text) = value.first_text(&["content_html", "content_text", "summary"]) {
        set_description(&mut row, &text);
    }
    value.texts("tags").iter().for_each(|tag| add_tag(&mut row, tag));
    row.language = value.text("language");
    row.posted = date_at(value, "date_published");
    row.updated = date_at(value, "date_modified");
    if let Some(schema) = value.at("_jobposting") {
        row = crate::merge::merged(crate::jsonld::posting_of(schema, source, base), row);
    }
    row
}
