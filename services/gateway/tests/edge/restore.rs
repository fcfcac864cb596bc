use std::sync::atomic::Ordering;

use base64::{Engine, engine::general_purpose::STANDARD};
use tokio::io::AsyncWriteExt;

use crate::{
    people::{PUBLIC, People},
    sessions::Browser,
    world::World,
};

const RESTORE: &str = "/backup/restore";
const FILE: (&str, &str) = ("content-type", "application/octet-stream");

fn passphrase(text: &str) -> String {
    STANDARD.encode(text)
}

#[tokio::test]
async fn a_backup_reaches_the_service_whole_with_its_passphrase() {
    let world = World::start().await;
    // More than one message may hold.
    let file: Vec<u8> = (0..6_000_000_u32).map(|at| (at % 251) as u8).collect();
    let sum: i64 = file.iter().map(|byte| i64::from(*byte)).sum();
    let secret = passphrase("überall zehn");
    let headers = [FILE, ("backup-passphrase", secret.as_str())];
    let answer = world.http("POST", &format!("{RESTORE}?replace=true"), &headers, &file).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let tables = &answer.json()["tables"];
    assert_eq!((tables[0]["table"].as_str(), tables[0]["rows"].as_str()), (Some("ada"), Some("6000000")));
    assert_eq!(
        (tables[1]["table"].as_str(), tables[1]["rows"].as_str()),
        (Some("überall zehn"), Some(&*sum.to_string()))
    );
    assert_eq!(tables[2]["rows"], "1");
    let answer = world.http("POST", RESTORE, &headers, b"").await.json();
    assert_eq!(
        (&answer["tables"][0]["rows"], &answer["tables"][2]["rows"]),
        (&serde_json::json!(null), &serde_json::json!(null))
    );
}

#[tokio::test]
async fn what_the_service_refuses_and_what_is_no_backup_is_told() {
    let world = World::start().await;
    let wrong = passphrase("wrong");
    let answer = world.http("POST", RESTORE, &[FILE, ("backup-passphrase", &wrong)], b"x").await;
    assert_eq!((answer.status, answer.json()["code"].as_str()), (400, Some("invalid_argument")));
    assert_eq!(world.http("POST", RESTORE, &[FILE], b"x").await.status, 400);
    let json = [("content-type", "text/plain"), ("backup-passphrase", wrong.as_str())];
    assert_eq!(world.http("POST", RESTORE, &json, b"x").await.status, 415);
    assert_eq!(world.http("GET", RESTORE, &[("accept", "text/html")], b"").await.status, 405);
    let foreign = [FILE, ("backup-passphrase", wrong.as_str()), ("origin", "https://evil.example")];
    let refused = world.http("POST", RESTORE, &foreign, b"x").await;
    assert!(refused.status == 403 && refused.text().contains("FOREIGN_ORIGIN"), "{}", refused.text());
    let site = [FILE, ("backup-passphrase", wrong.as_str()), ("sec-fetch-site", "same-site")];
    assert_eq!(world.http("POST", RESTORE, &site, b"x").await.status, 403);
    assert_eq!(world.moving.restored.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn half_a_backup_is_not_restored() {
    let world = World::with(|config| config.server.body_timeout_seconds = 1).await;
    let (host, secret) = (world.address.to_string(), passphrase("ten letters"));
    let headers = [("host", host.as_str()), FILE, ("backup-passphrase", &secret), ("content-length", "1000000")];
    for waits in [false, true] {
        let before = world.moving.begun.load(Ordering::SeqCst);
        let mut stream = world.open("POST", RESTORE, &headers).await;
        stream.write_all(&[7; 1000]).await.unwrap();
        while world.moving.begun.load(Ordering::SeqCst) < before + 2 {
            tokio::task::yield_now().await;
        }
        if waits {
            let answer = crate::world::read_until(&mut stream, |text| text.contains("REQUEST_TOO_SLOW")).await;
            assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
        }
        drop(stream);
    }
    // The next one is restored, so the ones before it are over.
    let whole = world.http("POST", RESTORE, &[FILE, ("backup-passphrase", &secret)], b"whole").await;
    assert_eq!((whole.status, world.moving.restored.load(Ordering::SeqCst)), (200, 1));
}

#[tokio::test]
async fn whoever_restores_proves_who_they_are_and_that_the_page_is_ours() {
    let people = People::start().await;
    people.issuer.seat("ada", "Ada");
    let secret = passphrase("ten letters");
    let headers = [FILE, ("backup-passphrase", secret.as_str()), ("origin", PUBLIC)];
    let mut browser = Browser::default();
    assert_eq!(browser.send(&people, "POST", RESTORE, &headers).await.status, 401);
    browser.sign_in(&people, "/").await;
    let refused = browser.send(&people, "POST", RESTORE, &headers).await;
    assert!(refused.status == 403 && refused.text().contains("CSRF_TOKEN_INVALID"), "{}", refused.text());
    let token = browser.forgery_token();
    let proven = [&headers[..], &[("x-csrf-token", token.as_str())]].concat();
    assert_eq!(browser.send(&people, "POST", RESTORE, &proven).await.status, 200);
    let (_, reader) = people.key(&people.token("ada"), &["API_KEY_SCOPE_READ"]).await;
    let (_, writer) = people.key(&people.token("ada"), &["API_KEY_SCOPE_WRITE"]).await;
    for (key, status) in [(reader, 403), (writer, 200)] {
        let authorization = format!("Bearer {key}");
        let keyed = [FILE, ("backup-passphrase", secret.as_str()), ("authorization", authorization.as_str())];
        assert_eq!(people.world.http("POST", RESTORE, &keyed, b"x").await.status, status);
    }
}
