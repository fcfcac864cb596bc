//! Adzuna: an aggregator with a documented interface, searched with the person's own key, in nineteen countries.
//!
//! `GET https://api.adzuna.com/v1/api/jobs/{country}/search/{page}`, pages from 1. Descriptions are cut to about 500
//! characters; pay may be an estimate (`salary_is_predicted`). `where=remote` finds nothing: remote goes into `what`.

use aerie_postings::{RawPlace, RawPosting};
use async_trait::async_trait;
use serde_json::Value;

use crate::collect::Collector;
use crate::fetch::{Fetcher, Request};
use crate::lenient::Lenient;
use crate::query_text::{address_with, real_places, titles, wants_remote};
use crate::raw_fields::{add_employment, add_tag, date_at, posting, salary, set_description};
use crate::source::{
    KeyNeed, Outcome, Page, ParseError, Parsed, PostingSink, Query, Sample, Source, SourceError, SourceInfo, SourceKind,
};

/// The countries that Adzuna serves, with the currency of their pay.
pub const COUNTRIES: [(&str, &str); 19] = [
    ("at", "EUR"),
    ("au", "AUD"),
    ("be", "EUR"),
    ("br", "BRL"),
    ("ca", "CAD"),
    ("ch", "CHF"),
    ("de", "EUR"),
    ("es", "EUR"),
    ("fr", "EUR"),
    ("gb", "GBP"),
    ("in", "INR"),
    ("it", "EUR"),
    ("mx", "MXN"),
    ("nl", "EUR"),
    ("nz", "NZD"),
    ("pl", "PLN"),
    ("sg", "SGD"),
    ("us", "USD"),
    ("za", "ZAR"),
];

/// Results asked for at once; the most that is served.
const PER_PAGE: &str = "50";
/// The free quota is 250 requests a day: ten searches of five pages are a fifth of it.
const MOST_SEARCHES: usize = 10;
const MOST_PAGES: usize = 5;

/// The Adzuna source.
pub struct Adzuna {
    info: SourceInfo,
}

impl Default for Adzuna {
    fn default() -> Self {
        let info = SourceInfo::new("adzuna", "Adzuna", SourceKind::Keyed, &["api.adzuna.com"])
            .with_terms("Default quota: 25 requests a minute, 250 a day, 1,000 a week, 2,500 a month; name Adzuna as the source.")
            .with_key(KeyNeed { names: &["app_id", "app_key"], obtain_at: "https://developer.adzuna.com/signup" })
            .with_cut_descriptions();
        Self { info }
    }
}

#[async_trait]
impl Source for Adzuna {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    async fn search(&self, query: &Query, fetch: &Fetcher, sink: &mut dyn PostingSink) -> Result<Outcome, SourceError> {
        let id = crate::query_keys::required(&self.info, query, "app_id")?;
        let key = crate::query_keys::required(&self.info, query, "app_key")?;
        let searches = searches(&self.info.name, query)?;
        let mut collector = Collector::new(self, query, fetch, sink);
        let count = searches.len();
        for (number, (country, parameters)) in searches.into_iter().enumerate() {
            let ended = collector
                .pages(MOST_PAGES, |page, last| {
                    // A page that is not full is the last one; this saves a request of the quota.
                    if last.is_some_and(|last| last.postings.len() + last.dropped.len() < 50) {
                        return None;
                    }
                    let list = format!("https://api.adzuna.com/v1/api/jobs/{country}/search/{}", page + 1);
                    let mut url = address_with(&list, &[("app_id", &id), ("app_key", &key)]).ok()?;
                    url.query_pairs_mut().extend_pairs(&parameters);
                    Some(Request::get(url))
                })
                .await;
            if let Err(error) = ended {
                if number == 0 {
                    return Err(error);
                }
                collector.outcome.truncated = Some(format!("search {} of {count} failed: {error}", number + 1));
                break;
            }
            if collector.is_full() {
                break;
            }
        }
        Ok(collector.outcome)
    }

    fn parse(&self, page: &Page) -> Result<Parsed, ParseError> {
        let value = page.json()?;
        if !value.at("results").is_some_and(Value::is_array) {
            return Err(ParseError::not_this("an object with a list `results` was expected"));
        }
        // …/jobs/{country}/search/… tells the currency.
        let country = page.url.path_segments().and_then(|mut parts| parts.nth(3)).unwrap_or_default().to_owned();
        let mut parsed = Parsed { total: value.integer("count").and_then(|n| n.try_into().ok()), ..Parsed::default() };
        value.list("results").iter().for_each(|row| parsed.push(read(row, &country)));
        Ok(parsed)
    }

    fn recognise(&self, sample: &Sample<'_>) -> u8 {
        let Some(row) = sample.json.and_then(|value| value.at("results.0")) else { return 0 };
        if row.at("redirect_url").is_some() && row.at("company.display_name").is_some() { 95 } else { 0 }
    }
}

/// Country and parameters of one search.
type Search = (String, Vec<(String, String)>);

/// Every search that the query means.
fn searches(name: &str, query: &Query) -> Result<Vec<Search>, SourceError> {
    let mut countries: Vec<String> = query.countries.iter().map(|code| code.trim().to_ascii_lowercase()).collect();
    if countries.iter().any(|code| code == "uk") {
        countries.push("gb".to_owned());
    }
    countries.retain(|code| COUNTRIES.iter().any(|(known, _)| known == code));
    countries.dedup();
    if countries.is_empty() {
        let known: Vec<&str> = COUNTRIES.iter().map(|(code, _)| *code).collect();
        return Err(SourceError::BadQuery {
            name: name.to_owned(),
            reason: format!("it serves single countries; name one of {} in the search profile", known.join(", ")),
        });
    }
    let mut places: Vec<Option<String>> = real_places(query, 5).into_iter().map(Some).collect();
    if wants_remote(query) || places.is_empty() {
        places.push(None);
    }
    let mut searches = Vec::new();
    for country in countries {
        for title in titles(query, 5) {
            for place in &places {
                let mut parameters = vec![
                    ("results_per_page".to_owned(), PER_PAGE.to_owned()),
                    ("sort_by".to_owned(), "date".to_owned()),
                    ("content-type".to_owned(), "application/json".to_owned()),
                ];
                if !title.is_empty() {
                    parameters.push(("what_phrase".to_owned(), title.clone()));
                }
                match place {
                    Some(place) => parameters.push(("where".to_owned(), place.clone())),
                    None if wants_remote(query) => parameters.push(("what".to_owned(), "remote".to_owned())),
                    None => {}
                }
                if let Some(days) = query.max_age_days {
                    parameters.push(("max_days_old".to_owned(), days.max(1).to_string()));
                }
                searches.push((country.clone(), parameters));
            }
        }
    }
    searches.truncate(MOST_SEARCHES);
    Ok(searches)
}

fn read(value: &Value, country: &str) -> RawPosting {
    let mut row = posting("adzuna");
    row.source_id = value.text("id");
    row.title = value.text("title");
    row.company = value.text("company.display_name");
    row.url = value.text("redirect_url");
    // `area` runs from the country down: ["UK", "South East England", "Kent", "Ashford"].
    let area = value.texts("location.area");
    let text = value.text("location.display_name");
    if text.is_some() || !area.is_empty() {
        row.places.push(RawPlace {
            text,
            country: area.first().cloned(),
            region: area.get(1).cloned(),
            city: area.get(2..).and_then(<[String]>::last).cloned(),
        });
    }
    row.salary = salary(value.number("salary_min"), value.number("salary_max")).map(|mut pay| {
        pay.predicted = value.truth("salary_is_predicted") == Some(true);
        pay.currency = COUNTRIES.iter().find(|(code, _)| *code == country).map(|(_, currency)| (*currency).to_owned());
        // Adzuna gives yearly amounts.
        pay.period = Some("year".to_owned());
        pay
    });
    for field in ["contract_time", "contract_type"] {
        if let Some(word) = value.text(field) {
            add_employment(&mut row, &word.replace('_', " "));
        }
    }
    row.department = value.text("category.label");
    if let Some(category) = value.text("category.label") {
        add_tag(&mut row, &category);
    }
    if let Some(text) = value.text("description") {
        set_description(&mut row, &text);
        row.snippet = true;
    }
    row.posted = date_at(value, "created");
    row
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    fn query() -> Query {
        Query { titles: vec!["Data Engineer".into()], countries: vec!["UK".into(), "xx".into()], ..Query::default() }
    }

    #[test]
    fn remote_is_searched_as_a_word_and_never_as_a_place() {
        let query = Query { places: vec!["Remote".into(), "Leeds".into()], ..query() };
        let searches = searches("adzuna", &query).unwrap();
        assert_eq!(searches.len(), 2);
        let has = |at: usize, name: &str, value: &str| searches[at].1.iter().any(|(n, v)| n == name && v == value);
        assert!(searches.iter().all(|(country, _)| country == "gb"));
        assert!(has(0, "where", "Leeds") && !has(0, "what", "remote"));
        assert!(has(1, "what", "remote"));
        assert!(!searches[1].1.iter().any(|(name, _)| name == "where"));
    }

    #[test]
    fn a_query_without_a_served_country_says_which_there_are() {
        let query = Query { countries: vec!["xx".into()], ..query() };
        let error = searches("adzuna", &query).unwrap_err().to_string();
        assert!(error.contains("at, au, be, br, ca"), "{error}");
    }
}
