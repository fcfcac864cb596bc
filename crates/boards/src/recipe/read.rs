//! Reading an answer by a recipe: rows, then the fields of each row.

use std::collections::BTreeMap;

use aerie_postings::{RawDate, RawPlace, RawPosting, RawSalary, salary::first_number};
use chrono::{DateTime, NaiveDate, NaiveDateTime};
use regex::{Regex, RegexBuilder};
use scraper::{ElementRef, Selector};
use serde_json::Value;

use super::definition::{Definition, FieldName, FieldRule, Format, PagingKind};
use super::{RecipeError, validate};
use crate::greenhouse::workplace;
use crate::html_select;
use crate::lenient::{Lenient, MOST_ROWS};
use crate::raw_fields::{add_employment, add_place, add_tag, date, epoch, posting, set_description};
use crate::source::{Next, Page, ParseError, Parsed};
use crate::xml_tree::{self, Element};

/// Longest pattern, bytes.
const LONGEST_PATTERN: usize = 300;

/// Most memory of a compiled pattern, bytes.
const LARGEST_PATTERN: usize = 1 << 20;

/// The compiled parts of a recipe.
#[derive(Debug)]
pub(super) struct Reader {
    patterns: BTreeMap<FieldName, Regex>,
    fields: BTreeMap<FieldName, FieldRule>,
}

/// One row in any format.
enum Row<'a> {
    Json(&'a Value),
    Html(ElementRef<'a>),
    Xml(&'a Element),
}

impl Reader {
    /// Compiles patterns and checks places.
    pub(super) fn new(definition: &Definition, text: &str) -> Result<Self, RecipeError> {
        let mut fields = definition.fields.clone();
        if definition.format == Format::Rss {
            for (name, at) in RSS_FIELDS {
                fields.entry(name).or_insert_with(|| FieldRule { at: at.to_owned(), ..FieldRule::default() });
            }
        }
        let mut patterns = BTreeMap::new();
        for (name, rule) in &fields {
            let label = serde_json::to_value(name).ok().and_then(|name| name.text("")).unwrap_or_default();
            let wrong = |problem: String, remedy: &str| RecipeError {
                line: validate::line_of(text, &label),
                field: format!("fields.{label}"),
                problem,
                remedy: remedy.to_owned(),
            };
            check_place(definition.format, &rule.at).map_err(|(problem, remedy)| wrong(problem, remedy))?;
            if let Some(pattern) = &rule.regex {
                if pattern.len() > LONGEST_PATTERN {
                    return Err(wrong("the pattern is too long".into(), "write at most 300 letters"));
                }
                let compiled = RegexBuilder::new(pattern).size_limit(LARGEST_PATTERN).build();
                let compiled = compiled.map_err(|error| wrong(format!("{error}"), "correct the pattern"))?;
                patterns.insert(*name, compiled);
            }
        }
        let wrong_rows = |(problem, remedy): (String, &str)| RecipeError {
            line: validate::line_of(text, "rows"),
            field: "rows".to_owned(),
            problem,
            remedy: remedy.to_owned(),
        };
        check_place(definition.format, &definition.rows).map_err(wrong_rows)?;
        Ok(Self { patterns, fields })
    }

    /// Reads an answer.
    pub(super) fn read(&self, definition: &Definition, page: &Page) -> Result<Parsed, ParseError> {
        match definition.format {
            Format::Json => self.read_json(definition, page),
            Format::Html => self.read_html(definition, page),
            Format::Rss | Format::Xml => self.read_xml(definition, page),
        }
    }

    fn read_json(&self, definition: &Definition, page: &Page) -> Result<Parsed, ParseError> {
        let answer = page.json()?;
        let rows = answer
            .pointer(&definition.rows)
            .and_then(Value::as_array)
            .ok_or_else(|| ParseError::not_this(format!("there is no list at `{}`", definition.rows)))?;
        let mut parsed = Parsed::default();
        for row in rows.iter().take(MOST_ROWS) {
            parsed.push(self.row(definition, &Row::Json(row), page));
        }
        if !definition.paging.at.is_empty() {
            parsed.next = answer
                .pointer(&definition.paging.at)
                .and_then(|value| value.text(""))
                .and_then(|text| next(definition, &text, page));
        }
        Ok(parsed)
    }

    fn read_html(&self, definition: &Definition, page: &Page) -> Result<Parsed, ParseError> {
        let document = html_select::parse_document(&page.text());
        let root = document.root_element();
        let mut parsed = Parsed::default();
        for row in html_select::all(root, &definition.rows).into_iter().take(MOST_ROWS) {
            parsed.push(self.row(definition, &Row::Html(row), page));
        }
        if !definition.paging.at.is_empty() {
            let link = html_select::attribute_at(root, &definition.paging.at, "href");
            parsed.next = link.and_then(|text| next(definition, &text, page));
        }
        Ok(parsed)
    }

    fn read_xml(&self, definition: &Definition, page: &Page) -> Result<Parsed, ParseError> {
        let root = xml_tree::parse(&page.text()).ok_or_else(|| ParseError::not_this("it is no XML"))?;
        let rows = if definition.rows.is_empty() { "item" } else { &definition.rows };
        let mut parsed = Parsed::default();
        for row in root.descendants(rows).into_iter().take(MOST_ROWS) {
            parsed.push(self.row(definition, &Row::Xml(row), page));
        }
        if !definition.paging.at.is_empty() {
            let at = definition.paging.at.rsplit('/').next().unwrap_or_default();
            let text = root.descendants(at).into_iter().find_map(Element::content);
            parsed.next = text.and_then(|text| next(definition, &text, page));
        }
        Ok(parsed)
    }

    fn row(&self, definition: &Definition, row: &Row<'_>, page: &Page) -> RawPosting {
        let mut raw = posting(&definition.name);
        let mut place = RawPlace::default();
        let mut pay = RawSalary::default();
        for (name, rule) in &self.fields {
            for text in self.values(*name, rule, row) {
                fill(&mut raw, &mut place, &mut pay, *name, rule, text, page);
            }
        }
        if place != RawPlace::default() {
            raw.places.push(place);
        }
        if pay != RawSalary::default() {
            raw.salary = Some(pay);
        }
        raw
    }

    /// The texts of a field: several for places, tags and employment, otherwise one.
    fn values(&self, name: FieldName, rule: &FieldRule, row: &Row<'_>) -> Vec<String> {
        if let Some(constant) = &rule.constant {
            return vec![constant.clone()];
        }
        let several = matches!(name, FieldName::Place | FieldName::Tags | FieldName::Employment);
        let found = row.texts(rule, name == FieldName::Description);
        let found = found.into_iter().filter_map(|text| {
            let text = match self.patterns.get(&name) {
                Some(pattern) => {
                    let captures = pattern.captures(&text)?;
                    captures.get(1).or_else(|| captures.get(0))?.as_str().to_owned()
                }
                None => text,
            };
            let text = text.trim();
            (!text.is_empty()).then(|| format!("{}{text}", rule.prefix.as_deref().unwrap_or_default()))
        });
        found.take(if several { 50 } else { 1 }).collect()
    }
}

/// What an RSS item has without being told.
const RSS_FIELDS: [(FieldName, &str); 6] = [
    (FieldName::Title, "title"),
    (FieldName::Url, "link"),
    (FieldName::Id, "guid"),
    (FieldName::Posted, "pubDate"),
    (FieldName::Description, "description"),
    (FieldName::Tags, "category"),
];

impl Row<'_> {
    fn texts(&self, rule: &FieldRule, markup: bool) -> Vec<String> {
        match self {
            Self::Json(value) => {
                let found = value.pointer(&rule.at);
                let one = found.and_then(|value| value.text("")).map(|text| vec![text]);
                let truth = found.and_then(Value::as_bool).map(|truth| vec![truth.to_string()]);
                one.or(truth).unwrap_or_else(|| found.map(|value| value.texts("")).unwrap_or_default())
            }
            Self::Html(row) => {
                let elements = if rule.at.is_empty() { vec![*row] } else { html_select::all(*row, &rule.at) };
                let text = |element: ElementRef<'_>| match &rule.attribute {
                    Some(name) => html_select::attribute(element, name),
                    None if markup || rule.html => Some(html_select::inner_html(element)),
                    None => html_select::text(element),
                };
                elements.into_iter().take(1_000).filter_map(text).collect()
            }
            Self::Xml(row) => xml_texts(row, &rule.at),
        }
    }
}

fn xml_texts(row: &Element, at: &str) -> Vec<String> {
    let mut elements = vec![row];
    for step in at.split('/').filter(|step| !step.is_empty()) {
        if let Some(attribute) = step.strip_prefix('@') {
            return elements.iter().filter_map(|element| element.attribute(attribute)).map(str::to_owned).collect();
        }
        elements = elements.into_iter().flat_map(|element| element.all(step)).collect();
    }
    elements.into_iter().filter_map(Element::content).collect()
}

fn fill(
    raw: &mut RawPosting,
    place: &mut RawPlace,
    pay: &mut RawSalary,
    name: FieldName,
    rule: &FieldRule,
    text: String,
    page: &Page,
) {
    let absolute = |text: &str| html_select::absolute_url(Some(&page.url), text);
    let amount = |text: &str| first_number(text).filter(|amount| *amount > 0.0);
    match name {
        FieldName::Id => raw.source_id = Some(text),
        FieldName::Title => raw.title = Some(text),
        FieldName::Company => raw.company = Some(text),
        FieldName::Url => raw.url = absolute(&text),
        FieldName::ApplyUrl => raw.apply_url = absolute(&text),
        FieldName::Place => add_place(raw, &text),
        FieldName::City => place.city = Some(text),
        FieldName::Region => place.region = Some(text),
        FieldName::Country => place.country = Some(text),
        FieldName::Remote => {
            raw.remote = match text.to_ascii_lowercase().as_str() {
                "true" | "yes" | "1" => Some(aerie_postings::RemoteKind::Remote),
                _ => workplace(&text),
            };
        }
        FieldName::RemoteScope => raw.remote_scope = Some(text),
        FieldName::Employment => add_employment(raw, &text),
        FieldName::Seniority => raw.seniority_text = Some(text),
        FieldName::Salary => pay.text = Some(text),
        FieldName::SalaryMin => pay.min = amount(&text),
        FieldName::SalaryMax => pay.max = amount(&text),
        FieldName::SalaryCurrency => pay.currency = Some(text),
        FieldName::SalaryPeriod => pay.period = Some(text),
        FieldName::Description => set_description(raw, &text),
        FieldName::Department => raw.department = Some(text),
        FieldName::Tags => add_tag(raw, &text),
        FieldName::Language => raw.language = Some(text),
        FieldName::Posted => raw.posted = read_date(&text, rule),
        FieldName::Updated => raw.updated = read_date(&text, rule),
        FieldName::Expires => raw.expires = read_date(&text, rule),
    }
}

/// A date in the recipe's format, else in any usual one.
fn read_date(text: &str, rule: &FieldRule) -> Option<RawDate> {
    let Some(format) = rule.date.as_deref() else { return date(text) };
    if format == "epoch" {
        return text.parse().ok().and_then(epoch);
    }
    if let Ok(moment) = DateTime::parse_from_str(text, format) {
        return Some(RawDate::At(moment.to_utc()));
    }
    if let Ok(moment) = NaiveDateTime::parse_from_str(text, format) {
        return Some(RawDate::At(moment.and_utc()));
    }
    NaiveDate::parse_from_str(text, format).map(RawDate::Day).ok().or_else(|| date(text))
}

fn next(definition: &Definition, text: &str, page: &Page) -> Option<Next> {
    match definition.paging.kind {
        PagingKind::Cursor => Some(Next::Cursor(text.to_owned())),
        // Only on the board's own host: the rest of the web is not part of the recipe.
        PagingKind::Link => {
            let url = page.url.join(text).ok().filter(|url| url.host_str() == page.url.host_str())?;
            Some(Next::Url(url))
        }
        _ => None,
    }
}

fn check_place(format: Format, at: &str) -> Result<(), (String, &'static str)> {
    match format {
        Format::Json if !at.is_empty() && !at.starts_with('/') => {
            Err((format!("`{at}` is no JSON pointer"), "begin it with `/`, as in `/location/name`"))
        }
        Format::Html if !at.is_empty() && Selector::parse(at).is_err() => {
            Err((format!("`{at}` is no CSS selector"), "write one as in `div.job a.title`"))
        }
        _ => Ok(()),
    }
}
