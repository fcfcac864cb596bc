//! Sources that answer in JSON or XML.

use aerie_boards::Next;
use aerie_postings::{EmploymentType, RawPlace, RemoteKind};

use crate::{at, parse, place, text, titles, try_parse};

#[test]
fn remoteok() {
    let parsed = parse("remoteok", "https://remoteok.com/api", "remoteok/list.json");
    assert_eq!(titles(&parsed.postings), ["Tide Modeller", "Archivist"]);
    assert_eq!(parsed.dropped.len(), 1, "the terms of use are no row, the row without a title is dropped");
    let row = &parsed.postings[0];
    assert_eq!(row.source_id, text("900001"));
    assert_eq!(row.company, text("Saltmarsh Labs"));
    assert_eq!(row.apply_url, text("https://remoteok.com/l/900001"));
    assert_eq!(row.places, [place("Worldwide")]);
    assert_eq!(row.remote, Some(RemoteKind::Remote));
    assert_eq!(row.posted, at(2026, 7, 24, 13, 33, 20));
    assert_eq!(row.tags, ["python", "ocean"]);
    let pay = row.salary.as_ref().unwrap();
    assert_eq!((pay.min, pay.max, pay.currency.as_deref()), (Some(70_000.0), Some(95_000.0), Some("USD")));
    let bad = &parsed.postings[1];
    assert_eq!((bad.salary.clone(), bad.description_html.clone()), (None, None));
    assert_eq!(bad.url, text("https://remoteok.com/remote-jobs/remote-archivist-900002"));
    assert_eq!(bad.posted, at(2026, 7, 24, 13, 33, 21));
}

#[test]
fn remotive() {
    let parsed = parse("remotive", "https://remotive.com/api/remote-jobs", "remotive/list.json");
    assert_eq!(titles(&parsed.postings), ["Map Illustrator", "Tester"]);
    assert_eq!((parsed.total, parsed.dropped.len()), (Some(2), 1));
    let row = &parsed.postings[0];
    assert_eq!(row.posted, at(2026, 6, 3, 9, 10, 11), "no zone means UTC");
    assert_eq!(row.remote_scope, text("Europe, UK"));
    assert_eq!(row.employment, [EmploymentType::Contract]);
    assert_eq!(row.salary.as_ref().unwrap().text, text("€45 - €60/hr"));
    assert_eq!(row.tags, ["svg", "cartography"]);
    assert_eq!(row.department, text("Design"));
    assert_eq!((parsed.postings[1].company.clone(), parsed.postings[1].salary.clone()), (None, None));
}

#[test]
fn arbeitnow() {
    let parsed = parse("arbeitnow", "https://www.arbeitnow.com/api/job-board-api?page=2", "arbeitnow/page.json");
    assert_eq!(parsed.next, Some(Next::Page(3)), "its own next link narrows the list and is not followed");
    assert_eq!(parsed.total, Some(420));
    let row = &parsed.postings[0];
    assert_eq!(row.description_html, text("<p>Du reparierst Uhren &amp; Wecker.</p>"));
    assert_eq!((row.remote, parsed.postings[1].remote), (None, Some(RemoteKind::Remote)));
    assert_eq!(row.employment, [EmploymentType::FullTime]);
    assert_eq!(row.employment_text, ["berufserfahren"]);
    assert_eq!(row.places, [place("Bremen")]);
    assert_eq!(row.source_id, text("uhrmacher-bremen-11"));
}

#[test]
fn himalayas() {
    let parsed = parse("himalayas", "https://himalayas.app/jobs/api?limit=20&offset=20", "himalayas/page.json");
    assert_eq!((parsed.total, parsed.next), (Some(90), Some(Next::Offset(21))));
    let row = &parsed.postings[0];
    assert_eq!(row.company, text("High Pass"), "the name is a placeholder, the slug is not");
    assert_eq!(row.remote_scope, text("Switzerland, Nepal"));
    assert_eq!(row.places[1], RawPlace { country: text("Nepal"), ..RawPlace::default() });
    assert_eq!(row.employment, [EmploymentType::PartTime]);
    assert_eq!(row.seniority_text, text("Mid-level, Senior"));
    let pay = row.salary.as_ref().unwrap();
    assert_eq!((pay.min, pay.max, pay.period.as_deref()), (Some(30_000.0), None, Some("annual")));
    assert_eq!(row.apply_url, None, "the same as the address");
    assert!(row.posted.is_some() && row.expires.is_some() && !row.snippet);
}

#[test]
fn jobicy() {
    let parsed = parse("jobicy", "https://jobicy.com/api/v2/remote-jobs", "jobicy/list.json");
    let row = &parsed.postings[0];
    assert_eq!(row.title, text("Grants Lead &#8211; Oceans"), "entities are decoded by normalisation");
    assert_eq!(row.remote_scope, text("UK, USA"));
    assert_eq!(row.places, [place("UK"), place("USA")]);
    assert_eq!(row.department, text("Fundraising & Grants"));
    assert_eq!(row.seniority_text, None, "any level is no level");
    assert_eq!(row.employment, [EmploymentType::FullTime, EmploymentType::Contract]);
    assert_eq!(row.posted, at(2026, 4, 5, 6, 7, 8));
    assert_eq!(row.salary.as_ref().unwrap().currency, text("GBP"));
}

#[test]
fn themuse() {
    let parsed = parse("themuse", "https://www.themuse.com/api/public/jobs?page=3", "themuse/page.json");
    assert_eq!((parsed.total, parsed.next), (Some(400_000), Some(Next::Page(4))));
    let row = &parsed.postings[0];
    assert_eq!(row.company, text("Fern & Fog"));
    assert_eq!(row.places, [place("Portland, OR")]);
    assert_eq!(row.remote, Some(RemoteKind::Remote));
    assert_eq!(row.employment, [EmploymentType::Internship]);
    assert_eq!((row.department.clone(), row.tags.len()), (text("Retail"), 2));
}

#[test]
fn weworkremotely() {
    let parsed = parse("weworkremotely", "https://weworkremotely.com/remote-jobs.rss", "weworkremotely/feed.xml");
    let row = &parsed.postings[0];
    assert_eq!((row.company.clone(), row.title.clone()), (text("Quillsoft"), text("Staff Engineer: Search")));
    assert_eq!(row.posted, at(2026, 5, 4, 10, 20, 30));
    assert_eq!(row.expires, at(2026, 6, 3, 10, 20, 30));
    assert_eq!(row.remote_scope, text("Anywhere in the World"));
    assert_eq!(row.employment, [EmploymentType::FullTime]);
    assert!(row.tags.contains(&"Rust".to_owned()) && row.tags.contains(&"Lucene".to_owned()));
    assert!(row.description_html.as_deref().unwrap().contains("fast &amp; fair"));
    let row = &parsed.postings[1];
    assert_eq!((row.company.clone(), row.title.clone()), (text("Moss & Stone"), text("Gardener")));
    assert_eq!(row.description_html, text("<p>Online garden advice.</p>"));
}

#[test]
fn adzuna() {
    let url = "https://api.adzuna.com/v1/api/jobs/gb/search/1?app_id=x";
    let parsed = parse("adzuna", url, "adzuna/page.json");
    assert_eq!((parsed.total, parsed.postings.len(), parsed.dropped.len()), (Some(777), 1, 1));
    let row = &parsed.postings[0];
    assert!(row.snippet);
    let pay = row.salary.as_ref().unwrap();
    assert!(pay.predicted);
    assert_eq!((pay.max, pay.currency.as_deref()), (Some(52_000.5), Some("GBP")));
    assert_eq!(row.places[0].city, text("Ashford"));
    assert_eq!(row.places[0].country, text("UK"));
    assert_eq!(row.employment, [EmploymentType::FullTime]);
    assert_eq!(row.department, text("Engineering Jobs"));
}

#[test]
fn usajobs() {
    let parsed = parse("usajobs", "https://data.usajobs.gov/api/search?Page=2", "usajobs/page.json");
    assert_eq!((parsed.total, parsed.next), (Some(502), Some(Next::Page(3))));
    let row = &parsed.postings[0];
    assert_eq!(row.source_id, text("700100200"));
    let pay = row.salary.as_ref().unwrap();
    assert_eq!((pay.min, pay.period.as_deref()), (Some(33.5), Some("hour")));
    assert_eq!(parsed.postings[1].salary.as_ref().unwrap().period, text("year"));
    assert_eq!(row.places[0].city, text("Boise"));
    assert_eq!((row.remote, parsed.postings[1].remote), (Some(RemoteKind::Hybrid), Some(RemoteKind::Remote)));
    assert_eq!(row.seniority_text, text("GS-9 to GS-11"));
    assert_eq!(row.apply_url, text("https://apply.usajobs.example/700100200"));
    let html = row.description_html.as_deref().unwrap();
    for part in ["Measure rivers.", "<li>Wade in.</li>", "One year of river work.", "A boat licence.", "A degree."] {
        assert!(html.contains(part), "{part} in {html}");
    }
    assert!(row.expires.is_some());
}

#[test]
fn craigslist_feed_is_rdf() {
    let parsed = parse("craigslist", "https://sfbay.craigslist.org/search/sof?format=rss", "craigslist/feed.rdf");
    let row = &parsed.postings[0];
    assert_eq!(row.title, text("Kiln Controls Developer"));
    assert_eq!(row.source_id, text("7700000001"));
    assert_eq!(row.company, None);
    assert_eq!(row.posted, at(2026, 3, 4, 13, 6, 7));
    assert!(row.places.contains(&place("oakland downtown")));
}

#[test]
fn feeds_of_every_kind() {
    let row = &parse("feed", "https://ringline.example/feed", "feed/atom.xml").postings[0];
    assert_eq!((row.title.clone(), row.company.clone()), (text("Tram Driver"), text("Ringline")));
    assert_eq!(row.posted, at(2026, 1, 1, 7, 0, 0));
    assert_eq!(row.updated, at(2026, 1, 2, 7, 0, 0));
    assert_eq!(row.description_html, text("<p>Drive trams.</p>"));
    assert_eq!(row.url, text("https://ringline.example/jobs/1"));

    let broken = parse("feed", "https://oven.example/feed", "feed/broken.xml");
    let row = &broken.postings[0];
    assert_eq!((row.title.clone(), row.company.clone()), (text("Baker & Cook"), text("Oven")));
    assert_eq!(row.places, [place("Gent, Belgium")]);
    assert_eq!(row.salary.as_ref().unwrap().text, text("€2,600 a month"));
    assert_eq!(broken.postings.len(), 2, "what is there of a cut feed counts");

    let row = &parse("feed", "https://kite.example/feed.json", "feed/feed.json").postings[0];
    assert_eq!((row.company.clone(), row.places[0].city.clone()), (text("Kite House"), text("Weifang")));
}

#[test]
fn answers_of_another_kind_are_refused_not_empty() {
    for name in
        ["remoteok", "remotive", "arbeitnow", "himalayas", "jobicy", "themuse", "adzuna", "usajobs", "hackernews"]
    {
        for body in ["<html>x</html>", "", "7", "{\"error\": \"rate\"}"] {
            assert!(try_parse(name, "https://x.example/", body).is_err(), "{name} took {body:?}");
        }
    }
    assert!(
        try_parse("remoteok", "https://x.example/", "[{\"legal\":\"x\"},[],[]]").is_ok_and(|p| p.postings.is_empty())
    );
    assert!(try_parse("usajobs", "https://x.example/", "{\"SearchResult\":{\"SearchResultCount\":5}}").is_err());
}
