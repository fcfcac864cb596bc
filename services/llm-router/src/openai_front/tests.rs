#![allow(clippy::unwrap_used, clippy::panic)]

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Waker},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use http_body_util::Full;
use serde_json::{Value, json};

use super::*;
use crate::{
    answer::{Completion, FinishReason, Piece, ToolCallPiece, Usage},
    call::Priority,
    chat::{ImageSource, MediaType, OutputFormat, Part, Role, ToolCall, ToolChoice},
    fault::{Fault, FaultKind},
    testing::{Scripted, router},
};

struct Answered {
    status: u16,
    headers: HeaderMap,
    text: String,
}

impl Answered {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// The data of every event.
    fn events(&self) -> Vec<&str> {
        self.text.split("\n\n").filter_map(|event| event.strip_prefix("data: ")).collect()
    }

    fn chunks(&self) -> Vec<Value> {
        self.events().into_iter().filter_map(|data| serde_json::from_str(data).ok()).collect()
    }
}

async fn ask(front: &OpenAiFront, method: &str, path: &str, body: &Value) -> Answered {
    let request = Request::builder().method(method).uri(path).header("content-type", "application/json");
    let request = request.body(Full::new(Bytes::from(body.to_string()))).unwrap();
    answered(front.answer(request).await).await
}

async fn answered(response: Response<FrontBody>) -> Answered {
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    Answered { status: parts.status.as_u16(), headers: parts.headers, text: String::from_utf8(bytes.to_vec()).unwrap() }
}

fn front(backends: &[(&str, &Arc<Scripted>)]) -> OpenAiFront {
    OpenAiFront::new(router(backends), FrontLimits::default())
}

fn hello() -> Value {
    json!({"model": "", "messages": [{"role": "user", "content": "hello"}]})
}

async fn chat(front: &OpenAiFront, body: &Value) -> Answered {
    ask(front, "POST", "/v1/chat/completions", body).await
}

#[tokio::test]
async fn a_whole_answer_has_openais_form_and_says_how_it_came_about() {
    let usage = Usage { input_tokens: 7, output_tokens: 3, cached_input_tokens: 2, reasoning_tokens: 1 };
    let call = |id: &str, arguments: &str| ToolCall { id: id.into(), name: "look".into(), arguments: arguments.into() };
    let completion = Completion {
        id: "id-1".into(),
        model: "said".into(),
        content: "grüß \"dich\"".into(),
        reasoning: "hm".into(),
        tool_calls: vec![call("c1", "{\"a\":1}"), call("c2", "")],
        finish: FinishReason::ToolCalls,
        usage: Some(usage),
    };
    let broken = Scripted::fails(FaultKind::Unavailable);
    let well = Scripted::says("");
    *well.completion.lock().unwrap() = Some(Ok(completion));
    let answer = chat(&front(&[("broken", &broken), ("well", &well)]), &hello()).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let body = answer.json();
    assert_eq!(body["object"], "chat.completion");
    assert_eq!((&body["id"], &body["model"]), (&json!("id-1"), &json!("said")));
    let choice = &body["choices"][0];
    assert_eq!(choice["finish_reason"], "tool_calls");
    assert_eq!(choice["message"]["content"], "grüß \"dich\"");
    assert_eq!(choice["message"]["reasoning_content"], "hm");
    let written = |id: &str, arguments: &str| {
        let function = json!({"name": "look", "arguments": arguments});
        json!({"id": id, "type": "function", "function": function})
    };
    assert_eq!(choice["message"]["tool_calls"], json!([written("c1", "{\"a\":1}"), written("c2", "{}")]));
    assert_eq!(body["usage"]["total_tokens"], 10);
    assert_eq!(body["usage"]["prompt_tokens_details"]["cached_tokens"], 2);
    assert_eq!(answer.headers["x-aerie-backend"], "well");
    let tries = answer.headers["x-aerie-attempts"].to_str().unwrap();
    assert!(tries.starts_with("broken;unavailable;") && tries.contains(", well;ok;"), "{tries}");
}

#[tokio::test]
async fn every_field_of_a_request_reaches_the_backend() {
    let backend = Scripted::says("{}");
    let png = STANDARD.encode(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR");
    let body = json!({
        "model": "a",
        "messages": [
            {"role": "developer", "content": "be short"},
            {"role": "user", "content": [
                {"type": "text", "text": "what is \u{e9}\n this?"},
                {"type": "image_url", "image_url": {"url": format!("data:image/jpeg;base64,{png}"), "detail": "low"}},
                {"type": "image_url", "image_url": {"url": "https://example.org/b.png"}}
            ]},
            {"role": "assistant", "content": null, "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
            ]},
            {"role": "tool", "tool_call_id": "c1", "content": [{"type": "text", "text": "seen"}]}
        ],
        "tools": [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}, "strict": true}}],
        "tool_choice": {"type": "function", "function": {"name": "look"}},
        "parallel_tool_calls": false,
        "response_format": {"type": "json_object"},
        "temperature": 0.5, "top_p": 0.9, "max_tokens": 5, "max_completion_tokens": 6, "stop": "end", "seed": 3,
        "frequency_penalty": 1.0, "presence_penalty": -1.0, "reasoning_effort": "low", "n": 1, "user": "x"
    });
    let answer = chat(&front(&[("a", &backend)]), &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let (asked, hop) = backend.last();
    assert_eq!(hop.model, "a-model");
    let roles: Vec<Role> = asked.messages.iter().map(|message| message.role).collect();
    assert_eq!(roles, [Role::System, Role::User, Role::Assistant, Role::Tool]);
    assert!(matches!(&asked.messages[1].parts[0], Part::Text(text) if text == "what is \u{e9}\n this?"));
    let images: Vec<_> = asked.images().collect();
    assert!(
        matches!(&images[0].source, ImageSource::Base64 { media_type: MediaType::Png, data } if data == png.as_bytes())
    );
    assert_eq!(images[0].detail.as_deref(), Some("low"));
    assert!(matches!(&images[1].source, ImageSource::Url(url) if url == "https://example.org/b.png"));
    assert!(matches!(&asked.messages[2].parts[0], Part::ToolCall(call) if call.name == "look"));
    assert!(matches!(&asked.messages[3].parts[0], Part::ToolResult { text, .. } if text == "seen"));
    assert_eq!(asked.tools[0].parameters.as_ref().unwrap().json(), "{\"type\":\"object\"}");
    assert_eq!(asked.tool_choice, ToolChoice::Function("look".into()));
    assert_eq!(asked.parallel_tool_calls, Some(false));
    assert!(matches!(asked.output, OutputFormat::JsonObject));
    let drawn = &asked.sampling;
    assert_eq!(
        (drawn.temperature, drawn.top_p, drawn.max_tokens, drawn.seed),
        (Some(0.5), Some(0.9), Some(6), Some(3))
    );
    assert_eq!(drawn.stop, ["end"]);
}

#[test]
fn a_picture_is_a_slice_of_the_request_and_not_a_copy() {
    let png = STANDARD.encode([b"\x89PNG\r\n\x1a\n".as_slice(), &[7; 3000]].concat());
    let text = json!({"messages": [{"role": "user", "content": [
        {"type": "image_url", "image_url": {"url": format!("data:image/png;base64,{png}")}}
    ]}]});
    let body = Bytes::from(text.to_string());
    let question = request::parse(&body).unwrap().question(&body).unwrap();
    let ImageSource::Base64 { data, .. } = &question.images().next().unwrap().source else { panic!("no picture") };
    assert!(body.as_ptr_range().contains(&data.as_ptr()), "copied");
}

#[tokio::test]
async fn mistakes_are_named_with_their_field() {
    let backend = Scripted::says("ok");
    let front = front(&[("a", &backend)]);
    let with = |name: &str, value: Value| {
        let mut body = hello();
        body[name] = value;
        body
    };
    for (body, param, code) in [
        (json!({"messages": []}), "messages", Value::Null),
        (with("n", json!(2)), "n", Value::Null),
        (with("temperature", json!(3)), "temperature", Value::Null),
        (with("tool_choice", json!("perhaps")), "tool_choice", Value::Null),
        (with("reasoning_effort", json!("most")), "reasoning_effort", Value::Null),
        (with("response_format", json!({"type": "xml"})), "response_format.type", Value::Null),
        (with("functions", json!([])), "functions", Value::Null),
        (json!({"messages": [{"role": "king", "content": "x"}]}), "messages[0].role", Value::Null),
        (json!({"messages": [{"role": "tool", "content": "x"}]}), "messages[0].tool_call_id", Value::Null),
        (
            json!({"messages": [{"role": "user", "content": [{"type": "input_audio"}]}]}),
            "messages[0].content[0]",
            Value::Null,
        ),
        (
            json!({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]}]}),
            "messages[0].content[0].image_url.url",
            json!("invalid_image"),
        ),
        (with("aerie", json!({"backends": ["b"]})), "aerie.backends", Value::Null),
    ] {
        let answer = chat(&front, &body).await;
        assert_eq!(answer.status, 400, "{body}: {}", answer.text);
        let error = &answer.json()["error"];
        assert_eq!((&error["type"], &error["param"]), (&json!("invalid_request_error"), &json!(param)), "{error}");
        assert_eq!(error["code"], code, "{error}");
    }
    assert!(backend.asked.lock().unwrap().is_empty());
    let unreadable = chat(&front, &json!("text")).await;
    assert_eq!((unreadable.status, &unreadable.json()["error"]["param"]), (400, &Value::Null));
}

#[tokio::test]
async fn a_model_may_be_a_chain_a_backend_or_a_backends_model() {
    let (a, b) = (Scripted::says("from a"), Scripted::says("from b"));
    let front = front(&[("a", &a), ("b", &b)]);
    for (model, text, asked) in [
        ("", "from a", "a-model"),
        ("auto", "from a", "a-model"),
        ("chain:default", "from a", "a-model"),
        ("chain:research", "from b", "b-model"),
        ("research", "from b", "b-model"),
        ("b", "from b", "b-model"),
        ("b-model", "from b", "b-model"),
        ("b/other", "from b", "other"),
    ] {
        let mut body = hello();
        body["model"] = json!(model);
        let answer = chat(&front, &body).await;
        assert_eq!(answer.status, 200, "{model}: {}", answer.text);
        assert_eq!(answer.json()["choices"][0]["message"]["content"], text, "{model}");
        let backend = if text == "from a" { &a } else { &b };
        assert_eq!(backend.last().1.model, asked, "{model}");
    }
    let mut body = hello();
    body["model"] = json!("gpt-unknown");
    let answer = chat(&front, &body).await;
    let error = &answer.json()["error"];
    assert_eq!((answer.status, &error["code"]), (404, &json!("model_not_found")));
    assert!(error["message"].as_str().unwrap().contains("chain:research"), "{error}");
}

#[tokio::test]
async fn errors_have_their_status_type_and_tries() {
    for (kind, status, code) in [
        (FaultKind::Caller, 400, "invalid_request"),
        (FaultKind::ContextTooLong, 400, "context_length_exceeded"),
        (FaultKind::ContentPolicy, 400, "content_filter"),
        (FaultKind::Overloaded, 429, "rate_limit_exceeded"),
        (FaultKind::Unavailable, 503, "unavailable"),
        (FaultKind::Connect, 503, "unavailable"),
    ] {
        let backend = Scripted::fails(kind);
        for stream in [false, true] {
            let mut body = hello();
            body["stream"] = json!(stream);
            let answer = chat(&front(&[("a", &backend)]), &body).await;
            let error = &answer.json()["error"];
            assert_eq!((answer.status, error["code"].as_str()), (status, Some(code)), "{kind}: {error}");
            assert_eq!(error["aerie"]["attempts"][0]["backend"], "a");
            assert_eq!(answer.headers["content-type"], "application/json");
        }
    }
}

#[tokio::test]
async fn the_time_to_wait_is_a_header_in_whole_seconds() {
    let error = crate::call::CallError {
        kind: crate::call::CallErrorKind::Exhausted,
        message: "busy".into(),
        trail: Box::default(),
        usage: None,
        retry_after: Some(Duration::from_millis(20_500)),
    };
    let answer = answered(error::response(&error)).await;
    assert_eq!((answer.status, &answer.headers["retry-after"]), (429, &HeaderValue::from_static("21")));
}

fn whole_stream() -> Vec<Result<Piece, Fault>> {
    let part = |id: Option<&str>, arguments: &str| ToolCallPiece {
        index: 0,
        id: id.map(str::to_owned),
        name: id.map(|_| "look".to_owned()),
        arguments: arguments.to_owned(),
    };
    vec![
        Ok(Piece::KeepAlive),
        Ok(Piece::Started { id: "id-1".into(), model: "said".into() }),
        Ok(Piece::Reasoning("hm".into())),
        Ok(Piece::Content("a\"b".into())),
        Ok(Piece::Content("c".into())),
        Ok(Piece::ToolCall(part(Some("c1"), ""))),
        Ok(Piece::ToolCall(part(None, "{}"))),
        Ok(Piece::Finish(FinishReason::ToolCalls)),
        Ok(Piece::Usage(Usage { input_tokens: 4, output_tokens: 2, ..Usage::default() })),
    ]
}

#[tokio::test]
async fn a_streamed_answer_begins_with_the_role_and_ends_with_done() {
    let backend = Scripted::streams(whole_stream());
    let mut body = hello();
    body["stream"] = json!(true);
    body["stream_options"] = json!({"include_usage": true});
    let answer = chat(&front(&[("a", &backend)]), &body).await;
    assert_eq!((answer.status, &answer.headers["content-type"]), (200, &HeaderValue::from_static("text/event-stream")));
    assert_eq!(answer.events().last(), Some(&"[DONE]"));
    let chunks = answer.chunks();
    assert!(
        chunks.iter().all(|chunk| chunk["object"] == "chat.completion.chunk" && chunk["model"] == "said"),
        "{chunks:?}"
    );
    assert_eq!(chunks[0]["choices"][0]["delta"], json!({"role": "assistant", "content": ""}));
    let deltas: Vec<&Value> =
        chunks.iter().filter_map(|chunk| chunk["choices"].get(0)).map(|choice| &choice["delta"]).collect();
    let joined = |name: &str| deltas.iter().filter_map(|delta| delta[name].as_str()).collect::<String>();
    assert_eq!((joined("content"), joined("reasoning_content")), ("a\"bc".to_owned(), "hm".to_owned()));
    let calls: Vec<&Value> = deltas.iter().filter_map(|delta| delta["tool_calls"].get(0)).collect();
    assert_eq!((&calls[0]["id"], &calls[0]["function"]["name"]), (&json!("c1"), &json!("look")));
    assert_eq!((calls[1].get("id"), &calls[1]["function"]["arguments"]), (None, &json!("{}")));
    let ends: Vec<&str> = chunks.iter().filter_map(|chunk| chunk["choices"][0]["finish_reason"].as_str()).collect();
    assert_eq!(ends, ["tool_calls"]);
    let last = chunks.last().unwrap();
    assert_eq!((&last["choices"], &last["usage"]["total_tokens"]), (&json!([]), &json!(6)));
    assert_eq!(last["aerie"]["backend"], "a");
}

#[tokio::test]
async fn tokens_come_only_when_asked_for() {
    let backend = Scripted::streams(whole_stream());
    let mut body = hello();
    body["stream"] = json!(true);
    let answer = chat(&front(&[("a", &backend)]), &body).await;
    assert!(answer.chunks().iter().all(|chunk| chunk.get("usage").is_none()), "{}", answer.text);
}

#[tokio::test]
async fn the_first_event_leaves_at_once_and_what_is_ready_then_as_one_frame() {
    let backend = Scripted::streams(whole_stream());
    let front = front(&[("a", &backend)]);
    let mut body = hello();
    body["stream"] = json!(true);
    let request = Request::post("/v1/chat/completions").header("content-type", "application/json");
    let request = request.body(Full::new(Bytes::from(body.to_string()))).unwrap();
    let mut frames = front.answer(request).await.into_body();
    let first = frames.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(first.windows(6).filter(|text| *text == b"data: ").count(), 1, "{first:?}");
    let next = Pin::new(&mut frames).poll_frame(&mut Context::from_waker(Waker::noop()));
    assert!(next.is_pending(), "the connection sends what it has when there seems to be no more");
    let rest = frames.frame().await.unwrap().unwrap().into_data().unwrap();
    assert!(rest.ends_with(b"data: [DONE]\n\n"), "{rest:?}");
    assert!(frames.frame().await.is_none() && frames.is_end_stream());
}

#[tokio::test(start_paused = true)]
async fn signs_of_life_reach_the_caller_while_the_first_token_is_late_and_between_tokens() {
    let mut pieces = vec![Ok(Piece::KeepAlive); 8];
    pieces.extend([Ok(Piece::Content("a".into())), Ok(Piece::KeepAlive), Ok(Piece::Content("b".into()))]);
    pieces.push(Ok(Piece::Finish(FinishReason::Stop)));
    let backend = Scripted::streams(pieces);
    *backend.pause.lock().unwrap() = Duration::from_secs(1);
    let mut body = hello();
    body["stream"] = json!(true);
    let answer = chat(&front(&[("a", &backend)]), &body).await;
    let (before, after) = answer.text.split_once("\"content\":\"a\"").unwrap();
    assert!(before.contains(": keep-alive\n\n"), "{before}");
    assert!(after.starts_with('}') && after.contains(": keep-alive\n\n"), "{after}");
}

#[tokio::test]
async fn a_broken_stream_ends_with_a_typed_error_and_never_with_done() {
    let mut pieces = whole_stream();
    pieces.truncate(5);
    pieces.push(Err(Fault::new(FaultKind::Incomplete, "cut")));
    let backend = Scripted::streams(pieces);
    let mut body = hello();
    body["stream"] = json!(true);
    let answer = chat(&front(&[("a", &backend)]), &body).await;
    assert_eq!(answer.status, 200);
    assert!(!answer.text.contains("[DONE]"), "{}", answer.text);
    let last = answer.chunks().pop().unwrap();
    assert_eq!((&last["error"]["type"], &last["error"]["code"]), (&json!("incomplete"), &json!("incomplete")));
    assert_eq!(last["error"]["aerie"]["attempts"][0]["fault"], "incomplete");
    let used = &last["error"]["aerie"]["partial_usage"]["completion_tokens"];
    assert!(used.as_u64().unwrap() > 0, "{last}");
    assert!(answer.chunks().iter().all(|chunk| chunk["choices"][0]["finish_reason"].is_null()));
}

#[tokio::test]
async fn a_schema_is_held_to_whatever_the_backend_claims() {
    let schema = json!({"type": "object", "required": ["a"], "properties": {"a": {"type": "integer"}}});
    let mut body = hello();
    body["response_format"] = json!({"type": "json_schema", "json_schema": {"name": "x", "schema": schema}});
    let well = Scripted::says("{\"a\": 1}");
    let answer = chat(&front(&[("a", &well)]), &body).await;
    assert_eq!(answer.json()["choices"][0]["message"]["content"], "{\"a\": 1}", "{}", answer.text);
    assert!(matches!(well.last().0.output, OutputFormat::Schema { .. }));
}

#[tokio::test]
async fn vectors_come_as_numbers_or_as_base64() {
    let backend = Scripted::says("");
    let front = front(&[("a", &backend)]);
    let answer = ask(&front, "POST", "/v1/embeddings", &json!({"model": "a", "input": ["x", "yy"]})).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let body = answer.json();
    assert_eq!((&body["object"], &body["model"]), (&json!("list"), &json!("vectors")));
    assert_eq!(body["data"][1], json!({"object": "embedding", "index": 1, "embedding": [2.0, -0.5]}));
    let packed = json!({"input": "x", "encoding_format": "base64"});
    let answer = ask(&front, "POST", "/v1/embeddings", &packed).await;
    let bytes = STANDARD.decode(answer.json()["data"][0]["embedding"].as_str().unwrap()).unwrap();
    assert_eq!(bytes, [1.0f32.to_le_bytes(), (-0.5f32).to_le_bytes()].concat());
    for (body, field) in [
        (json!({"input": []}), "input"),
        (json!({"input": [1, 2]}), "input"),
        (json!({"input": "x", "dimensions": 0}), "dimensions"),
    ] {
        let answer = ask(&front, "POST", "/v1/embeddings", &body).await;
        assert_eq!((answer.status, &answer.json()["error"]["param"]), (400, &json!(field)), "{body}");
    }
}

#[tokio::test]
async fn models_are_chains_backends_and_their_models() {
    let backend = Scripted::says("");
    let front = front(&[("a", &backend)]);
    let listed = ask(&front, "GET", "/v1/models", &json!(null)).await.json();
    let ids: Vec<&str> = listed["data"].as_array().unwrap().iter().filter_map(|model| model["id"].as_str()).collect();
    assert_eq!(ids, ["chain:default", "chain:research", "a", "a/a-model", "a-model"]);
    assert_eq!(ask(&front, "GET", "/v1/models/a%2Fa-model", &json!(null)).await.json()["id"], "a/a-model");
    assert_eq!(ask(&front, "GET", "/v1/models/none", &json!(null)).await.status, 404);
}

#[tokio::test]
async fn wrong_addresses_forms_and_web_pages_are_refused() {
    let backend = Scripted::says("");
    let front = OpenAiFront::new(router(&[("a", &backend)]), FrontLimits { body_bytes: 100, ..FrontLimits::default() });
    assert_eq!(ask(&front, "GET", "/v1/chat/completions", &json!({})).await.status, 405);
    assert_eq!(ask(&front, "POST", "/v1/models", &json!({})).await.status, 405);
    assert_eq!(ask(&front, "POST", "/v1/audio", &json!({})).await.status, 404);
    assert_eq!(chat(&front, &json!({"messages": "x".repeat(200)})).await.status, 413);
    for (name, value, status) in [
        ("content-type", "text/plain", 415),
        ("origin", "http://evil.example", 403),
        ("sec-fetch-site", "same-origin", 403),
    ] {
        let request = Request::post("/v1/chat/completions").header(name, value);
        let request = request.body(Full::new(Bytes::from_static(b"{}"))).unwrap();
        assert_eq!(answered(front.answer(request).await).await.status, status, "{name}");
    }
    assert!(backend.asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn what_a_person_allows_and_how_to_ask_reach_the_call() {
    let directory = &router(&[("a", &Scripted::says("ok"))]).current().directory;
    let said = json!({
        "chain": "research",
        "backends": ["a"],
        "priority": "background",
        "local_only": true,
        "acknowledged": ["a"],
        "cache": true,
    });
    let mut call = Call::default();
    serde_json::from_value::<extension::Extension>(said).unwrap().apply(&mut call, directory).unwrap();
    assert_eq!((call.chain.as_str(), call.backends), ("research", vec!["a".to_owned()]));
    assert_eq!((call.priority, call.cache), (Priority::Background, true));
    assert_eq!((call.consent.local_only, call.consent.acknowledged), (true, Some(vec!["a".to_owned()])));
}

#[tokio::test]
async fn the_person_the_deadline_and_the_extension_reach_the_call() {
    let backend = Scripted::says("ok");
    let front = front(&[("a", &backend)]);
    let mut body = hello();
    body["aerie"] = json!({"backends": ["a"], "priority": "background", "timeout_ms": 1000});
    let before = Instant::now();
    assert_eq!(chat(&front, &body).await.status, 200);
    let deadline = backend.last().1.deadline;
    assert!(deadline > before && deadline <= Instant::now() + Duration::from_secs(1), "the deadline caps the try");
    body["aerie"] = json!({"colour": "red"});
    assert_eq!(chat(&front, &body).await.status, 400, "a word that means nothing is not passed over");

    let post = |name: &'static str, value: &'static str, body: Value| {
        let request = Request::post("/v1/chat/completions").header("content-type", "application/json");
        let request = request.header(name, value).body(Full::new(Bytes::from(body.to_string()))).unwrap();
        async { answered(front.answer(request).await).await }
    };
    let before = Instant::now();
    assert_eq!(post("grpc-timeout", "900m", hello()).await.status, 200);
    let deadline = backend.last().1.deadline;
    assert!(deadline > before && deadline <= Instant::now() + Duration::from_millis(900), "so does the header's");

    body["aerie"] = json!({"cache": true});
    for (person, is_cached) in [("anna", false), ("ben", false), ("anna", true)] {
        let answer = post(PERSON_HEADER, person, body.clone()).await;
        assert_eq!(answer.headers.contains_key("x-aerie-cached"), is_cached, "{person}");
    }
}
