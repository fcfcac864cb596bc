#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use aerie_postings::{EmploymentType, RawDate, RawPlace, RemoteKind};
use chrono::NaiveDate;
use proptest::prelude::*;
use serde_json::json;

use super::*;

const FULL: &str = include_str!("../../fixtures/jsonld/full.html");
const GRAPH: &str = include_str!("../../fixtures/jsonld/graph_and_faults.html");
const MICRODATA: &str = include_str!("../../fixtures/jsonld/microdata.html");

fn day(y: i32, m: u32, d: u32) -> Option<RawDate> {
    NaiveDate::from_ymd_opt(y, m, d).map(RawDate::Day)
}

#[test]
fn every_field_of_the_vocabulary_arrives() {
    let base = Url::parse("https://careers.lanternworks.example/jobs/77").unwrap();
    let found = postings_in_page(FULL, "page", Some(&base));
    assert_eq!(found.postings.len(), 1);
    let row = &found.postings[0];
    assert_eq!(row.title.as_deref(), Some("Instrument Engineer"));
    assert_eq!(row.company.as_deref(), Some("Lanternworks"));
    assert_eq!(row.source_id.as_deref(), Some("LW-77"));
    assert_eq!(row.url.as_deref(), Some("https://careers.lanternworks.example/jobs/77"));
    assert_eq!(row.employment, vec![EmploymentType::FullTime, EmploymentType::Contract]);
    assert_eq!(row.employment_text, vec!["SABBATICAL_COVER".to_owned()]);
    assert_eq!(row.remote, Some(RemoteKind::Remote));
    assert_eq!(row.remote_scope.as_deref(), Some("Austria, Germany"));
    let part = |text: &str| Some(text.to_owned());
    assert_eq!(
        row.places,
        vec![
            RawPlace { text: None, city: part("Graz"), region: part("Styria"), country: part("AT") },
            RawPlace { text: None, city: part("Linz"), region: None, country: part("Austria") },
        ]
    );
    let salary = row.salary.as_ref().unwrap();
    assert_eq!((salary.min, salary.max), (Some(58_000.0), Some(71_500.0)));
    assert_eq!((salary.currency.as_deref(), salary.period.as_deref()), (Some("EUR"), Some("YEAR")));
    assert_eq!(row.posted, day(2026, 5, 4));
    assert_eq!(row.expires, day(2026, 8, 31));
    assert_eq!(row.department.as_deref(), Some("17-2199.06"));
    assert_eq!(row.tags, vec!["optics", "LabVIEW", "Photonics"]);
    let html = row.description_html.as_deref().unwrap();
    assert!(html.starts_with("<p>Build &amp; tune interferometers.</p>"), "{html}");
    for part in ["<h3>Responsibilities</h3>", "Align the bench", "24 months of experience", "bachelor degree"] {
        assert!(html.contains(part), "{part} in {html}");
    }
}

#[test]
fn graphs_lists_and_broken_scripts_are_read() {
    let base = Url::parse("https://jobs.example.org/all").unwrap();
    let found = postings_in_page(GRAPH, "page", Some(&base));
    let titles: Vec<_> = found.postings.iter().map(|row| row.title.clone().unwrap()).collect();
    assert_eq!(titles, ["Harbour Pilot", "Deck Officer", "Ship's Cook", "Radio Operator"]);
    assert_eq!(found.postings[0].url.as_deref(), Some("https://jobs.example.org/jobs/pilot"));
    assert_eq!(found.postings[0].company.as_deref(), Some("Port of Elsewhere"));
    assert_eq!(found.postings[1].places, vec![RawPlace::text("Bergen, Norway")]);
    assert_eq!(found.postings[2].salary.as_ref().unwrap().min, Some(19.5));
    assert_eq!(found.postings[3].salary.as_ref().unwrap().text.as_deref(), Some("from 3.200 € a month"));
    assert_eq!(found.listed, vec!["https://jobs.example.org/jobs/900".to_owned()]);
}

#[test]
fn microdata_is_read_like_the_json_form() {
    let base = Url::parse("https://tinygarden.example/jobs").unwrap();
    let found = postings_in_page(MICRODATA, "page", Some(&base));
    assert_eq!(found.postings.len(), 1);
    let row = &found.postings[0];
    assert_eq!(row.title.as_deref(), Some("Head Gardener"));
    assert_eq!(row.company.as_deref(), Some("Tiny Garden Trust"));
    assert_eq!(row.posted, day(2026, 2, 1));
    assert_eq!(row.url.as_deref(), Some("https://tinygarden.example/jobs/head-gardener"));
    assert_eq!(row.places[0].city.as_deref(), Some("Leeds"));
    assert_eq!(row.places[0].country.as_deref(), Some("GB"));
    assert_eq!(row.employment, vec![EmploymentType::PartTime]);
    assert!(row.description_html.as_deref().unwrap().contains("<li>Roses</li>"));
    assert_eq!(row.salary.as_ref().unwrap().max, Some(28_000.0));
}

#[test]
fn wrong_types_drop_the_field_and_keep_the_row() {
    let value = json!({
        "@type": ["Thing", "https://schema.org/JobPosting"], "title": "Clerk", "description": {"a": 1},
        "hiringOrganization": 7, "jobLocation": [null, 3, {"address": {"addressCountry": {"name": "FR"}}}],
        "baseSalary": {"value": {"minValue": "x"}}, "datePosted": [], "employmentType": {"x": 1}, "identifier": true
    });
    let found = postings_in_value(&value, "page", None);
    let row = &found.postings[0];
    assert_eq!(row.title.as_deref(), Some("Clerk"));
    assert!(row.places.iter().any(|place| place.country.as_deref() == Some("FR")));
    assert_eq!((row.salary.clone(), row.posted.clone()), (None, None));
}

#[test]
fn a_type_that_only_resembles_is_no_posting() {
    let value = json!({"@type": "JobPostingList", "title": "x"});
    assert!(postings_in_value(&value, "page", None).postings.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn damaged_pages_never_panic(at in 0usize..4_000, noise in "\\PC{0,40}", cut in 0usize..6_000) {
        for fixture in [FULL, GRAPH, MICRODATA] {
            let mut page = crate::html_select::truncate(fixture, cut).to_owned();
            let at = page.floor_char_boundary(at.min(page.len()));
            page.insert_str(at, &noise);
            postings_in_page(&page, "page", None);
        }
    }

    #[test]
    fn any_script_is_read_or_left(script in "[{}\\[\\]\",:a-z0-9\\\\/&;*<>\n -]{0,300}") {
        repair::read_values(&script);
        repair::read_prefix(&script);
    }
}
