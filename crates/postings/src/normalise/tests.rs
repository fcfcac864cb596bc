#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;

use super::*;
use crate::{PayPeriod, Place, RawDate, RawPlace, RawSalary};

fn now() -> DateTime<Utc> {
    DateTime::parse_from_rfc3339("2026-08-10T12:00:00Z").unwrap().to_utc()
}

fn raw(title: &str) -> RawPosting {
    RawPosting {
        source: "greenhouse".to_owned(),
        source_id: Some("42".to_owned()),
        title: Some(title.to_owned()),
        company: Some("Acme &amp; Sons, Inc.".to_owned()),
        url: Some("https://boards.greenhouse.io/acme/jobs/42?gh_src=x".to_owned()),
        ..RawPosting::default()
    }
}

#[test]
fn a_whole_posting() {
    let posting = normalise(
        RawPosting {
            places: vec![RawPlace::text("Berlin, Germany; Remote")],
            description_html: Some(format!(
                "&lt;p&gt;We build bridges.&lt;/p&gt;&lt;ul&gt;&lt;li&gt;Pay: €60.000 – €80.000 per year&lt;/li&gt;&lt;/ul&gt;{}",
                "&lt;p&gt;More words about the work.&lt;/p&gt;".repeat(20)
            )),
            employment_text: vec!["FULL_TIME".to_owned()],
            tags: vec!["Rust".to_owned(), "rust".to_owned(), " ".to_owned()],
            language: Some("en-US".to_owned()),
            posted: Some(RawDate::Text("3 days ago".to_owned())),
            updated: Some(RawDate::Text("2027-01-01".to_owned())),
            expires: Some(RawDate::Text("2026-12-31".to_owned())),
            ..raw("Sr. Rust Engineer &#8211; Platform")
        },
        now(),
    )
    .unwrap();
    assert_eq!(posting.title, "Sr. Rust Engineer – Platform");
    assert_eq!(posting.company, "Acme & Sons, Inc.");
    assert_eq!(posting.url, "https://boards.greenhouse.io/acme/jobs/42");
    assert_eq!(posting.places, [Place { city: Some("Berlin".into()), region: None, country: Some("DE".into()) }]);
    assert_eq!(posting.remote, RemoteKind::Remote);
    assert_eq!(posting.seniority, Some(Seniority::Senior));
    assert_eq!(posting.employment, [EmploymentType::FullTime]);
    assert_eq!(posting.extent, TextExtent::FullText);
    let salary = posting.salary.unwrap();
    assert_eq!((salary.min, salary.max, salary.period), (Some(60_000.0), Some(80_000.0), PayPeriod::Year));
    assert!(posting.description_text.starts_with("We build bridges.\n\n• Pay:"));
    assert!(posting.description_html.starts_with("<p>We build bridges.</p>"));
    assert_eq!(posting.tags, ["Rust"]);
    assert_eq!(posting.language.as_deref(), Some("en"));
    assert!(posting.posted_at.is_some() && posting.updated_at.is_none() && posting.expires_at.is_some());
}

#[test]
fn typed_fields_win_over_words() {
    let posting = normalise(
        RawPosting {
            remote: Some(RemoteKind::OnSite),
            places: vec![RawPlace::text("Remote - US")],
            salary: Some(RawSalary { text: Some("$35/hr".to_owned()), ..RawSalary::default() }),
            seniority_text: Some("Mid-Senior level".to_owned()),
            description_text: Some("Salary: $100,000 per year.".to_owned()),
            ..raw("Staff Engineer (Remote)")
        },
        now(),
    )
    .unwrap();
    assert_eq!(posting.remote, RemoteKind::OnSite);
    assert_eq!(posting.remote_scope, None);
    assert_eq!(posting.seniority, Some(Seniority::Lead));
    assert_eq!(posting.salary.unwrap().period, PayPeriod::Hour);
    assert_eq!(posting.extent, TextExtent::Snippet);
}

#[test]
fn what_is_no_posting_is_refused() {
    assert_eq!(normalise(raw(" &nbsp; "), now()), Err(Rejection::NoTitle));
    let no_url = RawPosting { url: Some("N/A".to_owned()), ..raw("Engineer") };
    assert_eq!(normalise(no_url, now()), Err(Rejection::NoUrl(Some("N/A".to_owned()))));
    let only_apply = RawPosting { url: None, apply_url: Some("https://example.org/a".to_owned()), ..raw("Engineer") };
    let posting = normalise(only_apply, now()).unwrap();
    assert_eq!(
        (posting.url.as_str(), posting.apply_url, posting.extent),
        ("https://example.org/a", None, TextExtent::TitleOnly)
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn every_field_is_bounded(text in any::<String>(), repeat in prop_oneof![1_usize..50, 3000_usize..4000]) {
        let long = text.repeat(repeat);
        let given = RawPosting {
            title: Some(format!("x{long}")),
            company: Some(long.clone()),
            places: vec![RawPlace::text(long.clone()); 3],
            remote_scope: Some(long.clone()),
            employment_text: vec![long.clone()],
            seniority_text: Some(long.clone()),
            salary: Some(RawSalary { text: Some(long.clone()), ..RawSalary::default() }),
            description_html: Some(long.clone()),
            department: Some(long.clone()),
            tags: vec![long.clone(); 99],
            posted: Some(RawDate::Text(long.clone())),
            ..raw("x")
        };
        let posting = normalise(given, now()).unwrap();
        prop_assert!(posting.title.chars().count() <= MAX_TITLE_CHARACTERS);
        prop_assert!(posting.description_html.len() <= MAX_DESCRIPTION_BYTES);
        prop_assert!(posting.description_text.len() <= MAX_DESCRIPTION_BYTES);
        prop_assert!(posting.tags.len() <= MAX_TAGS);
        prop_assert!(posting.places.len() <= places::MAX_PLACES);
    }
}
