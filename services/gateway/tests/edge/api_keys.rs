use std::time::Duration;

use aerie_proto::pipeline::v1::{SubscribeRequest, events_service_client::EventsServiceClient};
use aerie_store::jobs;
use aerie_telemetry::Drained;
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::json;
use tonic::{Code, Request};

use crate::{
    people::{CREATE_KEY, GET_ACCOUNT, LIST_KEYS, People, REVOKE_KEY},
    world::{COMPLETE, SUBSCRIBE, read_until},
};

#[tokio::test]
async fn a_key_acts_for_its_person_until_it_is_revoked() {
    acts_until_revoked(&People::start().await).await;
}

#[tokio::test]
async fn a_key_acts_for_its_person_until_it_is_revoked_on_postgres() {
    if let Some(people) = People::postgres().await {
        acts_until_revoked(&people).await;
    }
}

async fn acts_until_revoked(people: &People) {
    let token = people.token("ada");
    let ada = people.who(&token).await.unwrap();
    let (id, key) = people.key(&token, &["API_KEY_SCOPE_MODELS"]).await;
    assert!(key.starts_with(&format!("aerie_{id}_")), "{key}");
    assert_eq!(people.who(&key).await, Ok(ada.clone()));
    let listed = people.call_with(&token, LIST_KEYS, &json!({})).await;
    let secret = key.splitn(3, '_').nth(2).unwrap();
    assert!(listed.text().contains("laptop") && !listed.text().contains(secret), "{}", listed.text());
    let account = people.call_with(&key, GET_ACCOUNT, &json!({})).await.json();
    assert_eq!(account["credential"], "CREDENTIAL_API_KEY");
    assert_eq!(
        (account["personId"].as_str(), account["scopes"][0].as_str()),
        (Some(ada.as_str()), Some("API_KEY_SCOPE_MODELS"))
    );
    let revoked = people.call_with(&token, REVOKE_KEY, &json!({ "apiKeyId": id })).await;
    assert_eq!(revoked.status, 200);
    assert_eq!(people.reason(&key).await, "API_KEY_INVALID", "at once");
    let unknown = people.call_with(&token, REVOKE_KEY, &json!({ "apiKeyId": "0".repeat(20) })).await;
    assert_eq!(unknown.status, 404);
}

#[tokio::test]
async fn the_last_use_of_a_key_is_noted() {
    let people = People::start().await;
    let token = people.token("ada");
    let (_, key) = people.key(&token, &["API_KEY_SCOPE_MODELS"]).await;
    people.who(&key).await.unwrap();
    // What was begun is finished by a stop.
    people.world.lifecycle.stop();
    assert_eq!(people.world.lifecycle.drain(Duration::from_secs(10)).await, Drained::Finished);
    let mut tx = people.stores.platform().read().await.unwrap();
    let row = tx.fetch_one("select last_used_at from api_key", vec![]).await.unwrap();
    assert!(row.optional_time("last_used_at").unwrap().is_some());
}

#[tokio::test]
async fn wrong_keys_are_refused_whatever_is_wrong() {
    let people = People::start().await;
    let token = people.token("ada");
    let (id, key) = people.key(&token, &["API_KEY_SCOPE_MODELS"]).await;
    let (_, other) = people.key(&people.token("ben"), &["API_KEY_SCOPE_MODELS"]).await;
    let other_secret = other.splitn(3, '_').nth(2).unwrap();
    for wrong in [
        "aerie_".to_owned(),
        format!("aerie_{id}_"),
        format!("aerie_{id}_{other_secret}"),
        format!("aerie_{}_{other_secret}", "0".repeat(20)),
        key[..key.len() - 2].to_owned(),
        format!("{key}AA"),
        key.to_uppercase().replacen("AERIE_", "aerie_", 1),
        "aerie_' or '1'='1_x".to_owned(),
    ] {
        assert_eq!(people.reason(&wrong).await, "API_KEY_INVALID", "{wrong}");
    }
    let soon = (chrono::Utc::now() + chrono::TimeDelta::hours(1)).to_rfc3339();
    let body = json!({ "name": "short", "scopes": ["API_KEY_SCOPE_MODELS"], "expireTime": soon });
    let made = people.call_with(&token, CREATE_KEY, &body).await.json();
    let short = made["secret"].as_str().unwrap();
    assert!(people.who(short).await.is_ok());
    people.pass(Duration::from_secs(3700));
    assert_eq!(people.reason(short).await, "API_KEY_INVALID");
}

#[tokio::test]
async fn a_key_does_what_its_scopes_say_and_never_makes_another() {
    let people = People::start().await;
    let token = people.token("ada");
    let status = async |key: &str, path: &str| people.call_with(key, path, &json!({})).await.status;
    let (_, models) = people.key(&token, &["API_KEY_SCOPE_MODELS"]).await;
    let (_, read) = people.key(&token, &["API_KEY_SCOPE_READ"]).await;
    let (_, all) = people.key(&token, &["API_KEY_SCOPE_WRITE", "API_KEY_SCOPE_MODELS", "API_KEY_SCOPE_CALENDAR"]).await;
    assert_eq!((status(&models, COMPLETE).await, status(&read, COMPLETE).await), (200, 403));
    let openai = format!("Bearer {read}");
    let openai = [("authorization", openai.as_str()), ("content-type", "application/json")];
    let answer = people.world.http("POST", "/v1/chat/completions", &openai, b"{}").await;
    assert_eq!((answer.status, answer.json()["error"]["type"].as_str()), (403, Some("permission_error")));
    // These are not served behind this gateway, so that whoever gets through finds nothing there.
    let (list, purge) = ("/aerie.pipeline.v1.JobsService/ListJobs", "/aerie.pipeline.v1.JobsService/PurgeJobs");
    let missing = status(&token, list).await;
    assert_eq!(status(&read, list).await, missing);
    assert_eq!((status(&read, purge).await, status(&models, list).await), (403, 403));
    assert_eq!((status(&all, list).await, status(&all, purge).await), (missing, missing));
    for path in [CREATE_KEY, LIST_KEYS, REVOKE_KEY, "/aerie.platform.v1.AccountsService/ListSessions"] {
        let answer = people.call_with(&all, path, &json!({})).await;
        assert_eq!((answer.status, answer.json()["code"].as_str()), (403, Some("permission_denied")), "{path}");
        assert!(!answer.headers.contains_key("www-authenticate"), "another credential of the same kind would not help");
    }
    let authorization = format!("Bearer {read}");
    let host = people.world.address.to_string();
    let headers = [("host", host.as_str()), ("accept", "text/event-stream"), ("authorization", &authorization)];
    let mut stream = people.world.open("GET", SUBSCRIBE, &headers).await;
    read_until(&mut stream, |text| text.contains("id: 3")).await;
}

#[tokio::test]
async fn a_calendar_program_sends_its_key_as_a_password() {
    let people = People::start().await;
    let token = people.token("ada");
    let (_, calendar) = people.key(&token, &["API_KEY_SCOPE_CALENDAR"]).await;
    let (_, models) = people.key(&token, &["API_KEY_SCOPE_MODELS"]).await;
    let get = async |path: &str, key: &str| {
        let basic = format!("Basic {}", STANDARD.encode(format!("anybody:{key}")));
        people.world.http("GET", path, &[("authorization", &basic)], b"").await
    };
    let unserved =
        people.world.http("GET", "/calendar.ics", &[("authorization", &format!("Bearer {token}"))], b"").await;
    assert_ne!(unserved.status, 401);
    assert_eq!(get("/calendar.ics", &calendar).await.status, unserved.status);
    assert_eq!(get("/calendar.ics", &models).await.status, 403);
    let wrong = get("/calendar.ics", "sesame").await;
    assert_eq!(wrong.status, 401);
    assert_eq!(get("/v1/models", &calendar).await.status, 401, "only there");
}

#[tokio::test]
async fn keys_have_names_scopes_and_a_number() {
    let people = People::start().await;
    let token = people.token("ada");
    let past = "2020-01-01T00:00:00Z";
    for wrong in [
        json!({ "name": "", "scopes": ["API_KEY_SCOPE_READ"] }),
        json!({ "name": "x".repeat(101), "scopes": ["API_KEY_SCOPE_READ"] }),
        json!({ "name": "laptop" }),
        json!({ "name": "laptop", "scopes": ["API_KEY_SCOPE_UNSPECIFIED"] }),
        json!({ "name": "laptop", "scopes": [99] }),
        json!({ "name": "laptop", "scopes": ["API_KEY_SCOPE_READ"], "expireTime": past }),
    ] {
        assert_eq!(people.call_with(&token, CREATE_KEY, &wrong).await.status, 400, "{wrong}");
    }
    for _ in 0..50 {
        people.key(&token, &["API_KEY_SCOPE_READ"]).await;
    }
    let full = people.call_with(&token, CREATE_KEY, &json!({ "name": "x", "scopes": ["API_KEY_SCOPE_READ"] })).await;
    assert!(full.text().contains("TOO_MANY_KEYS"), "{}", full.text());
}

#[tokio::test]
async fn keys_can_be_switched_off() {
    let people = People::start().await;
    let (_, key) = people.key(&people.token("ada"), &["API_KEY_SCOPE_MODELS"]).await;
    assert!(people.who(&key).await.is_ok());
    let off = People::with(|config, _| config.accounts.api_keys = false).await;
    assert_eq!(off.reason(&key).await, "API_KEY_INVALID");
    let body = json!({ "name": "x", "scopes": ["API_KEY_SCOPE_READ"] });
    let refused = off.call_with(&off.token("ada"), CREATE_KEY, &body).await;
    assert!(refused.text().contains("API_KEYS_OFF"), "{}", refused.text());
}

#[tokio::test]
async fn two_people_never_see_each_others_rows() {
    are_apart(&People::start().await).await;
}

#[tokio::test]
async fn two_people_never_see_each_others_rows_on_postgres() {
    if let Some(people) = People::postgres().await {
        are_apart(&people).await;
    }
}

async fn are_apart(people: &People) {
    let (ada, ben) = (people.token("ada"), people.token("ben"));
    let (ada_key, ben_key) =
        (people.key(&ada, &["API_KEY_SCOPE_MODELS"]).await, people.key(&ben, &["API_KEY_SCOPE_MODELS"]).await);
    for (token, own, foreign) in [(&ada, &ada_key.0, &ben_key.0), (&ben, &ben_key.0, &ada_key.0)] {
        let listed = people.call_with(token, LIST_KEYS, &json!({})).await.text();
        assert!(listed.contains(own) && !listed.contains(foreign), "{listed}");
        let revoked = people.call_with(token, REVOKE_KEY, &json!({ "apiKeyId": foreign })).await;
        assert_eq!(revoked.status, 404, "another's key does not exist");
    }
    assert!(people.who(&ada_key.1).await.is_ok() && people.who(&ben_key.1).await.is_ok());
    // The stores that the services behind the gateway open by the person they are told.
    let (ada_id, ben_id) = (people.who(&ada).await.unwrap(), people.who(&ben_key.1).await.unwrap());
    assert_ne!(ada_id, ben_id);
    let ada_store = people.stores.person(ada_id.parse().unwrap()).await.unwrap();
    let mut tx = ada_store.begin().await.unwrap();
    aerie_store::profiles::save_profile(&mut tx, "{\"name\":\"Ada\"}", None, chrono::Utc::now()).await.unwrap();
    tx.commit().await.unwrap();
    let ben_store = people.stores.person(ben_id.parse().unwrap()).await.unwrap();
    let mut tx = ben_store.read().await.unwrap();
    assert!(aerie_store::profiles::profile(&mut tx).await.unwrap().is_none());
    assert!(jobs::count_by_status(&mut tx).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_stream_that_is_open_ends_when_its_key_is_revoked() {
    let people = People::with(|config, _| config.server.heartbeat_seconds = 1).await;
    let token = people.token("ada");
    let (id, key) = people.key(&token, &["API_KEY_SCOPE_READ"]).await;
    let host = people.world.address.to_string();
    let authorization = format!("Bearer {key}");
    let headers = [("host", host.as_str()), ("accept", "text/event-stream"), ("authorization", &authorization)];
    let mut stream = people.world.open("GET", SUBSCRIBE, &headers).await;
    let mut request = Request::new(SubscribeRequest::default());
    request.metadata_mut().insert("authorization", authorization.parse().unwrap());
    let mut grpc = EventsServiceClient::new(people.world.backend()).subscribe(request).await.unwrap().into_inner();
    for _ in 0..3 {
        grpc.message().await.unwrap().unwrap();
    }
    let text = read_until(&mut stream, |text| text.matches(": still here").count() == 2).await;
    assert!(!text.contains("event: error"), "it stays open meanwhile: {text}");
    people.call_with(&token, REVOKE_KEY, &json!({ "apiKeyId": id })).await;
    read_until(&mut stream, |text| text.contains("event: error")).await;
    assert_eq!(grpc.message().await.unwrap_err().code(), Code::Unavailable);
    let again = people.world.http("GET", SUBSCRIBE, &headers[1..], b"").await;
    assert_eq!(again.status, 401, "whoever connects again learns why");
}
