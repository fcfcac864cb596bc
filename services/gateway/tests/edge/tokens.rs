use std::time::Duration;

use aerie_config::{Issuer, TokenAlgorithm};
use aerie_proto::llm::v1::{CompleteRequest, llm_service_client::LlmServiceClient};
use aerie_testkit::issuer::TestIssuer;
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde_json::{Value, json};
use tonic::{Code, Request};
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient};

use crate::{
    people::{AUDIENCE, GET_ACCOUNT, People},
    world::{COMPLETE, SUBSCRIBE},
};

fn minutes(number: u64) -> Duration {
    Duration::from_secs(number * 60)
}

#[tokio::test]
async fn a_person_is_made_at_first_sight_and_stays_the_same() {
    let people = People::start().await;
    let mut seen = Vec::new();
    for algorithm in ["RS256", "ES256", "EdDSA"] {
        let mut claims = people.issuer.claims("ada", AUDIENCE);
        claims["name"] = json!("Ada");
        seen.push(people.who(&people.issuer.mint(algorithm, &claims).unwrap()).await.unwrap());
    }
    assert!(seen.iter().all(|id| *id == seen[0] && id.parse::<uuid::Uuid>().is_ok()), "{seen:?}");
    let ben = people.who(&people.token("ben")).await.unwrap();
    assert_ne!(ben, seen[0]);
    people.pass(minutes(5));
    assert_eq!(people.who(&people.token("ben")).await, Ok(ben.clone()), "also when nobody remembers them");
    let account = people.call_with(&people.token("ada"), GET_ACCOUNT, &json!({})).await.json();
    assert_eq!((account["personId"].as_str(), account["name"].as_str()), (Some(seen[0].as_str()), Some("Ada")));
    assert_eq!(account["credential"], "CREDENTIAL_TOKEN");
}

#[tokio::test]
async fn many_first_sights_at_once_are_one_person() {
    let people = People::start().await;
    let token = people.token("ada");
    let seen = futures::future::join_all((0..24).map(|_| people.who(&token))).await;
    assert!(seen.iter().all(|one| one.is_ok() && *one == seen[0]), "{seen:?}");
    assert_eq!(people.issuer.key_fetches(), 1, "one fetch serves everybody who waits");
}

#[tokio::test]
async fn nobody_gets_anything_in_any_form() {
    let people = People::start().await;
    let world = &people.world;
    let forged = [("x-aerie-person", "ada"), ("content-type", "application/json")];
    for headers in [&forged[1..], &forged[..]] {
        let answer = world.http("POST", COMPLETE, headers, br#"{"prompt": "who"}"#).await;
        assert_eq!((answer.status, answer.headers["www-authenticate"].as_str()), (401, "Bearer realm=\"aerie\""));
        assert_eq!(answer.json()["details"][0]["debug"]["reason"], "CREDENTIAL_MISSING");
        assert_eq!(answer.json()["details"][0]["debug"]["metadata"]["sign_in"], "/auth/login");
    }
    let events = world.http("GET", SUBSCRIBE, &[("accept", "text/event-stream")], b"").await;
    assert_eq!((events.status, events.json()["code"].as_str()), (401, Some("unauthenticated")));
    let openai = world.http("POST", "/v1/chat/completions", &forged, b"{}").await;
    assert_eq!((openai.status, openai.json()["error"]["type"].as_str()), (401, Some("authentication_error")));
    let calendar = world.http("GET", "/calendar.ics", &[], b"").await;
    assert_eq!(calendar.status, 401);
    let web = [("content-type", "application/grpc-web+proto")];
    let web = world.http("POST", COMPLETE, &web, &[0; 5]).await;
    assert_eq!((web.status, web.headers["grpc-status"].as_str()), (200, "16"));
    let status = LlmServiceClient::new(world.backend()).complete(CompleteRequest::default()).await.unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated, "{status}");
    assert_eq!(world.http("POST", "/not/there", &forged, b"{}").await.status, 401, "not even what there is");
    for open in ["/livez", "/status", "/style.css"] {
        assert_eq!(world.http("GET", open, &[], b"").await.status, 200, "{open}");
    }
    assert_eq!(world.http("GET", "/metrics", &[], b"").await.status, 404, "measurements are for the operator");
    let health = HealthClient::new(world.backend()).check(HealthCheckRequest::default()).await.unwrap().into_inner();
    assert_eq!(health.status(), ServingStatus::NotServing, "a probe needs no token");
    assert!(HealthClient::new(world.backend()).watch(HealthCheckRequest::default()).await.is_err(), "but no stream");
    let ready = world.http("GET", "/readyz", &[], b"").await;
    assert_eq!(ready.status, 503, "nothing serves yet, but it may be asked");
}

#[tokio::test]
async fn a_token_counts_in_every_form() {
    let people = People::start().await;
    let token = people.token("ada");
    let ada = people.who(&token).await.unwrap();
    let authorization = format!("Bearer {token}");
    let mut request = Request::new(CompleteRequest { prompt: "who".into(), ..Default::default() });
    request.metadata_mut().insert("authorization", authorization.parse().unwrap());
    request.metadata_mut().insert("x-aerie-person", "ben".parse().unwrap());
    let grpc = LlmServiceClient::new(people.world.backend()).complete(request).await.unwrap().into_inner();
    assert_eq!(grpc.text, ada);
    let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
    let openai = people.world.http("POST", "/v1/chat/completions", &headers, b"{}").await.json();
    assert_eq!(openai["person"], ada);
    let names = openai["headers"].as_array().unwrap();
    assert!(!names.iter().any(|name| name == "authorization" || name == "cookie"), "{names:?}");
    let mixed = [("authorization", authorization.replacen("Bearer", "bEARER ", 1))];
    let mixed: Vec<(&str, &str)> = mixed.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let mixed = [&mixed[..], &[("content-type", "application/json")]].concat();
    assert_eq!(people.world.http("POST", COMPLETE, &mixed, b"{}").await.status, 200);
}

#[tokio::test]
async fn tokens_with_wrong_claims_are_refused() {
    let people = People::start().await;
    let now = chrono::Utc::now().timestamp();
    for (name, value, reason) in [
        ("iss", json!("https://evil.example"), "TOKEN_ISSUER_UNKNOWN"),
        ("iss", json!(format!("{}/", people.issuer.url())), "TOKEN_ISSUER_UNKNOWN"),
        ("iss", json!([people.issuer.url()]), "TOKEN_ISSUER_UNKNOWN"),
        ("iss", Value::Null, "TOKEN_ISSUER_UNKNOWN"),
        ("aud", json!("other"), "TOKEN_FOR_OTHERS"),
        ("aud", json!(["other", "third"]), "TOKEN_FOR_OTHERS"),
        ("aud", json!("aerie2"), "TOKEN_FOR_OTHERS"),
        ("aud", Value::Null, "TOKEN_FOR_OTHERS"),
        ("exp", json!(now - 31), "TOKEN_EXPIRED"),
        ("exp", json!(-1), "TOKEN_EXPIRED"),
        ("exp", json!("9999999999"), "TOKEN_MALFORMED"),
        ("exp", Value::Null, "TOKEN_MALFORMED"),
        ("nbf", json!(now + 120), "TOKEN_NOT_YET_VALID"),
        ("iat", json!(now + 120), "TOKEN_NOT_YET_VALID"),
        ("nbf", json!({}), "TOKEN_MALFORMED"),
        ("sub", json!(""), "TOKEN_WITHOUT_SUBJECT"),
        ("sub", json!(7), "TOKEN_WITHOUT_SUBJECT"),
        ("sub", json!("a\u{0}da"), "TOKEN_WITHOUT_SUBJECT"),
        ("sub", json!("a".repeat(256)), "TOKEN_WITHOUT_SUBJECT"),
    ] {
        let mut claims = people.issuer.claims("ada", AUDIENCE);
        claims[name] = value.clone();
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        }
        let token = people.issuer.mint("EdDSA", &claims).unwrap();
        assert_eq!(people.reason(&token).await, reason, "{name}={value}");
    }
    let mut claims = people.issuer.claims("ada", AUDIENCE);
    claims["aud"] = json!(["other", AUDIENCE]);
    claims["nbf"] = json!(now + 20);
    claims["exp"] = json!(now - 10);
    assert!(
        people.who(&people.issuer.mint("EdDSA", &claims).unwrap()).await.is_ok(),
        "clocks may differ by 30 seconds"
    );
    let fine = people.token("ada");
    people.pass(minutes(61));
    assert_eq!(people.reason(&fine).await, "TOKEN_EXPIRED");
}

/// A token in which the issuer's key is used in a way that it is not for.
fn confused(people: &People, algorithm: &str, signing: &str) -> String {
    let header = json!({ "alg": algorithm, "kid": people.issuer.key_id(signing) });
    people.issuer.mint_with("ES256", &header.to_string(), &people.issuer.claims("ada", AUDIENCE).to_string()).unwrap()
}

#[tokio::test]
async fn unsigned_and_confused_tokens_are_refused() {
    let people = People::start().await;
    let claims = people.issuer.claims("ada", AUDIENCE).to_string();
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    for name in ["none", "None", "NONE", "nOnE", ""] {
        let unsigned = format!("{}.{}.", part(&json!({ "alg": name }).to_string()), part(&claims));
        assert_eq!(people.reason(&unsigned).await, "TOKEN_ALGORITHM", "{name}");
    }
    // The public key as the secret of an HMAC: whoever verifies by what the token says would accept it.
    for algorithm in ["RS256", "ES256", "EdDSA"] {
        let header = json!({ "alg": "HS256", "kid": people.issuer.key_id(algorithm) }).to_string();
        let signed = format!("{}.{}", part(&header), part(&claims));
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &people.issuer.public_key(algorithm));
        let token = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(ring::hmac::sign(&key, signed.as_bytes())));
        assert_eq!(people.reason(&token).await, "TOKEN_ALGORITHM", "{algorithm}");
    }
    for (algorithm, key) in [("RS256", "ES256"), ("ES256", "RS256"), ("EdDSA", "ES256"), ("ES256", "EdDSA")] {
        assert_eq!(people.reason(&confused(&people, algorithm, key)).await, "TOKEN_KEY_UNKNOWN", "{algorithm} {key}");
    }
    let fetches = people.issuer.key_fetches();
    assert_eq!(fetches, 1, "a key of the wrong kind is no reason to ask again");
    let token = people.token("ada");
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let (header, _) = signed.split_once('.').unwrap();
    let other = people.issuer.claims("ben", AUDIENCE).to_string();
    assert_eq!(people.reason(&format!("{header}.{}.{signature}", part(&other))).await, "TOKEN_SIGNATURE_WRONG");
    assert_eq!(people.reason(&format!("{signed}.{}", part(&"x".repeat(64)))).await, "TOKEN_SIGNATURE_WRONG");
    assert_eq!(people.reason(&format!("{signed}.")).await, "TOKEN_SIGNATURE_WRONG");
    // An attacker's own key, offered in the token itself.
    let header = json!({ "alg": "ES256", "kid": "mine", "jku": "http://127.0.0.1:1/keys", "jwk": {"kty": "EC"} });
    let own = people.issuer.mint_with("ES256", &header.to_string(), &claims).unwrap();
    assert_eq!(people.reason(&own).await, "TOKEN_KEY_UNKNOWN");
}

#[tokio::test]
async fn an_algorithm_that_is_not_allowed_is_refused() {
    let only = |config: &mut aerie_config::Config, _: &TestIssuer| {
        config.accounts.issuers[0].algorithms = vec![TokenAlgorithm::EdDSA];
    };
    let people = People::with(only).await;
    let claims = people.issuer.claims("ada", AUDIENCE);
    assert_eq!(people.reason(&people.issuer.mint("RS256", &claims).unwrap()).await, "TOKEN_ALGORITHM");
    assert!(people.who(&people.issuer.mint("EdDSA", &claims).unwrap()).await.is_ok());
}

#[tokio::test]
async fn tokens_that_could_be_read_in_two_ways_are_refused() {
    let people = People::start().await;
    let claims = people.issuer.claims("ada", AUDIENCE).to_string();
    let key = people.issuer.key_id("ES256");
    let mint = |header: &str, claims: &str| people.issuer.mint_with("ES256", header, claims).unwrap();
    let header = json!({ "alg": "ES256", "kid": key }).to_string();
    for wrong in [
        mint(&format!(r#"{{"alg":"none","alg":"ES256","kid":"{key}"}}"#), &claims),
        mint(&format!(r#"{{"alg":"ES256","kid":"{key}","kid":"{key}"}}"#), &claims),
        mint(&header, &claims.replacen('{', r#"{"sub":"ben","#, 1)),
        mint(&header, &claims.replacen('{', r#"{"exp":1,"#, 1)),
        mint(&header, &format!(r#"{{"pad":"{}"}}"#, "x".repeat(8000))),
        mint(&json!({ "alg": "ES256", "pad": "x".repeat(1100) }).to_string(), &claims),
        mint(&json!({ "alg": "ES256", "kid": key, "crit": ["exp"] }).to_string(), &claims),
        "not.a.token".to_owned(),
        "a.b".to_owned(),
        format!("{}x", "x.".repeat(2000)),
    ] {
        assert_eq!(people.reason(&wrong).await, "TOKEN_MALFORMED", "{wrong}");
    }
    assert_eq!(people.reason(&"x".repeat(9000)).await, "TOKEN_MALFORMED");
    let token = people.token("ada");
    let (one, other) = (format!("Bearer {token}"), format!("Bearer {}", people.token("ben")));
    for pair in [[&one, &one], [&one, &other]] {
        let headers = [("authorization", pair[0].as_str()), ("authorization", pair[1].as_str())];
        let headers = [&headers[..], &[("content-type", "application/json")]].concat();
        let answer = people.world.http("POST", COMPLETE, &headers, b"{}").await;
        assert_eq!(answer.status, 401);
        assert_eq!(answer.json()["details"][0]["debug"]["reason"], "CREDENTIAL_TWICE");
    }
    for unknown in ["Basic YWRhOnNlc2FtZQ==", "Digest x", &token, "Bearer", ""] {
        let headers = [("authorization", unknown), ("content-type", "application/json")];
        assert_eq!(people.world.http("POST", COMPLETE, &headers, b"{}").await.status, 401, "{unknown}");
    }
    let basic = format!("Basic {}", STANDARD.encode(format!("x:{token}")));
    let calendar = people.world.http("GET", "/calendar.ics", &[("authorization", &basic)], b"").await;
    assert_eq!(calendar.status, 401, "a token is no password");
}

#[tokio::test]
async fn names_of_keys_lead_nowhere() {
    let people = People::start().await;
    people.who(&people.token("ada")).await.unwrap();
    for name in ["../../etc/passwd", "http://127.0.0.1:1/", "' or 1=1 --", "/dev/null", "ec-1\u{0}", "EC-1"] {
        let header = json!({ "alg": "ES256", "kid": name }).to_string();
        let claims = people.issuer.claims("ada", AUDIENCE).to_string();
        let token = people.issuer.mint_with("ES256", &header, &claims).unwrap();
        assert_eq!(people.reason(&token).await, "TOKEN_KEY_UNKNOWN", "{name:?}");
    }
    assert_eq!(people.issuer.key_fetches(), 1, "whoever invents names does not make us ask");
    // Without a name there is a choice of one key for each algorithm here.
    let nameless = json!({ "alg": "ES256" }).to_string();
    let claims = people.issuer.claims("ada", AUDIENCE).to_string();
    assert!(people.who(&people.issuer.mint_with("ES256", &nameless, &claims).unwrap()).await.is_ok());
}

#[tokio::test]
async fn keys_rotate_and_are_asked_for_once_a_minute_at_most() {
    let people = People::start().await;
    let old = people.token("ada");
    let ada = people.who(&old).await.unwrap();
    people.issuer.rotate().unwrap();
    let new = people.token("ada");
    assert_eq!(people.reason(&new).await, "TOKEN_KEY_UNKNOWN", "asked a moment ago");
    people.pass(minutes(1));
    assert_eq!(people.who(&new).await, Ok(ada.clone()));
    assert_eq!(people.issuer.key_fetches(), 2);
    assert_eq!(people.reason(&old).await, "TOKEN_KEY_UNKNOWN", "the issuer has that key no longer");
    for _ in 0..20 {
        people.reason(&old).await;
    }
    assert_eq!(people.issuer.key_fetches(), 2);
    people.pass(minutes(1));
    people.reason(&old).await;
    assert_eq!(people.issuer.key_fetches(), 3);
}

#[tokio::test]
async fn old_keys_serve_while_the_issuer_is_down_and_are_dropped_when_it_withdraws_them() {
    let people = People::start().await;
    let token = people.token("ada");
    let ada = people.who(&token).await.unwrap();
    people.issuer.set_down(true);
    people.pass(minutes(20));
    assert_eq!(people.who(&token).await, Ok(ada.clone()), "old keys are better than none");
    assert_eq!(people.issuer.key_fetches(), 2);
    assert_eq!(people.who(&token).await, Ok(ada.clone()));
    assert_eq!(people.issuer.key_fetches(), 2, "it is not pressed");
    people.issuer.set_down(false);
    people.issuer.rotate().unwrap();
    people.pass(minutes(2));
    people.reason(&token).await;
    assert_eq!(people.issuer.key_fetches(), 3, "an old set is asked for again without a miss");
}

#[tokio::test]
async fn an_issuer_that_never_answered_is_not_the_callers_fault() {
    let people = People::start().await;
    people.issuer.set_down(true);
    let token = people.token("ada");
    let answer = people.call_with(&token, COMPLETE, &json!({})).await;
    assert_eq!((answer.status, answer.json()["code"].as_str()), (503, Some("unavailable")));
    assert!(!answer.headers.contains_key("www-authenticate"));
    people.issuer.set_down(false);
    assert_eq!(people.call_with(&token, COMPLETE, &json!({})).await.status, 503, "asked a moment ago");
    people.pass(Duration::from_secs(10));
    assert!(people.who(&token).await.is_ok());
}

#[tokio::test]
async fn issuers_do_not_vouch_for_each_others_people() {
    let other = TestIssuer::start().await.unwrap();
    let (url, keys) = (other.url().to_owned(), other.jwks_url());
    let people = People::with(|config, _| {
        let one = &config.accounts.issuers[0];
        let second = Issuer { issuer: url, jwks_url: keys, ..one.clone() };
        config.accounts.issuers.push(second);
    })
    .await;
    let ada = people.who(&people.token("ada")).await.unwrap();
    let namesake = people.who(&other.mint("ES256", &other.claims("ada", AUDIENCE)).unwrap()).await.unwrap();
    assert_ne!(ada, namesake, "the same subject of two issuers is two people");
    let stolen = other.mint("ES256", &people.issuer.claims("ada", AUDIENCE)).unwrap();
    assert_eq!(people.reason(&stolen).await, "TOKEN_SIGNATURE_WRONG", "its key has the same name");
    let stranger = TestIssuer::start().await.unwrap();
    let token = stranger.mint("ES256", &stranger.claims("ada", AUDIENCE)).unwrap();
    assert_eq!(people.reason(&token).await, "TOKEN_ISSUER_UNKNOWN");
    assert_eq!(stranger.key_fetches(), 0, "nobody asks an issuer that is not configured");
}
