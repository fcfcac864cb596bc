#![allow(clippy::unwrap_used)]

use std::time::Duration;

use aerie_testkit::llm::{LlmServer, Reply};
use futures::StreamExt;
use serde_json::json;

use super::*;
use crate::{
    answer::{FinishReason, Piece},
    chat::{Image, ImageSource, Message, Part, Role},
    transport::Tls,
};

fn backend(server: &LlmServer, key: &str) -> HttpBackend {
    let wire = crate::wire::of(aerie_config::BackendKind::OpenAiCompatible).unwrap();
    let base = format!("{}/v1", server.base_url());
    let transport = Transport::new(&base, &Tls::of_system()).unwrap();
    HttpBackend::new(wire, transport, Secret::new(key)).unwrap()
}

fn hop() -> Hop {
    Hop {
        model: "m".into(),
        key: None,
        connect: Duration::from_secs(5),
        headers: Duration::from_secs(5),
        deadline: Instant::now() + Duration::from_secs(10),
        person: String::new(),
        trace: HeaderMap::new(),
    }
}

fn question() -> ChatRequest {
    ChatRequest { messages: vec![Message::text(Role::User, "hi")], ..ChatRequest::default() }
}

async fn pieces(backend: &HttpBackend, hop: &Hop) -> Vec<Result<Piece, Fault>> {
    backend.stream(&question(), hop).await.unwrap().collect().await
}

#[tokio::test]
async fn a_whole_answer_comes_back_with_its_usage_and_the_key_goes_out() {
    let server = LlmServer::start().await.unwrap();
    server.on("/v1/chat/completions", Reply::chat("hello"));
    let backend = backend(&server, "configured");
    let answer = backend.complete(&question(), &hop()).await.unwrap();
    assert_eq!((answer.content.as_str(), answer.finish), ("hello", FinishReason::Stop));
    assert_eq!(answer.usage.unwrap().input_tokens, 7);
    let own = Hop { key: Some(Secret::new("own")), ..hop() };
    backend.complete(&question(), &own).await.unwrap();
    let received = server.received();
    let keys: Vec<&str> = received.iter().map(|request| request.header("authorization")).collect();
    assert_eq!(keys, ["Bearer configured", "Bearer own"]);
    assert!(backend.headers["authorization"].is_sensitive(), "it is not printed with the other headers");
    assert_eq!(received[0].json(), json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]}));
}

#[tokio::test]
async fn any_way_of_sending_a_stream_gives_the_same_pieces_and_keeps_the_connection() {
    let server = LlmServer::start().await.unwrap();
    for length in [1, 3, 17, 10_000] {
        server.on("/chat/completions", Reply::chat_stream(&["Hel", "lo", " <world>"]).split_every(length));
    }
    let backend = backend(&server, "");
    let first = pieces(&backend, &hop()).await;
    assert_eq!(first.len(), 6, "{first:?}");
    assert_eq!(first[1], Ok(Piece::Content("Hel".into())));
    assert_eq!(first[4], Ok(Piece::Finish(FinishReason::Stop)));
    for _ in 0..3 {
        assert_eq!(pieces(&backend, &hop()).await, first);
    }
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_cut_is_incomplete_after_content_and_malformed_before() {
    let server = LlmServer::start().await.unwrap();
    server.on("/completions", Reply::chat_beginning().chat_text("a").cut());
    server.on("/completions", Reply::chat_beginning().cut());
    server.on("/completions", Reply::sse("").bytes(""));
    server.on("/completions", Reply::chat_beginning().chat_text("a"));
    let backend = backend(&server, "");
    for expected in [FaultKind::Incomplete, FaultKind::Malformed, FaultKind::Malformed, FaultKind::Incomplete] {
        let pieces = pieces(&backend, &hop()).await;
        assert_eq!(pieces.last().unwrap().as_ref().unwrap_err().kind, expected, "{pieces:?}");
    }
}

#[tokio::test]
async fn one_bad_event_is_dropped_and_an_error_event_ends_the_answer() {
    let server = LlmServer::start().await.unwrap();
    let bad = Reply::chat_beginning().chat_text("a").bytes("data: {\"choices\":[{\"delta\":\n\n").chat_text("b");
    server.on("/completions", bad.chat_end());
    let error = "data: {\"error\":{\"message\":\"slow down, sk-abcdefghij\",\"code\":429}}\n\n";
    server.on("/completions", Reply::chat_beginning().bytes(error).chat_end());
    let backend = backend(&server, "");
    let seen = pieces(&backend, &hop()).await;
    assert!(seen.contains(&Ok(Piece::Dropped)) && seen.contains(&Ok(Piece::Content("b".into()))), "{seen:?}");
    assert!(seen.iter().all(Result::is_ok), "{seen:?}");
    let seen = pieces(&backend, &hop()).await;
    let fault = seen.last().unwrap().as_ref().unwrap_err();
    assert_eq!((fault.kind, fault.status), (FaultKind::Overloaded, Some(429)));
    assert!(fault.message.contains("[key]") && !fault.message.contains("sk-abc"), "{fault}");
}

#[tokio::test]
async fn a_server_that_answers_whole_although_a_stream_was_asked_for_is_understood() {
    let server = LlmServer::start().await.unwrap();
    server.on("/completions", Reply::chat("whole"));
    let seen = pieces(&backend(&server, ""), &hop()).await;
    assert_eq!(seen[1], Ok(Piece::Content("whole".into())));
    assert_eq!(seen[2], Ok(Piece::Finish(FinishReason::Stop)));
}

#[tokio::test]
async fn errors_carry_status_words_and_waiting_time_but_no_key() {
    let server = LlmServer::start().await.unwrap();
    let body = json!({"error": {"message": "slow down topsecret", "code": "rate_limit_exceeded"}});
    server.on("/completions", Reply::error(429, &body).header("retry-after", "7"));
    server.on("/completions", Reply::status(500).bytes("x".repeat(100_000)));
    server.on("/completions", Reply::json(&json!({"id": "1"})));
    server.on("/completions", Reply::status(200).bytes("{\"choices\": [{\"mess"));
    let backend = backend(&server, "topsecret");
    let mut faults = Vec::new();
    for _ in 0..4 {
        faults.push(backend.complete(&question(), &hop()).await.unwrap_err());
    }
    let kinds: Vec<FaultKind> = faults.iter().map(|fault| fault.kind).collect();
    use FaultKind::*;
    assert_eq!(kinds, [Overloaded, Unavailable, Malformed, Malformed]);
    assert_eq!(faults[0].retry_after, Some(Duration::from_secs(7)));
    assert_eq!(faults[0].message, "the server answered 429: slow down [key]");
    assert!(faults.iter().all(|fault| fault.message.len() < 700));
}

#[tokio::test]
async fn time_limits_say_which_one_passed() {
    let server = LlmServer::start().await.unwrap();
    server.on("/completions", Reply::silent());
    server.on("/completions", Reply::silent());
    server.on("/completions", Reply::chat_beginning().hang());
    let backend = backend(&server, "");
    let headers = Hop { headers: Duration::from_millis(20), ..hop() };
    let fault = backend.complete(&question(), &headers).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Timeout(Stage::Headers));
    let soon = |wait| Hop { deadline: Instant::now() + Duration::from_millis(wait), ..hop() };
    let fault = backend.complete(&question(), &soon(20)).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Timeout(Stage::Total));
    let seen = pieces(&backend, &soon(100)).await;
    assert_eq!(seen.last().unwrap().as_ref().unwrap_err().kind, FaultKind::Timeout(Stage::Total));
    server.wait_for_drops(3).await;
}

#[tokio::test]
async fn vectors_come_in_the_order_of_the_texts_and_are_counted() {
    let server = LlmServer::start().await.unwrap();
    let two = json!({"data": [{"index": 1, "embedding": [2.0, 3]}, {"index": 0, "embedding": [0.5, 1]}], "model": "e"});
    server.on("/v1/embeddings", Reply::json(&two));
    let backend = backend(&server, "");
    let request = |texts: usize, dimensions| EmbedRequest { inputs: vec!["t".into(); texts], dimensions };
    let vectors = backend.embed(&request(2, Some(2)), &hop()).await.unwrap().vectors;
    assert_eq!(vectors, [[0.5, 1.0], [2.0, 3.0]]);
    let kind = async |request| backend.embed(&request, &hop()).await.unwrap_err().kind;
    assert_eq!(kind(request(3, None)).await, FaultKind::Malformed);
    assert_eq!(kind(request(2, Some(3))).await, FaultKind::Unsupported);
}

#[tokio::test]
async fn models_are_listed() {
    let server = LlmServer::start().await.unwrap();
    server.on("/v1/models", Reply::json(&json!({"object": "list", "data": [{"id": "a"}, {"id": "b"}, {}]})));
    assert_eq!(backend(&server, "").models(&hop()).await.unwrap(), ["a", "b"]);
    assert_eq!(server.received()[0].method, "GET");
}

#[tokio::test]
async fn pictures_by_address_are_fetched_for_those_who_take_none_by_address() {
    let server = LlmServer::start().await.unwrap();
    server.on("/a.png", Reply::status(200).bytes(&b"\x89PNG\r\n\x1a\n"[..]));
    let answer = json!({"model": "m", "message": {"role": "assistant", "content": "a cat"}, "done": true});
    server.on("/api/chat", Reply::json(&answer));
    let tls = Tls::of_system();
    let guard = aerie_network::AddressGuard::new([server.address().to_string().as_str()]);
    let wire = crate::wire::of(aerie_config::BackendKind::Ollama).unwrap();
    let transport = Transport::new(&server.base_url(), &tls).unwrap();
    let backend = HttpBackend::new(wire, transport, Secret::default()).unwrap();
    let backend = backend.fetching_images(ImageFetcher::new(tls, guard));
    let source = ImageSource::Url(format!("{}/a.png", server.base_url()));
    let parts = vec![Part::Image(Image { source, detail: None })];
    let request = ChatRequest { messages: vec![Message { role: Role::User, parts }], ..ChatRequest::default() };
    assert_eq!(backend.complete(&request, &hop()).await.unwrap().content, "a cat");
    assert_eq!(server.received()[1].json()["messages"][0]["images"], json!(["iVBORw0KGgo="]));
    let other = ImageSource::Url("https://10.0.0.1/a.png".into());
    let parts = vec![Part::Image(Image { source: other, detail: None })];
    let request = ChatRequest { messages: vec![Message { role: Role::User, parts }], ..ChatRequest::default() };
    assert_eq!(backend.complete(&request, &hop()).await.unwrap_err().kind, FaultKind::Caller);
    assert_eq!(server.requests(), 2, "nothing was sent");

    server.on("/chat/completions", Reply::chat("a dog"));
    let guard = aerie_network::AddressGuard::new([server.address().to_string().as_str()]);
    let takes_addresses = self::backend(&server, "").fetching_images(ImageFetcher::new(Tls::of_system(), guard));
    let address = format!("{}/a.png", server.base_url());
    let parts = vec![Part::Image(Image { source: ImageSource::Url(address.clone()), detail: None })];
    let request = ChatRequest { messages: vec![Message { role: Role::User, parts }], ..ChatRequest::default() };
    assert_eq!(takes_addresses.complete(&request, &hop()).await.unwrap().content, "a dog");
    let sent = server.received().pop().unwrap().json();
    assert_eq!(sent["messages"][0]["content"][0]["image_url"]["url"], address);
    assert_eq!(server.requests(), 3, "nothing was fetched");
}

#[tokio::test]
async fn the_trace_goes_along_only_where_it_is_wanted() {
    let server = LlmServer::start().await.unwrap();
    server.on("/completions", Reply::chat("x"));
    let trace =
        HeaderMap::from_iter([(http::HeaderName::from_static("traceparent"), HeaderValue::from_static("00-1"))]);
    let hop = Hop { trace, ..hop() };
    backend(&server, "").complete(&question(), &hop).await.unwrap();
    backend(&server, "").forwarding_trace().complete(&question(), &hop).await.unwrap();
    let sent: Vec<String> = server.received().iter().map(|request| request.header("traceparent").to_owned()).collect();
    assert_eq!(sent, ["", "00-1"]);
}

#[tokio::test]
async fn an_answer_that_is_finished_ends_although_the_server_keeps_the_connection() {
    let server = LlmServer::start().await.unwrap();
    let finish = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
    server.on("/completions", Reply::chat_beginning().chat_text("a").bytes(finish).hang());
    let hour = Hop { deadline: Instant::now() + Duration::from_secs(3_600), ..hop() };
    let mut pieces = backend(&server, "").stream(&question(), &hour).await.unwrap();
    while pieces.next().await.unwrap().unwrap() != Piece::Finish(FinishReason::Stop) {}
    tokio::time::pause();
    let before = Instant::now();
    assert_eq!(pieces.next().await, None);
    assert!(before.elapsed() < Duration::from_secs(10), "{:?}", before.elapsed());
    server.wait_for_drops(1).await;
}
