//! What the gateway does of deleting an account: who may ask, and what counts afterwards.

use std::{sync::Arc, time::Duration};

use aerie_gateway::{AccountStore, Callers};
use aerie_store::{Stores, StoresConfig};
use aerie_tasks::{Clock, ManualClock};
use chrono::Utc;
use serde_json::json;

use crate::{
    people::{AUDIENCE, GET_ACCOUNT, People},
    sessions::Browser,
    world::{COMPLETE, World, config},
};

const PREVIEW: &str = "/aerie.pipeline.v1.DeletionService/PreviewDeletion";
const DELETE: &str = "/aerie.pipeline.v1.DeletionService/DeleteEverything";

#[tokio::test]
async fn no_api_key_deletes_whatever_its_scopes() {
    let people = People::start().await;
    let token = people.token("ada");
    let scopes = ["API_KEY_SCOPE_READ", "API_KEY_SCOPE_WRITE", "API_KEY_SCOPE_MODELS", "API_KEY_SCOPE_CALENDAR"];
    let (_, key) = people.key(&token, &scopes).await;
    for path in [PREVIEW, DELETE] {
        let refused = people.call_with(&key, path, &json!({})).await;
        assert_eq!(refused.status, 403, "{}", refused.text());
        assert!(refused.text().contains("SCOPE_MISSING") && refused.text().contains("deleting the account"));
    }
    assert!(people.who(&token).await.is_ok());
    assert_eq!(people.call_with(&token, PREVIEW, &json!({})).await.status, 200);
    assert_eq!(people.world.http("POST", DELETE, &[("content-type", "application/json")], b"{}").await.status, 401);
}

async fn old_tokens_bring_nobody_back(people: &People) {
    // By the clock that deletions are timed with: the machine's own goes on meanwhile.
    let start = people.clock.now().timestamp();
    let issued_after = |seconds: i64| {
        let mut claims = people.issuer.claims("ada", AUDIENCE);
        claims["iat"] = json!(start + seconds);
        people.issuer.mint("ES256", &claims).unwrap()
    };
    let old = issued_after(0);
    let ada = people.who(&old).await.unwrap();
    let (_, key) = people.key(&old, &["API_KEY_SCOPE_MODELS"]).await;
    let ben = people.who(&people.token("ben")).await.unwrap();

    let deleted = people.call_with(&old, DELETE, &json!({ "confirmation": ada })).await;
    assert_eq!(deleted.status, 200, "{}", deleted.text());
    assert_eq!(people.reason(&key).await, "API_KEY_INVALID");
    assert_eq!(people.reason(&old).await, "TOKEN_BEFORE_DELETION");
    let mut untimed = people.issuer.claims("ada", AUDIENCE);
    untimed.as_object_mut().unwrap().remove("iat");
    let untimed = people.issuer.mint("ES256", &untimed).unwrap();
    assert_eq!(people.reason(&untimed).await, "TOKEN_BEFORE_DELETION", "it does not say that it is newer");

    people.pass(Duration::from_secs(60));
    assert_eq!(people.reason(&old).await, "TOKEN_BEFORE_DELETION");
    let again = people.who(&issued_after(50)).await.unwrap();
    assert_ne!(again, ada, "somebody new");
    assert_eq!(people.reason(&old).await, "TOKEN_BEFORE_DELETION", "the new account is not that of the old token");
    assert_eq!(people.who(&issued_after(50)).await, Ok(again));
    assert_eq!(people.who(&people.token("ben")).await, Ok(ben));
}

#[tokio::test]
async fn a_token_of_before_the_deletion_brings_nobody_back() {
    old_tokens_bring_nobody_back(&People::start().await).await;
}

#[tokio::test]
async fn a_token_of_before_the_deletion_brings_nobody_back_on_postgres() {
    if let Some(people) = People::postgres().await {
        old_tokens_bring_nobody_back(&people).await;
    }
}

#[tokio::test]
async fn a_browser_is_signed_out_everywhere() {
    let people = People::start().await;
    people.issuer.seat("ada", "Ada");
    let (mut browser, mut other) = (Browser::default(), Browser::default());
    browser.sign_in(&people, "/").await;
    other.sign_in(&people, "/").await;
    let cookies = browser.cookies.clone();
    let deleted = browser.call(&people, DELETE).await;
    assert_eq!((deleted.status, browser.cookies.len()), (200, 0), "{}", deleted.text());
    let mut thief = Browser { cookies };
    assert_eq!(thief.call(&people, COMPLETE).await.status, 401);
    assert_eq!(other.call(&people, COMPLETE).await.status, 401);
}

#[tokio::test]
async fn whoever_sits_at_this_machine_is_somebody_new_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let at = StoresConfig { url: "embedded".into(), data: folder.path().to_owned(), migrate: true, connections: 4 };
    let (here, elsewhere) = (Arc::new(Stores::open(at.clone()).await.unwrap()), Stores::open(at).await.unwrap());
    let clock = Arc::new(ManualClock::new(Utc::now()));
    let callers = Callers::of_this_machine(AccountStore::new(Arc::clone(&here)), clock.clone());
    let world = World::of(config(), callers).await;
    world.deletion.place.set((here, Arc::clone(&clock))).unwrap();
    let who = async || world.call(GET_ACCOUNT, &json!({})).await.json()["personId"].as_str().unwrap().to_owned();
    let first = who().await;
    assert_eq!(world.call(DELETE, &json!({})).await.status, 200);
    let second = who().await;
    assert_ne!(second, first);
    assert_eq!(who().await, second);
    // Another program deletes: that is noticed within a second.
    elsewhere.delete_account(second.parse().unwrap(), clock.now()).await.unwrap();
    clock.advance(chrono::TimeDelta::seconds(1));
    assert_ne!(who().await, second);
}
