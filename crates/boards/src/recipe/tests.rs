#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use std::sync::Arc;

use aerie_postings::{RawDate, RemoteKind};
use proptest::prelude::*;

use super::*;
use crate::fetch::ReplayTransport;

const JSON: &str = r#"
name: harbour-jobs
label: Harbour Jobs
url: https://jobs.harbour.example/api?q={query}&where={place}&page={page}
paging: { kind: page, first: 1, most: 3 }
format: json
rows: /data/jobs
fields:
  id: /id
  title: /name
  url: { at: /slug, prefix: "/job/" }
  company: { constant: Harbour Crane Works }
  place: /sites
  remote: /remote
  salary_min: { at: /pay, regex: "([0-9]+) to" }
  salary_max: { at: /pay, regex: "to ([0-9]+)" }
  posted: { at: /published, date: "%d.%m.%Y" }
"#;

fn page(url: &str, body: &str) -> Page {
    Page::new(Url::parse(url).unwrap(), body.to_owned())
}

#[test]
fn json_rows_fill_their_fields() {
    let recipe = Recipe::from_yaml(JSON).unwrap();
    let body = r#"{"data":{"jobs":[{"id":7,"name":"Crane Operator","slug":"crane-7","sites":["Kiel","Riga"],"remote":false,
        "pay":"40000 to 50000","published":"03.07.2026"},{"id":8},"odd",null]}}"#;
    let parsed = recipe.parse(&page("https://jobs.harbour.example/api?page=1", body)).unwrap();
    assert_eq!((parsed.postings.len(), parsed.dropped.len()), (1, 3));
    let row = &parsed.postings[0];
    assert_eq!(row.url.as_deref(), Some("https://jobs.harbour.example/job/crane-7"));
    assert_eq!((row.source.as_str(), row.company.as_deref()), ("harbour-jobs", Some("Harbour Crane Works")));
    assert_eq!(row.places.len(), 2);
    assert_eq!(row.salary.as_ref().and_then(|pay| pay.max), Some(50_000.0));
    assert!(matches!(row.posted, Some(RawDate::Day(_))));
}

#[test]
fn html_and_rss_rows_fill_their_fields() {
    let html = r#"
name: quay-board
label: Quay Board
url: https://quay.example/jobs?start={offset}
paging: { kind: link, at: "a.next" }
format: html
rows: li.job
fields:
  title: a.title
  url: { at: a.title, attribute: href }
  place: .where
  remote: .mode
"#;
    let recipe = Recipe::from_yaml(html).unwrap();
    let body = r#"<ul><li class=job><a class=title href="/j/1">Welder</a><i class=where>Riga</i><b class=mode>Hybrid</b></li>
        <li class=job>no link</li></ul><a class=next href="?start=20">more</a>"#;
    let parsed = recipe.parse(&page("https://quay.example/jobs", body)).unwrap();
    assert_eq!(parsed.postings[0].url.as_deref(), Some("https://quay.example/j/1"));
    assert_eq!(parsed.postings[0].remote, Some(RemoteKind::Hybrid));
    assert_eq!(parsed.next, Some(Next::Url(Url::parse("https://quay.example/jobs?start=20").unwrap())));

    let rss = "name: tide-feed\nlabel: Tide\nurl: https://tide.example/rss\nformat: rss\nfields: {}\n";
    let recipe = Recipe::from_yaml(rss).unwrap();
    let body = "<rss><channel><item><title>Pilot</title><link>https://tide.example/1</link><category>Sea</category></item></channel></rss>";
    let parsed = recipe.parse(&page("https://tide.example/rss", body)).unwrap();
    assert_eq!((parsed.postings[0].title.as_deref(), parsed.postings[0].tags.len()), (Some("Pilot"), 1));
}

#[test]
fn what_is_wrong_is_named_with_its_line_and_remedy() {
    let change = |from: &str, to: &str| Recipe::from_yaml(&JSON.replace(from, to)).unwrap_err();
    let error = change("rows: /data/jobs", "rows: data/jobs");
    assert_eq!((error.field.as_str(), error.line), ("rows", Some(7)));
    assert!(error.to_string().contains("begin it with `/`"), "{error}");
    assert_eq!(change("name: harbour-jobs", "name: greenhouse").field, "name");
    assert_eq!(change("https://jobs.harbour.example", "https://{query}.example").field, "url");
    assert_eq!(change("&page={page}", "").field, "paging");
    assert_eq!(change("([0-9]+) to", "([0-9+ to").field, "fields.salary_min");
    assert!(change("  title: /name\n", "").to_string().contains("`title` is missing"));
    let unknown = change("  id: /id", "  shoe_size: /id");
    assert!(unknown.line.is_some() && unknown.problem.contains("shoe_size"), "{unknown}");
    assert!(change("at: /slug, prefix", "at: /slug, prefixx").problem.contains("prefixx"));
    assert!(change("first: 1, most: 3", "first: 1, most: 900").to_string().contains("1 to 50"));
}

#[tokio::test(start_paused = true)]
async fn a_search_reads_pages_until_they_repeat() {
    let recipe = Recipe::from_yaml(JSON).unwrap();
    let replay = Arc::new(ReplayTransport::default());
    let body = |id: u32| format!(r#"{{"data":{{"jobs":[{{"id":{id},"name":"Crane Operator","slug":"c-{id}"}}]}}}}"#);
    for (number, id) in [(1, 1), (2, 2), (3, 2)] {
        let url = format!("https://jobs.harbour.example/api?q=crane%20operator%26x&where=&page={number}");
        replay.answer("GET", &url, 200, &[("content-type", "application/json")], body(id));
    }
    let query = Query { titles: vec!["crane operator&x".into()], ..Query::default() };
    let mut found = Vec::new();
    let outcome = recipe.search(&query, &Fetcher::replay(replay), &mut found).await.unwrap();
    assert_eq!((found.len(), outcome.requests), (2, 3));
}

proptest! {
    #[test]
    fn no_answer_makes_a_recipe_panic(body in ".{0,200}") {
        let recipe = Recipe::from_yaml(JSON).unwrap();
        let _ = recipe.parse(&page("https://jobs.harbour.example/api", &body));
        let _ = Recipe::from_yaml(&body);
    }
}
