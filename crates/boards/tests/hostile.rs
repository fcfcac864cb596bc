//! Hostile answers: whatever comes, every parser returns.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::path::{Path, PathBuf};

use aerie_boards::{CompanyBoard, Page, Sample, SharedSource, all, by_name, parse_recorded};
use proptest::prelude::*;
use serde_json::{Value, json};
use url::Url;

/// Gives an answer to one source; the parser may refuse it, not more.
fn feed(source: &SharedSource, body: &[u8]) {
    let url = source.recorded_url("acme").unwrap_or_else(|| Url::parse("https://acme.example/jobs/12").unwrap());
    let page = Page::new(url, body.to_vec()).with_board(&CompanyBoard::new("acme"));
    let text = page.text().into_owned();
    let json = serde_json::from_str::<Value>(&text).ok();
    let sure = source.recognise(&Sample { text: &text, json: json.as_ref() });
    assert!(sure <= 100);
    if let Ok(parsed) = source.parse(&page) {
        for posting in &parsed.postings {
            // A page of a known site is read by that site's source.
            assert!(by_name(&posting.source).is_some(), "{}", posting.source);
            assert!(posting.title.as_ref().is_some_and(|title| !title.trim().is_empty()));
            assert!(posting.url.is_some() || posting.apply_url.is_some());
        }
    }
}

fn feed_all(body: &[u8]) {
    for source in all() {
        feed(source, body);
    }
    let _ = parse_recorded("unknown.json", body);
}

/// Every fixture of this crate with its file name.
fn fixtures() -> Vec<(PathBuf, Vec<u8>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let mut folders = vec![root];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let body = std::fs::read(&path).unwrap();
                files.push((path, body));
            }
        }
    }
    files.sort();
    files
}

#[test]
fn names_are_unique_and_every_source_describes_itself() {
    let mut names: Vec<&str> = all().iter().map(|source| source.info().name.as_str()).collect();
    names.sort_unstable();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count);
    assert!(all().iter().all(|source| !source.info().label.is_empty()));
}

#[test]
fn odd_answers_are_survived() {
    let deep_array = "[".repeat(100_000);
    let deep_object = r#"{"jobs":"#.repeat(50_000);
    let deep_html = "<div>".repeat(50_000);
    let long = format!(r#"{{"jobs":[{{"title":"{}","absolute_url":"https://x.example"}}]}}"#, "é".repeat(2_000_000));
    let bodies: Vec<&[u8]> = vec![
        b"",
        b" ",
        b"null",
        b"[]",
        b"{}",
        b"0",
        b"\"text\"",
        b"[null]",
        b"[[]]",
        b"true",
        b"<",
        b"<html>",
        b"<?xml",
        b"<rss><channel><item></item></channel></rss>",
        b"\xff\xfe\x00\x01",
        b"{\"jobs\":[1,null,\"x\",[],{}]}",
        b"{\"jobs\":{}}",
        b"{\"items\":[{\"requisitionList\":7}]}",
        b"\x00\x00\x00",
        b"{\"a\":1e999}",
        deep_array.as_bytes(),
        deep_object.as_bytes(),
        deep_html.as_bytes(),
        long.as_bytes(),
    ];
    for body in bodies {
        feed_all(body);
    }
}

#[test]
fn fixtures_cut_at_any_place_are_survived() {
    for (_, body) in fixtures() {
        for share in [1, 3, 5, 7, 9] {
            let cut = &body[..body.len() * share / 10];
            feed_all(cut);
        }
        let mut broken = body.clone();
        broken.iter_mut().step_by(37).for_each(|byte| *byte = 0xff);
        feed_all(&broken);
    }
}

/// Puts `value` in place of the `number`th value of a tree; counts down.
fn replace(tree: &mut Value, number: &mut usize, value: &Value) -> bool {
    if *number == 0 {
        *tree = value.clone();
        return true;
    }
    *number -= 1;
    match tree {
        Value::Array(items) => items.iter_mut().any(|item| replace(item, number, value)),
        Value::Object(fields) => fields.iter_mut().any(|(_, field)| replace(field, number, value)),
        _ => false,
    }
}

fn size(tree: &Value) -> usize {
    1 + match tree {
        Value::Array(items) => items.iter().map(size).sum(),
        Value::Object(fields) => fields.values().map(size).sum(),
        _ => 0,
    }
}

/// Wrong types at every place of every JSON fixture, one at a time: the rest of the row survives.
#[test]
fn a_wrong_type_anywhere_is_survived() {
    let wrong =
        [json!(null), json!(-1e300), json!([["x"]]), json!({"x": {"y": 1}}), json!("\u{0}<b>&#x0;"), json!(true)];
    for (path, body) in fixtures() {
        let Ok(tree) = serde_json::from_slice::<Value>(&body) else { continue };
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let Ok((owner, whole)) = parse_recorded(&name, &body) else {
            println!("{name} holds no postings of its own");
            continue;
        };
        let source = by_name(owner).unwrap();
        let count = size(&tree);
        // Large fixtures are sampled: their rows repeat the same fields.
        let step = count.div_ceil(250);
        for place in (0..count).step_by(step) {
            let mut mutated = tree.clone();
            replace(&mut mutated, &mut place.clone(), &wrong[place % wrong.len()]);
            feed(source, mutated.to_string().as_bytes());
        }
        assert!(!whole.postings.is_empty() || whole.dropped.is_empty(), "{name}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_survived(body in proptest::collection::vec(any::<u8>(), 0..600)) {
        feed_all(&body);
    }

    #[test]
    fn any_json_is_survived(body in json_value()) {
        feed_all(body.to_string().as_bytes());
    }
}

/// JSON with the field names that the formats use.
fn json_value() -> impl Strategy<Value = Value> {
    let name = prop_oneof![
        Just("jobs"),
        Just("title"),
        Just("name"),
        Just("content"),
        Just("items"),
        Just("result"),
        Just("data"),
        Just("url"),
        Just("location"),
        Just("locations"),
        Just("id"),
        Just("text"),
        Just("hostedUrl"),
        Just("offers"),
        Just("jobPostings"),
        Just("externalPath"),
        Just("absolute_url"),
        Just("salary"),
        Just("jobOpeningName"),
        Just("positions"),
        Just("requisitionList"),
        Just("_jobposting"),
        Just("version"),
        Just("uuid"),
        Just("lists"),
        Just("categories"),
        Just("createdAt"),
        Just("compensation"),
        Just("jobAd"),
        Just("sections"),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
        Just(Value::from("https://acme.example/jobs/1")),
        Just(Value::from("/job/Here/there_R1")),
    ];
    leaf.prop_recursive(5, 60, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::vec((name.clone(), inner), 0..6)
                .prop_map(|fields| fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Value>()),
        ]
    })
}
