//! No credential is in any words, whatever a service says; nothing private is reached.

use aerie_integrations::{PushError, Settings, Wire, WireOptions, all, by_name};
use aerie_testkit::service::{Asked, Told};
use serde_json::json;

use crate::{
    kinds::{item, settings},
    world::{MARKER, World, service_account},
};

/// Says back everything that it was told.
fn parrot(asked: &Asked, status: u16) -> Told {
    let headers: Vec<String> = asked.headers.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let message = format!("{} {} {}", asked.target, headers.join(" "), asked.text());
    // The part of an answer that is shown begins with the credential.
    let message = format!("{} {message}", asked.header("authorization"));
    Told::json(&json!({ "error": { "message": message } })).and(status)
}

#[tokio::test]
async fn a_service_that_repeats_credentials_gives_nothing_away() {
    let key = serde_json::from_str::<serde_json::Value>(service_account()).unwrap();
    let key_line = key["private_key"].as_str().unwrap().lines().nth(3).unwrap().to_owned();
    for kind in all() {
        let Some((values, hosts)) = settings(kind.info.name) else { continue };
        for status in [400, 401, 404, 422, 429, 500] {
            let world = World::start(kind.info.name, &values, &hosts, move |asked| parrot(asked, status)).await;
            let error = world.push(&item(kind.info.topics)).await.unwrap_err();
            let tested = world.test().await;
            for words in [format!("{error} {error:?}"), format!("{tested:?}"), format!("{:?}", world.ready)] {
                for secret in [MARKER, key_line.as_str()] {
                    assert!(!words.contains(secret), "{} {status}: {words}", kind.info.name);
                }
                assert!(!words.contains("Basic cm9iaW46"), "{} {status}: {words}", kind.info.name);
            }
        }
    }
}

#[tokio::test]
async fn private_addresses_must_be_allowed_by_name_and_port() {
    let world =
        World::start("webhook", &[("address", "{service}/"), ("secret", MARKER)], &[], |_| Told::status(200)).await;
    let closed = Wire::new(WireOptions::default()).unwrap();
    for (address, words) in [
        (world.service.url("/"), "integrations.allow_addresses"),
        ("https://127.0.0.1/".to_owned(), "integrations.allow_addresses"),
        ("https://[::1]/".to_owned(), "integrations.allow_addresses"),
        ("http://example.com/".to_owned(), "not https"),
        ("https://metadata.google.internal/".to_owned(), "private network"),
        ("https://localhost/".to_owned(), "private network"),
    ] {
        let settings = Settings::from([("address", address.as_str()), ("secret", MARKER)]);
        let ready = by_name("webhook").unwrap().ready(&settings).unwrap();
        match ready.push(&closed, &item(&[aerie_integrations::Topic::Jobs])).await.unwrap_err() {
            PushError::Settings { field: "address", reason } => assert!(reason.contains(words), "{address}: {reason}"),
            error => panic!("{address}: {error:?}"),
        }
    }
    assert!(world.lines().is_empty(), "nobody was asked");
}

#[test]
fn a_wrong_credential_is_refused_without_being_quoted() {
    let cases = [
        ("webhook", vec![("address", "https://x.example/"), ("secret", "marker-short")]),
        ("discord", vec![("webhook", "https://evil.example/api/webhooks/1/marker-token")]),
        ("discord", vec![("webhook", "marker")]),
        ("google_calendar", vec![("calendar_id", "x"), ("credentials", "{\"private_key\": \"marker\"}")]),
        (
            "google_sheets",
            vec![("spreadsheet_id", "x"), ("credentials", "{\"client_email\": \"a\", \"private_key\": \"marker\"}")],
        ),
        ("slack", vec![("channel", "C1"), ("token", "marker\nmarker")]),
    ];
    for (kind, values) in cases {
        let settings = Settings(values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect());
        let error = by_name(kind).unwrap().ready(&settings).unwrap_err();
        assert_eq!(error.problems.len(), 1, "{kind}: {error}");
        assert!(!format!("{error} {error:?}").contains("marker"), "{kind}: {error}");
    }
}
