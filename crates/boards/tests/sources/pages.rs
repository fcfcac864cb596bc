//! Sources that answer in HTML, and pages that people save.

use aerie_boards::page::extract;
use aerie_boards::{ParseError, import};
use aerie_postings::{EmploymentType, RawDate, RawPlace, RemoteKind};

use crate::{at, day, fixture, parse, place, text, titles, try_parse};

const NOWHERE: &str = "https://recorded.invalid/";

#[test]
fn craigslist_pages() {
    let parsed = parse("craigslist", "https://sfbay.craigslist.org/search/jjj", "craigslist/search.html");
    assert_eq!(titles(&parsed.postings), ["Kiln Controls Developer", "Web Potter"]);
    assert_eq!(
        (parsed.postings[0].salary.clone(), parsed.postings[0].places.clone()),
        (None, vec![place("oakland downtown")])
    );
    assert_eq!(parsed.postings[1].salary.as_ref().unwrap().text, text("$40"));

    let row = &parse("craigslist", NOWHERE, "craigslist/posting.html").postings[0];
    assert_eq!(row.source_id, text("7700000001"));
    assert_eq!(row.company, text("Hot Clay Co-op"));
    assert_eq!(row.salary.as_ref().unwrap().text, text("$45 to $60 an hour"));
    assert_eq!((row.employment.clone(), row.remote), (vec![EmploymentType::PartTime], Some(RemoteKind::Remote)));
    assert_eq!((row.posted.clone(), row.updated.clone()), (at(2026, 3, 4, 13, 6, 7), at(2026, 3, 5, 13, 6, 7)));
    let html = row.description_html.as_deref().unwrap();
    assert!(html.starts_with("Program our kilns.") && !html.contains("QR Code"), "{html}");
}

#[test]
fn theladders_cards() {
    let parsed = parse("theladders", "https://www.theladders.com/jobs/searchresults-jobs", "theladders/search.html");
    assert_eq!(titles(&parsed.postings), ["VP of Orchards", "Cider Director"]);
    let row = &parsed.postings[0];
    assert_eq!(row.url, text("https://www.theladders.com/job/vp-of-orchards-pomona-partners-yakima-wa_61000001"));
    assert_eq!((row.source_id.clone(), row.company.clone()), (text("61000001"), text("Pomona Partners")));
    assert_eq!(row.salary.as_ref().unwrap().text, text("$150K - $180K*"));
    assert_eq!(parsed.postings[1].company, text("Old Press Ltd"));
}

#[test]
fn linkedin_cards_and_detail() {
    let parsed = parse("linkedin", "https://www.linkedin.com/jobs-guest/x", "linkedin/cards.html");
    assert_eq!(parsed.postings.len(), 1, "repeated cards are one");
    let row = &parsed.postings[0];
    assert_eq!(
        (row.source_id.clone(), row.url.clone()),
        (text("3900000001"), text("https://www.linkedin.com/jobs/view/3900000001/"))
    );
    assert_eq!((row.title.clone(), row.company.clone()), (text("Bell Founder"), text("Glockenhof")));
    assert_eq!((row.places.clone(), row.remote), (vec![place("Passau, Bavaria, Germany")], Some(RemoteKind::Hybrid)));
    assert_eq!((row.posted.clone(), row.salary.is_some()), (day(2026, 5, 1), true));

    let row = &parse("linkedin", NOWHERE, "linkedin/detail.html").postings[0];
    assert_eq!(row.source_id, text("3900000001"));
    assert_eq!(row.apply_url, text("https://glockenhof.example/jobs/7"));
    assert_eq!(
        (row.seniority_text.clone(), row.employment.clone()),
        (text("Associate"), vec![EmploymentType::Contract])
    );
    assert_eq!(
        (row.department.clone(), row.tags.clone()),
        (text("Manufacturing"), vec!["Metalwork".to_owned(), "Music".to_owned()])
    );
    assert_eq!(row.posted, Some(RawDate::Text("3 weeks ago".into())));
    assert!(!row.closed && row.description_html.as_deref().unwrap().contains("<li>Bronze</li>"));
}

#[test]
fn indeed_pages() {
    let row = &parse("indeed", NOWHERE, "indeed/viewjob.html").postings[0];
    assert_eq!((row.title.clone(), row.company.clone()), (text("Ferry Deckhand"), text("Sound Crossing")));
    assert_eq!(row.source_id, text("00aa11bb22cc33dd"));
    let pay = row.salary.as_ref().unwrap();
    assert_eq!((pay.min, pay.max, pay.period.as_deref()), (Some(24.5), Some(28.0), Some("HOURLY")));
    assert_eq!(row.employment, [EmploymentType::PartTime], "the state adds what the structured data lacks");
    assert_eq!((row.posted.clone(), row.expires.clone()), (at(2026, 5, 9, 12, 0, 0), day(2026, 6, 9)));
    assert_eq!(row.places[0].city, text("Tacoma"));

    let row = &parse("indeed", "https://www.indeed.com/jobs?q=x", "indeed/search.html").postings[0];
    assert_eq!(row.url, text("https://www.indeed.com/viewjob?jk=99ff88ee77dd66cc"));
    assert_eq!((row.remote, row.employment.clone()), (Some(RemoteKind::Remote), vec![EmploymentType::Temporary]));
    assert_eq!(row.salary.as_ref().unwrap().max, Some(22.0));
    assert!(row.snippet && row.tags == ["401(k)"]);
}

#[test]
fn result_pages_of_resisting_boards() {
    let row = &parse("glassdoor", "https://www.glassdoor.com/Job/jobs.htm", "glassdoor/search.html").postings[0];
    assert_eq!((row.source_id.clone(), row.company.clone()), (text("1009000001"), text("Clearview Optics")));
    assert!(row.salary.as_ref().unwrap().predicted);
    assert_eq!(row.posted, Some(RawDate::Text("5 days ago".into())));

    let row =
        &parse("ziprecruiter", "https://www.ziprecruiter.com/jobs-search", "ziprecruiter/search.html").postings[0];
    assert_eq!((row.title.clone(), row.company.clone()), (text("Hive Inspector"), text("Honey Ridge")));
    assert_eq!(row.places[0].city, text("Provo"));
    assert_eq!(row.salary.as_ref().unwrap().min, Some(40_000.0));

    let row = &parse("googlejobs", "https://www.google.com/search?q=x", "googlejobs/search.html").postings[0];
    assert_eq!((row.title.clone(), row.url.clone()), (text("Lamp Lighter"), text("https://citylights.example/jobs/4")));
    assert_eq!((row.posted.clone(), row.source_id.clone()), (Some(RawDate::Text("3 days ago".into())), text("gj-4")));
}

#[test]
fn walls_are_named() {
    let wall = "<html><head><title>Just a moment...</title></head><body>challenge-platform</body></html>";
    for name in
        ["linkedin", "indeed", "glassdoor", "ziprecruiter", "googlejobs", "theladders", "craigslist", "icims", "page"]
    {
        let error = try_parse(name, "https://x.example/", wall).unwrap_err();
        assert!(matches!(error, ParseError::Wall { .. }), "{name}: {error}");
    }
    for name in ["linkedin", "indeed", "glassdoor", "ziprecruiter", "googlejobs", "theladders"] {
        let info = aerie_boards::by_name(name).unwrap().info();
        assert!(!info.default_on && info.best_effort && info.needs_key.is_none(), "{name}");
    }
}

#[test]
fn seek_pages() {
    let row = &parse("seek", NOWHERE, "seek/job.html").postings[0];
    assert_eq!(row.url, text("https://www.seek.com.au/job/5500001"));
    assert!(row.closed);
    assert_eq!((row.remote, row.employment.clone()), (Some(RemoteKind::OnSite), vec![EmploymentType::PartTime]));
    assert_eq!(row.salary.as_ref().unwrap().currency, text("AUD"));
    let rows = parse("seek", NOWHERE, "seek/search.html").postings;
    assert_eq!(rows[0].places, [place("Barossa Valley SA")]);
    assert_eq!(rows[0].employment, [EmploymentType::PerDiem]);
}

#[test]
fn icims_and_jobvite_lists() {
    let url = "https://careers-millstone.icims.com/jobs/search?ss=1";
    let rows = parse("icims", url, "icims/search.html").postings;
    assert_eq!(titles(&rows), ["Miller"], "a card that leads elsewhere is no job of this portal");
    assert_eq!(rows[0].url, text("https://careers-millstone.icims.com/jobs/2201/miller/job"));
    assert_eq!(
        rows[0].places[0],
        RawPlace { text: None, city: text("Spokane"), region: text("WA"), country: text("US") }
    );
    assert_eq!((rows[0].remote, rows[0].department.clone()), (Some(RemoteKind::Remote), text("Milling")));
    assert!(rows[0].snippet);

    let row = &parse("jobvite", "https://jobs.jobvite.com/bellhall/search", "jobvite/search.html").postings[0];
    assert_eq!((row.title.clone(), row.source_id.clone()), (text("Choir Master"), text("oAbC12xy")));
    assert_eq!((row.places.clone(), row.department.clone()), (vec![place("Ely, United Kingdom")], text("Choir")));
}

#[test]
fn a_page_is_read_in_the_order_of_trust() {
    let rows = extract(&fixture("page/next_data.html"), None).unwrap().postings;
    assert_eq!(titles(&rows), ["Ice Cartographer", "Sled Mechanic"], "navigation entries are no jobs");
    assert_eq!(rows[0].url, text("https://fjordwork.example/careers/ice-cartographer"));
    assert_eq!((rows[0].places[0].city.clone(), rows[0].department.clone()), (text("Tromsø"), text("Maps")));

    let base = "https://www.pebblebank.example/careers".parse().unwrap();
    let rows = extract(&fixture("page/index.html"), Some(&base)).unwrap().postings;
    assert_eq!(titles(&rows), ["Risk Analyst", "Teller"]);
    assert_eq!(rows[1].url, text("https://boards.greenhouse.io/pebblebank/jobs/4400112"));
    assert_eq!(rows[0].company, text("Pebble Bank"));

    let row = &extract(&fixture("page/plain.html"), None).unwrap().postings[0];
    assert_eq!((row.title.clone(), row.company.clone()), (text("Night Watch"), text("Orchard House")));
    assert_eq!(row.url, text("https://www.orchardhouse.example/jobs/ab12"));
    let html = row.description_html.as_deref().unwrap();
    assert!(html.contains("walk the rounds") && !html.contains("Imprint"));

    let base = "https://willow.hrmdirect.com/employment/job-openings.php".parse().unwrap();
    let row = &extract(&fixture("page/hrmdirect.html"), Some(&base)).unwrap().postings[0];
    assert_eq!((row.company.clone(), row.department.clone()), (text("Willow Trust"), text("Care")));
    assert_eq!(row.url, text("https://willow.hrmdirect.com/employment/job-opening.php?req=31&#job"));
    assert_eq!((row.posted.clone(), row.places.clone()), (day(2026, 7, 15), vec![place("Truro")]));
}

#[test]
fn a_page_without_a_posting_says_what_to_do() {
    let error = extract("<html><body><h1>Our history</h1><p>Founded long ago.</p></body></html>", None).unwrap_err();
    assert!(error.to_string().contains("open the posting itself"), "{error}");
    let error = extract("just words", None).unwrap_err();
    assert!(error.to_string().contains("save the page"), "{error}");
    let marked = "<script type='application/ld+json'>{\"@type\":\"JobPosting\",\"title\":{}}</script>";
    assert!(matches!(extract(marked, None), Err(ParseError::Broken { .. })));
}

#[test]
fn files_are_imported_row_by_row() {
    let (format, read) = import::read("jobs.csv", fixture("import/jobs.csv").as_bytes()).unwrap();
    assert_eq!(format, import::Format::Table);
    assert_eq!(titles(&read.postings), ["Valve Fitter"]);
    let row = &read.postings[0];
    assert_eq!((row.company.clone(), row.url.clone()), (text("Brass; Works"), text("https://brass.example/jobs/1")));
    assert_eq!((row.posted.clone(), row.places.clone()), (day(2026, 3, 1), vec![place("Leeds")]));
    assert_eq!(row.salary.as_ref().unwrap().text, text("£32k"));
    assert_eq!(read.urls, ["https://tin.example/jobs/2"]);
    assert_eq!((read.rejected, read.errors[0].line), (1, 4));
    assert!(read.errors[0].to_string().contains("no address"));

    let (format, read) = import::read("jobs.jsonl", fixture("import/jobs.jsonl").as_bytes()).unwrap();
    assert_eq!(format, import::Format::JsonLines);
    assert_eq!((titles(&read.postings), read.urls.len(), read.errors[0].line), (vec!["Glazier"], 1, 2));
    assert_eq!(read.postings[0].places[0].city, text("Graz"));
}

#[test]
fn plain_lists_and_old_tables_are_imported() {
    let list = "# mine\nhttps://a.example/1\n\nhttps://a.example/2\nhttps://a.example/1\nnot one\n";
    let (format, read) = import::read("urls.txt", list.as_bytes()).unwrap();
    assert_eq!((format, read.urls.len(), read.errors[0].line), (import::Format::UrlList, 2, 6));

    let old = "\u{feff}note,https://b.example/1\nother,https://b.example/2,x\n";
    let (format, read) = import::read("old.csv", old.as_bytes()).unwrap();
    assert_eq!(
        (format, read.urls),
        (import::Format::Table, vec!["https://b.example/1".to_owned(), "https://b.example/2".to_owned()])
    );

    let wide: Vec<u8> =
        "Titel\tFirma\tURL\nMüller\tMühle\thttps://m.example/1\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let (_, read) = import::read("x.csv", &[&[0xff, 0xfe], wide.as_slice()].concat()).unwrap();
    assert_eq!((titles(&read.postings), read.postings[0].company.clone()), (vec!["Müller"], text("Mühle")));

    let own = r#"[{"source":"lever","title":"Cooper","company":"Cask","url":"https://c.example/1","places":[{"city":"Bern","region":null,"country":"CH"}],"description_text":"Barrels."}]"#;
    let (_, read) = import::read("export.json", own.as_bytes()).unwrap();
    assert_eq!((read.postings[0].source.as_str(), read.postings[0].places[0].city.clone()), ("lever", text("Bern")));

    assert!(import::read("x", b"").is_err());
    assert!(import::read("x.csv", b"a,b\n1,2\n").unwrap_err().to_string().contains("column `url`"));
}
