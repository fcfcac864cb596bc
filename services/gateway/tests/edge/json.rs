use aerie_rpc::ErrorCode;
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use prost::Message;
use serde_json::json;
use tokio::io::AsyncReadExt;

use crate::world::{COMPLETE, SUBSCRIBE, World};

#[tokio::test]
async fn unary_calls_work_in_json() {
    let world = World::start().await;
    let answer = world.call(COMPLETE, &json!({"prompt": "grüß dich"})).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers["content-type"], "application/json");
    assert_eq!(answer.json(), json!({"text": "grüß dich", "trail": {"backend": "fake"}}));
    let empty = world.http("POST", COMPLETE, &[("content-type", "application/json; charset=utf-8")], b"").await;
    assert_eq!((empty.status, empty.json()), (200, json!({"trail": {"backend": "fake"}})));
}

#[tokio::test]
async fn every_error_code_has_its_http_status_and_details() {
    let world = World::start().await;
    for code in ErrorCode::ALL {
        let answer = world.call(COMPLETE, &json!({"prompt": format!("code:{}", code.name())})).await;
        assert_eq!(answer.status, code.http().as_u16(), "{code:?}");
        let error = answer.json();
        assert_eq!(error["code"], code.name());
        assert_eq!(error["message"], format!("failed with {}", code.name()));
        let details = error["details"].as_array().unwrap();
        let find = |name: &str| details.iter().find(|detail| detail["type"] == name).unwrap();
        let info = find("google.rpc.ErrorInfo");
        assert_eq!(info["debug"]["reason"], "AS_ASKED");
        assert_eq!(info["debug"]["metadata"]["answer"], "42");
        let bytes = STANDARD_NO_PAD.decode(info["value"].as_str().unwrap()).unwrap();
        assert_eq!(tonic_types::pb::ErrorInfo::decode(bytes.as_slice()).unwrap().domain, "aerie");
        assert_eq!(find("google.rpc.BadRequest")["debug"]["fieldViolations"][0]["field"], "prompt");
    }
}

#[tokio::test]
async fn malformed_requests_say_what_is_wrong() {
    let world = World::start().await;
    for (body, hint) in [
        (r#"{"prompt": "#, "EOF"),
        (r#"{"promt": "x"}"#, "promt"),
        (r#"{"prompt": 7}"#, "string"),
        (r#"{"prompt": "a"} trailing"#, "trailing"),
        ("\u{0}", "CompleteRequest"),
    ] {
        let answer = world.http("POST", COMPLETE, &[("content-type", "application/json")], body.as_bytes()).await;
        assert_eq!((answer.status, answer.json()["code"].as_str()), (400, Some("invalid_argument")), "{body}");
        assert!(answer.json()["message"].as_str().unwrap().contains(hint), "{}", answer.text());
    }
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    let answer = world.http("POST", COMPLETE, &[("content-type", "application/json")], deep.as_bytes()).await;
    assert_eq!(answer.status, 400);
}

#[tokio::test]
async fn wrong_forms_are_refused_with_the_right_one() {
    let world = World::start().await;
    let plain = world.http("POST", COMPLETE, &[("content-type", "text/plain")], b"{}").await;
    assert_eq!(plain.status, 415);
    assert!(plain.text().contains("application/json"));
    let get = world.http("GET", COMPLETE, &[], b"").await;
    assert_eq!((get.status, get.headers["allow"].as_str()), (405, "POST"));
    let stream = world.call(SUBSCRIBE, &json!({})).await;
    assert_eq!(stream.status, 415);
    assert!(stream.text().contains("text/event-stream"));
    for path in ["/nothing", "/aerie.llm.v1.LlmService/Nothing", "/aerie.llm.v1.LlmService", "/../etc/passwd", "/a/b/c"]
    {
        let answer = world.call(path, &json!({})).await;
        assert_eq!((answer.status, answer.json()["code"].as_str()), (404, Some("not_found")), "{path}");
    }
}

#[tokio::test]
async fn nobody_outside_can_say_to_be_somebody() {
    let world = World::start().await;
    let headers = [("content-type", "application/json"), ("x-aerie-person", "mallory")];
    let answer = world.http("POST", COMPLETE, &headers, br#"{"prompt": "who"}"#).await;
    assert_eq!(answer.json()["text"], "ada");
}

#[tokio::test]
async fn the_callers_time_limit_is_kept() {
    let world = World::start().await;
    let headers = [("content-type", "application/json"), ("connect-timeout-ms", "50")];
    let answer = world.http("POST", COMPLETE, &headers, br#"{"prompt": "wait"}"#).await;
    assert_eq!((answer.status, answer.json()["code"].as_str()), (504, Some("deadline_exceeded")));
}

#[tokio::test]
async fn oversize_and_slow_requests_are_ended() {
    let world = World::with(|config| {
        config.limits.message_bytes = 4096;
        config.server.body_timeout_seconds = 1;
    })
    .await;
    let answer = world.call(COMPLETE, &json!({"prompt": "x".repeat(5000)})).await;
    assert_eq!((answer.status, answer.json()["code"].as_str()), (413, Some("resource_exhausted")));
    assert_eq!(world.call(COMPLETE, &json!({"prompt": "size:5000"})).await.json()["code"], "out_of_range");

    let host = world.address.to_string();
    let headers = [("host", host.as_str()), ("content-type", "application/json"), ("content-length", "100")];
    let mut slow = world.open("POST", COMPLETE, &headers).await;
    let mut text = String::new();
    slow.read_to_string(&mut text).await.unwrap();
    assert!(text.starts_with("HTTP/1.1 408") && text.contains("REQUEST_TOO_SLOW"), "{text}");
}

#[tokio::test]
async fn health_and_unserved_calls_of_a_known_package_work_in_json() {
    let world = World::start().await;
    let answer = world.call("/grpc.health.v1.Health/Check", &json!({"service": "nobody"})).await;
    assert_eq!(answer.status, 404);
    let answer = world.call("/aerie.pipeline.v1.JobsService/ListJobs", &json!({})).await;
    assert_eq!((answer.status, answer.json()["code"].as_str()), (501, Some("unimplemented")));
}
