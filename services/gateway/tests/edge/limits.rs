use std::time::Duration;

use aerie_proto::llm::v1::{CompleteRequest, llm_service_client::LlmServiceClient};
use aerie_rpc::{ErrorCode, RpcError};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::people::People;
use crate::world::{COMPLETE, SUBSCRIBE, World, read_until};

#[tokio::test]
async fn too_many_calls_per_second_are_told_when_to_come_back() {
    let world = World::with(|config| config.limits.requests_per_second = 1).await;
    for _ in 0..2 {
        assert_eq!(world.call(COMPLETE, &json!({})).await.status, 200);
    }
    let refused = world.call(COMPLETE, &json!({})).await;
    assert_eq!((refused.status, refused.headers["retry-after"].as_str()), (429, "1"));
    assert_eq!(refused.json()["code"], "resource_exhausted");
    let status = LlmServiceClient::new(world.backend()).complete(CompleteRequest::default()).await.unwrap_err();
    let error = RpcError::from(status);
    assert_eq!((error.code, error.reason.as_ref()), (ErrorCode::ResourceExhausted, "RATE_LIMITED"));
    assert!(error.retry_after.is_some_and(|wait| wait <= Duration::from_secs(1)));
    assert_eq!(world.http("GET", "/livez", &[], b"").await.status, 200, "probes are not calls");
}

#[tokio::test]
async fn open_streams_count_and_give_their_place_back() {
    let world = World::with(|config| config.limits.concurrency = 1).await;
    let host = world.address.to_string();
    let mut stream = world.open("GET", SUBSCRIBE, &[("host", &host), ("accept", "text/event-stream")]).await;
    read_until(&mut stream, |text| text.contains("id: 3")).await;
    let refused = world.call(COMPLETE, &json!({})).await;
    assert_eq!((refused.status, refused.headers["retry-after"].as_str()), (429, "1"));
    assert!(refused.text().contains("TOO_MANY_CALLS"));
    drop(stream);
    let mut tries = 0;
    while world.call(COMPLETE, &json!({})).await.status != 200 {
        tries += 1;
        assert!(tries < 500, "the place never came back");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn long_addresses_and_large_headers_are_refused() {
    let world = World::with(|config| {
        config.limits.uri_bytes = 1000;
        config.limits.header_bytes = 8192;
    })
    .await;
    let answer = world.http("GET", &format!("{SUBSCRIBE}?message={}", "x".repeat(2000)), &[], b"").await;
    assert_eq!(answer.status, 414);
    let answer = world.http("POST", COMPLETE, &[("x-large", &"x".repeat(20_000))], b"").await;
    assert_eq!(answer.status, 431);
    let many: Vec<(String, String)> = (0..200).map(|index| (format!("x-{index}"), "1".into())).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(world.http("POST", COMPLETE, &many, b"").await.status, 431);
}

#[tokio::test]
async fn a_client_that_never_finishes_its_headers_is_cut_off() {
    let world = World::with(|config| config.server.header_timeout_seconds = 1).await;
    let mut stream = tokio::net::TcpStream::connect(world.address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: ").await.unwrap();
    let mut rest = Vec::new();
    let cut = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut rest)).await;
    assert!(cut.is_ok(), "the connection is still open");
}

#[tokio::test]
async fn one_person_leaves_places_for_others() {
    let people = People::with(|config, _| {
        config.limits.person_concurrency = 2;
        config.limits.requests_per_second = 50;
    })
    .await;
    let (ada, ben) = (people.token("ada"), people.token("ben"));
    let host = people.world.address.to_string();
    let authorization = format!("Bearer {ada}");
    let headers = [("host", host.as_str()), ("accept", "text/event-stream"), ("authorization", &authorization)];
    let mut streams = Vec::new();
    for _ in 0..2 {
        let mut stream = people.world.open("GET", SUBSCRIBE, &headers).await;
        read_until(&mut stream, |text| text.contains("id: 3")).await;
        streams.push(stream);
    }
    let refused = people.call_with(&ada, COMPLETE, &json!({})).await;
    assert_eq!((refused.status, refused.headers["retry-after"].as_str()), (429, "1"));
    assert!(refused.text().contains("TOO_MANY_CALLS_OF_ONE"), "{}", refused.text());
    assert!(people.who(&ben).await.is_ok(), "others are not affected");
    drop(streams);
    let mut tries = 0;
    while people.who(&ada).await.is_err() {
        tries += 1;
        assert!(tries < 500, "the places never came back");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let mut refused = None;
    for _ in 0..120 {
        refused = people.who(&ada).await.err();
        if refused.is_some() {
            break;
        }
    }
    assert_eq!(refused, Some(429), "a burst of a hundred is over");
    assert!(people.who(&ben).await.is_ok(), "others are not affected");
}
