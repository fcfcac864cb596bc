use std::{sync::atomic::Ordering, time::Duration};

use serde_json::json;
use tokio::{io::AsyncReadExt, net::TcpStream, time::timeout};

use crate::{
    fake::FLOOD_EVENT_BYTES,
    world::{SUBSCRIBE, World, read_until},
};

fn query(request: &serde_json::Value) -> String {
    let encoded: String = url::form_urlencoded::byte_serialize(request.to_string().as_bytes()).collect();
    format!("{SUBSCRIBE}?message={encoded}")
}

async fn open(world: &World, request: serde_json::Value, headers: &[(&str, &str)]) -> TcpStream {
    let host = world.address.to_string();
    let mut all = vec![("host", host.as_str()), ("accept", "text/event-stream")];
    all.extend_from_slice(headers);
    world.open("GET", &query(&request), &all).await
}

#[tokio::test]
async fn events_carry_their_sequence_as_id() {
    let world = World::start().await;
    let mut stream = open(&world, json!({"afterSequence": "40"}), &[]).await;
    let text = read_until(&mut stream, |text| text.contains("id: 43")).await;
    assert!(text.starts_with("HTTP/1.1 200") && text.contains("content-type: text/event-stream"), "{text}");
    assert!(text.contains("retry: 2000") && text.contains("id: 41\ndata: {\"sequence\":\"41\""), "{text}");
    assert!(text.contains("cache-control: no-store"), "{text}");
}

#[tokio::test]
async fn last_event_id_continues_where_the_browser_was() {
    let world = World::start().await;
    let mut stream = open(&world, json!({"afterSequence": "40"}), &[("last-event-id", "99")]).await;
    let text = read_until(&mut stream, |text| text.contains("id: 102")).await;
    assert!(text.contains("id: 100\n") && !text.contains("id: 41\n"), "{text}");
    let host = world.address.to_string();
    for wrong in ["abc", "1; drop", "99999999999999999999999"] {
        let headers = [("host", host.as_str()), ("accept", "text/event-stream"), ("last-event-id", wrong)];
        let answer = world.exactly("GET", SUBSCRIBE, &headers, b"").await;
        assert_eq!(answer.status, 400, "{wrong}");
    }
    let headers = [("host", host.as_str()), ("accept", "text/event-stream"), ("content-type", "application/json")];
    let mut posted = world.open("POST", SUBSCRIBE, &[&headers[..], &[("content-length", "22")]].concat()).await;
    tokio::io::AsyncWriteExt::write_all(&mut posted, br#"{"afterSequence": "6"}"#).await.unwrap();
    read_until(&mut posted, |text| text.contains("id: 7\n")).await;
}

#[tokio::test]
async fn a_quiet_stream_has_heartbeats() {
    let world = World::with(|config| config.server.heartbeat_seconds = 1).await;
    let mut stream = open(&world, json!({}), &[]).await;
    let text = read_until(&mut stream, |text| text.matches(": still here\n\n").count() == 2).await;
    assert!(text.find("id: 3").unwrap() < text.find(": still here").unwrap(), "{text}");
}

#[tokio::test]
async fn failures_are_typed_events_and_ends_are_said() {
    let world = World::start().await;
    let host = world.address.to_string();
    let headers = [("host", host.as_str()), ("accept", "text/event-stream")];
    let failed = world.exactly("GET", &query(&json!({"kinds": ["fail"]})), &headers, b"").await.text();
    let data = failed.split("event: error\ndata: ").nth(1).unwrap().trim();
    let error: serde_json::Value = serde_json::from_str(data).unwrap();
    assert_eq!(error["code"], "failed_precondition");
    assert_eq!(error["details"][0]["debug"]["reason"], "AS_ASKED");
    let ended = world.exactly("GET", &query(&json!({"kinds": ["end"]})), &headers, b"").await.text();
    assert!(ended.ends_with("event: end\ndata: {}\n\n"), "{ended}");
    let rejected = world.exactly("GET", &query(&json!({"kinds": ["reject"]})), &headers, b"").await;
    assert_eq!((rejected.status, rejected.json()["code"].as_str()), (404, Some("not_found")));
    let malformed = world.exactly("GET", &format!("{SUBSCRIBE}?message=%7Bx"), &headers, b"").await;
    assert_eq!(malformed.status, 400);
}

#[tokio::test]
async fn stopping_ends_streams_so_that_browsers_come_back() {
    let world = World::start().await;
    let mut stream = open(&world, json!({}), &[]).await;
    read_until(&mut stream, |text| text.contains("id: 3")).await;
    world.lifecycle.stop();
    let text = read_until(&mut stream, |text| text.contains("event: error") && text.contains("SERVER_STOPPING")).await;
    assert!(text.contains("unavailable"), "{text}");
    assert_eq!(world.lifecycle.drain(Duration::from_secs(10)).await, aerie_telemetry::Drained::Finished);
}

#[tokio::test]
async fn a_client_that_does_not_read_costs_little_and_is_cut_off() {
    let world = World::with(|config| config.server.stall_timeout_seconds = 1).await;
    let mut stream = open(&world, json!({"kinds": ["flood"]}), &[]).await;
    let produced = || world.events.produced.load(Ordering::SeqCst);
    // The stream stands still as soon as the system's buffers are full, until the connection is cut.
    let mut last = 0;
    loop {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let now = produced();
        if now > 0 && now == last {
            break;
        }
        last = now;
    }
    let bytes = last as usize * FLOOD_EVENT_BYTES;
    assert!(bytes < 64 << 20, "{last} events of {FLOOD_EVENT_BYTES} bytes were made for a client that reads nothing");
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let drained = async {
        let mut buffer = vec![0; 1 << 20];
        loop {
            match stream.read(&mut buffer).await {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
        }
    };
    timeout(Duration::from_secs(20), drained).await.expect("the connection was not cut");
    assert!(produced() <= last + 2, "events were made after the cut");
}
