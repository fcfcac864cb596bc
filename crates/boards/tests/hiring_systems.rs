//! What each hiring system's format carries arrives in the posting, and searches read all of a board.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::path::Path;
use std::sync::Arc;

use aerie_boards::fetch::{Fetcher, ReplayTransport};
use aerie_boards::{CompanyBoard, Outcome, Parsed, Query, SourceError, by_name, parse_recorded};
use aerie_postings::{EmploymentType, RawDate, RawPosting, RemoteKind};
use chrono::{DateTime, NaiveDate};

fn body(file: &str) -> Vec<u8> {
    let source = file.split('_').next().unwrap();
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(source).join(file)).unwrap()
}

fn read(file: &str) -> Parsed {
    let (source, parsed) = parse_recorded(file, &body(file)).unwrap();
    assert_eq!(Some(source), file.split('_').next(), "{file} is recognised by its content");
    parsed
}

fn first(file: &str) -> RawPosting {
    read(file).postings.into_iter().next().unwrap()
}

fn at(text: &str) -> Option<RawDate> {
    Some(RawDate::At(DateTime::parse_from_rfc3339(text).unwrap().to_utc()))
}

fn day(year: i32, month: u32, day: u32) -> Option<RawDate> {
    NaiveDate::from_ymd_opt(year, month, day).map(RawDate::Day)
}

fn html(posting: &RawPosting) -> &str {
    posting.description_html.as_deref().unwrap()
}

/// Minimum, maximum, currency and period of the pay.
fn pay(posting: &RawPosting) -> (Option<f64>, Option<f64>, Option<&str>, Option<&str>) {
    let pay = posting.salary.as_ref().unwrap();
    (pay.min, pay.max, pay.currency.as_deref(), pay.period.as_deref())
}

fn cities(posting: &RawPosting) -> Vec<&str> {
    posting.places.iter().filter_map(|place| place.city.as_deref().or(place.text.as_deref())).collect()
}

#[test]
fn greenhouse() {
    let parsed = read("greenhouse_tidewater.json");
    assert_eq!((parsed.postings.len(), parsed.dropped.len(), parsed.total), (2, 1, Some(3)));
    let row = &parsed.postings[0];
    assert!(html(row).starts_with("<p>Build pipelines for R&amp;D buoys.</p>"), "decoded once");
    assert_eq!((row.remote, row.employment.as_slice()), (Some(RemoteKind::Remote), &[EmploymentType::FullTime][..]));
    assert_eq!(pay(row), (Some(60_000.0), Some(75_000.0), Some("EUR"), None));
    assert_eq!(row.posted, at("2026-06-02T09:00:00-04:00"), "first published, not last edited");
    assert_eq!((row.department.as_deref(), row.tags.as_slice()), (Some("Data"), &["Platform".to_owned()][..]));
    assert_eq!(cities(&parsed.postings[1]), ["Hybrid", "Porto, Portugal"], "a place that is none takes the offices");
    assert_eq!(pay(&first("greenhouse_detail.json")), (Some(85_000.0), Some(120_000.0), Some("USD"), None));
}

#[test]
fn lever() {
    let parsed = read("lever_northlamp.json");
    let row = &parsed.postings[0];
    for part in
        ["We light coasts", "control software", "<h3>Requirements</h3>", "<li>Embedded Linux</li>", "relocation"]
    {
        assert!(html(row).contains(part), "{part}");
    }
    assert_eq!(cities(row), ["Bergen", "Oslo"]);
    assert_eq!(pay(row), (Some(700_000.0), Some(900_000.0), Some("NOK"), Some("per-year-salary")));
    assert_eq!((row.seniority_text.as_deref(), row.company.as_deref()), (Some("Senior"), Some("northlamp")));
    assert_eq!(parsed.postings[1].places[0].country.as_deref(), Some("NO"));
    assert_eq!(parsed.postings[1].remote, None);
}

#[test]
fn ashby() {
    let parsed = read("ashby_fernwood.json");
    assert_eq!((parsed.postings.len(), parsed.dropped.len()), (2, 1), "an unlisted posting is left out");
    let row = &parsed.postings[0];
    assert_eq!(row.remote, Some(RemoteKind::Hybrid), "the workplace type wins over the remote flag");
    assert_eq!(cities(row), ["Leeds", "Cork"]);
    assert_eq!(pay(row), (Some(40_000.0), Some(50_000.0), Some("GBP"), Some("1 YEAR")));
    assert_eq!(parsed.postings[1].remote, Some(RemoteKind::Remote));
}

#[test]
fn workable() {
    let parsed = read("workable_oakline.json");
    let row = &parsed.postings[0];
    assert_eq!(cities(row), ["Turku"], "a hidden place stays hidden");
    assert_eq!((row.company.as_deref(), row.posted.clone()), (Some("Oakline Furniture"), day(2026, 7, 3)));
    assert_eq!(row.apply_url.as_deref(), Some("https://apply.workable.com/j/AB12CD34EF/apply"));
    assert_eq!(parsed.postings[1].remote, Some(RemoteKind::Remote));
    assert_eq!(cities(&parsed.postings[1]), ["Espoo"], "a list of the wrong type loses only itself");
}

#[test]
fn smartrecruiters() {
    let list = read("smartrecruiters_list.json");
    assert_eq!(list.postings[0].url.as_deref(), Some("https://jobs.smartrecruiters.com/IceTrail/744000900000001"));
    assert_eq!(list.postings[0].remote, Some(RemoteKind::OnSite));
    let row = first("smartrecruiters_detail.json");
    assert!(row.closed && row.remote == Some(RemoteKind::Hybrid));
    assert_eq!(pay(&row), (Some(300.0), Some(350.0), Some("NOK"), Some("HOURLY")));
    assert!(html(&row).contains("Lead groups") && html(&row).contains("First aid"));
}

#[test]
fn recruitee() {
    let row = first("recruitee_windmere.json");
    assert_eq!(row.posted, at("2026-07-02T08:00:00Z"));
    assert_eq!(row.expires, at("2026-10-01T00:00:00Z"));
    assert_eq!(cities(&row), ["Gdańsk", "Aarhus"]);
    assert_eq!(pay(&row), (Some(9_000.0), Some(12_000.0), Some("PLN"), Some("month")));
    assert_eq!((row.remote, row.language.as_deref()), (Some(RemoteKind::Remote), Some("en")));
    assert!(html(&row).contains("Analyse turbines") && html(&row).contains("<li>SQL</li>"));
}

#[test]
fn personio() {
    let parsed = read("personio_klangwerk.xml");
    assert_eq!((parsed.postings.len(), parsed.dropped.len()), (2, 1), "a position listed twice counts once");
    let row = &parsed.postings[0];
    assert_eq!(row.title.as_deref(), Some("Toningenieur (m/w/d)"), "not the name of a description");
    assert_eq!(row.url.as_deref(), Some("https://klangwerk.jobs.personio.de/job/70012"));
    assert_eq!(row.company.as_deref(), Some("Klangwerk GmbH & Co. KG"));
    assert_eq!(cities(row), ["Köln", "Wien", "Zürich"]);
    assert!(html(row).contains("<li>Messungen</li>") && html(row).contains("<p>Erfahrung mit DSP</p>"));
    assert_eq!(read("personio_page.html").postings.len(), 2);
}

#[test]
fn teamtailor() {
    let row = first("teamtailor_feed.json");
    assert_eq!((row.source_id.as_deref(), cities(&row)), (Some("6000001"), vec!["Malmö"]));
    assert_eq!(row.employment, [EmploymentType::FullTime]);
    let row = first("teamtailor_feed.rss");
    assert_eq!((row.source_id.as_deref(), cities(&row)), (Some("6000002"), vec!["Malmö"]));
    assert_eq!((row.remote, row.department.as_deref()), (Some(RemoteKind::Hybrid), Some("Production")));
    assert_eq!(html(&row), "<p>Knead &amp; proof.</p>");
}

#[test]
fn bamboohr() {
    let list = read("bamboohr_list.json").postings;
    assert_eq!((list[0].remote, list[1].remote), (Some(RemoteKind::Hybrid), Some(RemoteKind::Remote)));
    assert_eq!(cities(&list[1]), ["Guelph"]);
    let row = first("bamboohr_detail.json");
    assert_eq!((row.source_id.as_deref(), row.posted.clone()), (Some("31"), day(2026, 7, 11)));
    assert_eq!(row.salary.and_then(|pay| pay.text).as_deref(), Some("$38 - $42 per hour"));
}

#[test]
fn workday() {
    let list = read("workday_list.json");
    assert_eq!((list.postings.len(), list.dropped.len(), list.total), (2, 1, Some(41)));
    assert_eq!(list.postings[0].source_id.as_deref(), Some("R-0042"), "without the suffix of the site");
    assert_eq!(cities(&list.postings[0]), ["Ohio - Toledo"], "a count of places is no place");
    let row = first("workday_detail.json");
    assert_eq!((row.posted.clone(), row.closed), (day(2026, 7, 1), true));
    assert_eq!(cities(&row), ["Toledo, OH", "Akron, OH"]);
    assert_eq!((row.places[0].country.as_deref(), row.company.as_deref()), (Some("US"), Some("Quark Power LLC")));
}

#[test]
fn rippling_and_breezy_and_pinpoint() {
    let list = read("rippling_pebble.json").postings;
    assert_eq!(list.len(), 2);
    assert_eq!(cities(&list[0]), ["Remote (Ohio, US)", "Dayton, OH"], "a posting repeated for its places is one");
    assert_eq!(list[0].company.as_deref(), Some("pebble"));
    let row = first("rippling_detail.json");
    assert_eq!(row.employment, [EmploymentType::FullTime]);
    assert!(html(&row).contains("Plan blasts") && html(&row).contains("We quarry"));
    let row = first("breezy_cobblestone.json");
    assert_eq!((cities(&row), row.remote), (vec!["Ghent"], Some(RemoteKind::Remote)));
    let row = first("pinpoint_brightwell.json");
    assert_eq!(pay(&row), (Some(30_000.0), Some(34_000.0), Some("GBP"), Some("year")));
    assert!(html(&row).contains("<h3>What you do</h3>") && html(&row).contains("Titration"));
    assert_eq!(row.expires, at("2026-09-01T22:59:59.999Z"));
}

#[test]
fn oracle_and_eightfold_and_neogov() {
    let list = read("oracle_list.json").postings;
    assert_eq!((list[0].snippet, list[0].places.len(), list[0].remote), (true, 2, Some(RemoteKind::Hybrid)));
    assert_eq!(cities(&list[1]), ["Darwin"]);
    let row = first("oracle_detail.json");
    assert!(html(&row).contains("in the west") && html(&row).contains("Licence") && !row.snippet);
    let parsed = read("eightfold_list.json");
    assert_eq!((cities(&parsed.postings[0]), parsed.total), (vec!["Toulouse, France", "Turin, Italy"], Some(12)));
    assert_eq!(parsed.postings[0].posted, RawDate::from_epoch_seconds(1_783_000_000));
    let row = first("neogov_lakecounty.xml");
    assert_eq!(pay(&row), (Some(31.5), Some(40.0), Some("USD"), Some("Hour")));
    assert_eq!((row.posted.clone(), row.expires.clone()), (at("2026-08-19T05:00:00Z"), at("2026-09-20T04:59:00Z")));
}

async fn search(
    source: &str,
    boards: &[&str],
    replay: &Arc<ReplayTransport>,
) -> (Result<Outcome, SourceError>, Vec<RawPosting>) {
    let boards = boards.iter().map(|board| CompanyBoard::new(*board)).collect();
    let query = Query { boards, ..Query::default() };
    let mut found = Vec::new();
    let outcome = by_name(source).unwrap().search(&query, &Fetcher::replay(Arc::clone(replay)), &mut found).await;
    (outcome, found)
}

#[tokio::test(start_paused = true)]
async fn a_list_without_descriptions_is_completed_by_details() {
    let replay = Arc::new(ReplayTransport::default());
    let base = "https://api.smartrecruiters.com/v1/companies/IceTrail/postings";
    let second = r#"{"offset":2,"limit":100,"totalFound":3,"content":[{"id":"744000900000003","name":"Cook","company":{"identifier":"IceTrail"}}]}"#;
    replay.answer("GET", &format!("{base}?limit=100&offset=0"), 200, &[], body("smartrecruiters_list.json"));
    replay.answer("GET", &format!("{base}?limit=100&offset=2"), 200, &[], second);
    replay.answer("GET", &format!("{base}/744000900000001"), 200, &[], body("smartrecruiters_detail.json"));
    replay.answer("GET", &format!("{base}/744000900000003"), 403, &[], "");
    let (outcome, found) = search("smartrecruiters", &["IceTrail"], &replay).await;
    let outcome = outcome.unwrap();
    // The second row's detail is gone (404) and takes its row along; the third is refused and stays without.
    assert_eq!((found.len(), outcome.fetched, outcome.dropped), (2, 2, 1));
    assert!(html(&found[0]).contains("Lead groups") && found[1].description_html.is_none());
    assert!(outcome.truncated.is_some_and(|why| why.contains("403")));
}

#[tokio::test(start_paused = true)]
async fn workday_pages_by_the_total_of_the_first_page() {
    let replay = Arc::new(ReplayTransport::default());
    let base = "https://quarkpower.wd3.myworkdayjobs.com/wday/cxs/quarkpower/Careers";
    let row = |number: usize| format!(r#"{{"title":"Role {number}","externalPath":"/job/Lyon/Role_R-{number}"}}"#);
    let page = |numbers: std::ops::Range<usize>, total: usize| {
        let rows: Vec<String> = numbers.map(row).collect();
        format!(r#"{{"total":{total},"jobPostings":[{}]}}"#, rows.join(","))
    };
    for answer in [page(0..20, 41), page(20..40, 0), page(40..41, 0)] {
        replay.answer("POST", &format!("{base}/jobs"), 200, &[], answer);
    }
    for number in 0..41 {
        let detail = format!(
            r#"{{"jobPostingInfo":{{"title":"Role {number}","jobDescription":"<p>Text {number}</p>","jobReqId":"R-{number}"}}}}"#
        );
        replay.answer("GET", &format!("{base}/job/Lyon/Role_R-{number}"), 200, &[], detail);
    }
    let (outcome, found) = search("workday", &["quarkpower.wd3.myworkdayjobs.com/Careers"], &replay).await;
    assert_eq!((outcome.unwrap().requests, found.len()), (44, 41));
    assert_eq!(found[40].url.as_deref(), Some("https://quarkpower.wd3.myworkdayjobs.com/Careers/job/Lyon/Role_R-40"));
    assert_eq!(html(&found[40]), "<p>Text 40</p>");
    let asked = replay.seen();
    assert!(asked[0].headers["user-agent"].to_str().unwrap().starts_with("Mozilla/"));
    assert!(String::from_utf8_lossy(asked[0].body.as_ref().unwrap()).contains("\"limit\":20"));
}

#[tokio::test(start_paused = true)]
async fn one_board_failing_leaves_the_others() {
    let replay = Arc::new(ReplayTransport::default());
    let board = |token: &str| format!("https://boards-api.greenhouse.io/v1/boards/{token}/jobs?content=true");
    replay.answer("GET", &board("tidewater"), 200, &[], body("greenhouse_tidewater.json"));
    let (outcome, found) = search("greenhouse", &["gone", "tidewater"], &replay).await;
    let outcome = outcome.unwrap();
    assert_eq!((found.len(), outcome.failures.len()), (2, 1));
    assert!(matches!(&outcome.failures[0], (token, SourceError::NotFound { .. }) if token == "gone"));
    let (outcome, _) = search("greenhouse", &["gone"], &replay).await;
    assert!(matches!(outcome, Err(SourceError::NotFound { .. })));
    assert!(matches!(search("greenhouse", &[], &replay).await.0, Err(SourceError::BadQuery { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_feed_that_is_off_falls_back_to_the_page() {
    let replay = Arc::new(ReplayTransport::default());
    replay.answer(
        "GET",
        "https://klangwerk.jobs.personio.de/",
        200,
        &[("content-type", "text/html")],
        body("personio_page.html"),
    );
    let (outcome, found) = search("personio", &["klangwerk"], &replay).await;
    assert!(outcome.is_ok());
    assert_eq!((found.len(), found[0].company.as_deref()), (2, Some("klangwerk")));
}
