//! Every source against damaged, mistyped, deep and huge input: an error or fewer rows, never a panic, never a hang.

use std::time::{Duration, Instant};

use aerie_boards::{Page, Sample, all, article, import, page};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::fixture;

const FIXTURES: [&str; 30] = [
    "remoteok/list.json",
    "remotive/list.json",
    "arbeitnow/page.json",
    "himalayas/page.json",
    "jobicy/list.json",
    "themuse/page.json",
    "weworkremotely/feed.xml",
    "adzuna/page.json",
    "usajobs/page.json",
    "craigslist/feed.rdf",
    "craigslist/search.html",
    "craigslist/posting.html",
    "theladders/search.html",
    "linkedin/cards.html",
    "linkedin/detail.html",
    "indeed/viewjob.html",
    "indeed/search.html",
    "glassdoor/search.html",
    "ziprecruiter/search.html",
    "googlejobs/search.html",
    "seek/job.html",
    "seek/search.html",
    "icims/search.html",
    "jobvite/search.html",
    "feed/atom.xml",
    "feed/feed.json",
    "hackernews/thread.json",
    "page/next_data.html",
    "page/index.html",
    "page/plain.html",
];

fn everything(body: &str) {
    let address = "https://boards.example/list".parse().unwrap();
    let json = serde_json::from_str::<Value>(body).ok();
    let sample = Sample { text: body, json: json.as_ref() };
    let page = Page::new(address, body.to_owned());
    for source in all() {
        assert!(source.recognise(&sample) <= 100);
        let _ = source.parse(&page);
    }
    let _ = page::extract(body, None);
    let _ = import::read("file.csv", body.as_bytes());
    let _ = article::chunks(body);
}

/// Replaces the value at the n-th leaf by something of another type.
fn mistype(value: &mut Value, left: &mut usize, with: &Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| mistype(item, left, with)),
        Value::Object(fields) => fields.values_mut().for_each(|field| mistype(field, left, with)),
        leaf => {
            if *left == 0 {
                *leaf = with.clone();
            }
            *left = left.wrapping_sub(1);
        }
    }
}

#[test]
fn wrong_types_drop_a_field_or_a_row_and_nothing_else() {
    let others = [
        json!(null),
        json!(-1.5e300),
        json!(true),
        json!([]),
        json!({"x": [1]}),
        json!("\u{0}\u{202e}"),
        json!([["a"]]),
    ];
    for path in FIXTURES.iter().filter(|path| path.ends_with(".json")) {
        let original: Value = serde_json::from_str(&fixture(path)).unwrap();
        let name = path.split('/').next().unwrap();
        let source = aerie_boards::by_name(name).unwrap();
        let count = |value: &Value| {
            let page = Page::new("https://boards.example/".parse().unwrap(), value.to_string());
            source.parse(&page).map(|parsed| parsed.postings.len()).unwrap_or(0)
        };
        let before = count(&original);
        for leaf in 0..60 {
            for other in &others {
                let mut value = original.clone();
                mistype(&mut value, &mut leaf.clone(), other);
                // A comment may hold several roles, and one more row may be read than before when an id changes.
                let after = count(&value);
                assert!(
                    name == "hackernews" || after + 1 >= before,
                    "{path} leaf {leaf} with {other}: {before} became {after}"
                );
            }
        }
    }
}

#[test]
fn deep_and_huge_input_ends_soon() {
    let started = Instant::now();
    let inputs = [
        "<div>".repeat(10_000),
        "<div><p><b><li>".repeat(10_000),
        "<a href=x>".repeat(40_000),
        "[".repeat(200_000),
        "{\"a\":".repeat(20_000),
        format!(
            "<script type=\"application/ld+json\">{}</script>",
            "[{\"@type\":\"JobPosting\",\"title\":\"x\"},".repeat(12_000)
        ),
        format!("<script>window._initialData={}</script>", "{\"title\":".repeat(20_000)),
        format!("<rss>{}", "<item><title>x".repeat(20_000)),
        format!("<rss>{}</rss>", "&".repeat(50_000)),
        "x|".repeat(100_000),
        "\"".repeat(200_000),
        "\u{feff}".repeat(50_000),
        format!("[{{\"id\":1,\"by\":\"x\",\"text\":\"{}\"}}]", "Engineer | <p>(".repeat(10_000)),
    ];
    for input in &inputs {
        let one = Instant::now();
        everything(input);
        println!(
            "{:>6} ms for {:?}… ({} bytes)",
            one.elapsed().as_millis(),
            input.chars().take(24).collect::<String>(),
            input.len()
        );
    }
    assert!(started.elapsed() < Duration::from_secs(120), "{:?}", started.elapsed());
}

#[test]
fn strings_of_five_megabytes_are_cut_or_dropped() {
    let long = "é".repeat(2_500_000);
    let body = json!({"jobs": [{"id": 1, "url": "https://x.example/1", "title": long, "company_name": long, "description": long,
        "candidate_required_location": long, "publication_date": long, "job_type": long, "tags": [long]}]})
    .to_string();
    let page = Page::new("https://remotive.com/".parse().unwrap(), body);
    let row = &aerie_boards::by_name("remotive").unwrap().parse(&page).unwrap().postings[0];
    assert!(row.title.as_deref().unwrap().len() <= 1 << 20);
    assert!(row.tags.is_empty() && row.posted.is_none());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn mutated_fixtures_never_panic(
        which in 0..FIXTURES.len(),
        cut in 0.0f64..1.0,
        at in 0.0f64..1.0,
        noise in "(\\PC{0,20}|[<>\"'{}\\[\\],:&;|\\\\/]{0,20})",
        truncate in any::<bool>(),
    ) {
        let mut body = fixture(FIXTURES[which]);
        let position = body.floor_char_boundary((body.len() as f64 * at) as usize);
        body.insert_str(position, &noise);
        if truncate {
            let end = body.floor_char_boundary((body.len() as f64 * cut) as usize);
            body.truncate(end);
        }
        everything(&body);
    }

    #[test]
    fn removed_pieces_never_panic(which in 0..FIXTURES.len(), from in 0.0f64..1.0, length in 1usize..400) {
        let mut body = fixture(FIXTURES[which]);
        let start = body.floor_char_boundary((body.len() as f64 * from) as usize);
        let end = body.floor_char_boundary((start + length).min(body.len()));
        body.replace_range(start..end, "");
        everything(&body);
    }

    #[test]
    fn any_bytes_can_be_imported(bytes in proptest::collection::vec(any::<u8>(), 0..400), name in "[a-z.]{0,12}") {
        let _ = import::read(&name, &bytes);
    }

    #[test]
    fn any_comment_can_be_read(text in "\\PC{0,300}") {
        let body = json!([{"id": 1, "by": "x", "text": text}]).to_string();
        let page = Page::new("https://hn.algolia.com/".parse().unwrap(), body);
        let _ = aerie_boards::by_name("hackernews").unwrap().parse(&page);
    }
}
