//! OpenAI's clients at `/v1/`.

use crate::world::World;

#[tokio::test]
async fn requests_reach_the_router_as_the_signed_in_person_and_without_foreign_headers() {
    let world = World::start().await;
    let headers = [
        ("content-type", "application/json"),
        ("authorization", "Bearer sk-anything"),
        ("x-aerie-person", "mallory"),
        ("sec-fetch-site", "same-origin"),
    ];
    let answer = world.http("POST", "/v1/chat/completions", &headers, b"{}").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let seen = answer.json();
    assert_eq!((seen["path"].as_str(), seen["person"].as_str()), (Some("/v1/chat/completions"), Some("ada")));
    assert_eq!(seen["bytes"], 2);
    for gone in ["authorization", "sec-fetch-site"] {
        assert!(!seen["headers"].as_array().unwrap().iter().any(|name| name == gone), "{gone}: {seen}");
    }
}

#[tokio::test]
async fn the_guard_stands_before_the_router() {
    let world = World::start().await;
    let headers = [("content-type", "application/json"), ("origin", "http://evil.example")];
    let answer = world.http("POST", "/v1/chat/completions", &headers, b"{}").await;
    assert_eq!(answer.status, 403, "{}", answer.text());
    let strange = world.exactly("GET", "/v1/models", &[("host", "evil.example")], b"").await;
    assert_eq!(strange.status, 403);
}

#[tokio::test]
async fn a_router_that_cannot_be_reached_is_an_error_in_openais_form() {
    let world = World::start().await;
    let answer = world.http("GET", "/v1/unreachable", &[], b"").await;
    assert_eq!(answer.status, 503, "{}", answer.text());
    assert_eq!(answer.json()["error"]["type"], "server_error");
}

#[tokio::test]
async fn calls_beyond_the_rate_are_refused_in_openais_form_with_the_time_to_wait() {
    let world = World::with(|config| config.limits.requests_per_second = 1).await;
    let mut last = world.http("GET", "/v1/models", &[], b"").await;
    for _ in 0..5 {
        last = world.http("GET", "/v1/models", &[], b"").await;
    }
    assert_eq!(last.status, 429, "{}", last.text());
    assert_eq!(last.json()["error"]["type"], "rate_limit_error");
    assert_eq!(last.headers["retry-after"], "1");
}
