#![allow(clippy::unwrap_used, clippy::panic)]

use std::{sync::Arc, time::Duration};

use aerie_config::Loader;
use aerie_proto::llm::v1::{llm_service_client::LlmServiceClient, llm_service_server::LlmServiceServer};
use aerie_rpc::{Backend, ErrorCode, GrpcServerBuilder, ServerLimits};
use aerie_telemetry::Lifecycle;
use pb::stream_complete_response::Event;
use prost::Message;
use tonic::Code;

use super::*;
use crate::{
    answer::{Completion, FinishReason, Piece, Trail, Usage},
    call::{Answer, Priority},
    chat::{ImageSource, Part, Role},
    extract::Extraction,
    fault::{Fault, FaultKind},
    testing::{Scripted, router},
};

async fn client(backends: &[(&str, &Arc<Scripted>)]) -> LlmServiceClient<Backend> {
    let limits = Loader::new().environment([("AERIE_HOME", "/nowhere")]).load().unwrap().limits;
    let limits = RequestLimits {
        page_size_max: limits.page_size_max,
        page_size_default: limits.page_size_default,
        list_length: limits.list_length,
        string_length: limits.string_length,
    };
    let service = LlmServiceServer::new(LlmApi { router: router(backends), limits });
    let builder = GrpcServerBuilder::new(ServerLimits::default()).service(service);
    LlmServiceClient::new(builder.build(&Lifecycle::new()).await.unwrap().backend())
}

fn hello() -> pb::CompleteRequest {
    pb::CompleteRequest { prompt: "hello".into(), ..Default::default() }
}

fn failure(status: &Status) -> pb::CallFailure {
    let details = tonic_types::pb::Status::decode(status.details()).unwrap().details;
    let any = details.iter().find(|any| any.type_url.ends_with("aerie.llm.v1.CallFailure")).unwrap();
    pb::CallFailure::decode(any.value.as_slice()).unwrap()
}

#[tokio::test]
async fn an_answer_says_what_it_is_and_how_it_came_about() {
    let broken = Scripted::fails(FaultKind::Unavailable);
    let well = Scripted::says("");
    let usage = Some(Usage { input_tokens: 7, output_tokens: 3, ..Usage::default() });
    let completion = Completion { content: "hi".into(), finish: FinishReason::Length, usage, ..Completion::default() };
    *well.completion.lock().unwrap() = Some(Ok(completion));
    let request = pb::CompleteRequest { system: "be short".into(), ..hello() };
    let answer = client(&[("broken", &broken), ("well", &well)]).await.complete(request).await.unwrap().into_inner();
    assert_eq!((answer.text.as_str(), answer.finish_reason()), ("hi", pb::FinishReason::Length));
    assert_eq!(answer.usage.unwrap().input_tokens, 7);
    let trail = answer.trail.unwrap();
    assert_eq!((trail.backend.as_str(), trail.model.as_str()), ("well", "well-model"));
    let faults: Vec<&str> = trail.attempts.iter().map(|attempt| attempt.fault.as_str()).collect();
    assert_eq!(faults, ["unavailable", ""]);
    let (asked, _) = well.last();
    let roles: Vec<Role> = asked.messages.iter().map(|message| message.role).collect();
    assert_eq!(roles, [Role::System, Role::User]);
}

#[tokio::test]
async fn parts_and_pictures_reach_the_backend() {
    let backend = Scripted::says("ok");
    let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".as_slice();
    let part = |kind| pb::Part { kind: Some(kind) };
    let picture = |source| part(pb::part::Kind::Image(pb::Image { source: Some(source), detail: String::new() }));
    let message = pb::Message {
        role: pb::Role::User as i32,
        text: "look".into(),
        parts: vec![
            picture(pb::image::Source::Content(png.into())),
            picture(pb::image::Source::Url("https://example.org/x.png".into())),
        ],
    };
    let request = pb::CompleteRequest { messages: vec![message], ..Default::default() };
    client(&[("a", &backend)]).await.complete(request).await.unwrap();
    let (asked, _) = backend.last();
    assert!(matches!(&asked.messages[0].parts[0], Part::Text(text) if text == "look"));
    let sources: Vec<&ImageSource> = asked.images().map(|image| &image.source).collect();
    assert!(matches!(sources[0], ImageSource::Bytes { data, .. } if data == png), "{sources:?}");
    assert!(matches!(sources[1], ImageSource::Url(_)), "{sources:?}");
}

#[tokio::test]
async fn every_wrong_field_is_named() {
    let backend = Scripted::says("ok");
    let mut client = client(&[("a", &backend)]).await;
    let request = pb::CompleteRequest {
        chain: "x".repeat(300),
        messages: vec![pb::Message { parts: vec![pb::Part { kind: None }], ..Default::default() }],
        tools: vec![pb::Tool { parameters: "{".into(), ..Default::default() }],
        tool_choice: Some(pb::ToolChoice { mode: pb::ToolChoiceMode::Function as i32, function: String::new() }),
        output: Some(pb::OutputFormat { kind: pb::OutputKind::Schema as i32, ..Default::default() }),
        sampling: Some(pb::Sampling { temperature: Some(3.0), ..Default::default() }),
        ..Default::default()
    };
    let error = RpcError::from(client.complete(request).await.unwrap_err());
    assert_eq!(error.code, ErrorCode::InvalidArgument);
    let mut fields: Vec<&str> = error.fields.iter().map(|problem| problem.field.as_str()).collect();
    fields.sort_unstable();
    let expected = [
        "chain",
        "messages[0].parts[0]",
        "output.schema",
        "sampling.temperature",
        "tool_choice.function",
        "tools[0].name",
        "tools[0].parameters",
    ];
    assert_eq!(fields, expected);
    let nothing = client.complete(pb::CompleteRequest::default()).await.unwrap_err();
    assert_eq!(nothing.code(), Code::InvalidArgument);
    let routing = Some(pb::Routing { backends: vec!["b".into()], ..Default::default() });
    let unknown = client.complete(pb::CompleteRequest { routing, ..hello() }).await.unwrap_err();
    assert_eq!(RpcError::from(unknown).fields[0].field, "routing.backends");
    assert!(backend.asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn errors_carry_reason_tries_and_the_time_to_wait() {
    for (kind, code, reason) in [
        (FaultKind::Caller, Code::InvalidArgument, "INVALID"),
        (FaultKind::ContextTooLong, Code::InvalidArgument, "CONTEXT_TOO_LONG"),
        (FaultKind::Overloaded, Code::ResourceExhausted, "EXHAUSTED"),
        (FaultKind::Unavailable, Code::Unavailable, "UNAVAILABLE"),
        (FaultKind::Unsupported, Code::FailedPrecondition, "NO_BACKEND"),
    ] {
        let backend = Scripted::fails(kind);
        let status = client(&[("a", &backend)]).await.complete(hello()).await.unwrap_err();
        assert_eq!(status.code(), code, "{status}");
        let error = RpcError::from(&status);
        assert_eq!(error.reason, reason);
        assert_eq!(error.retry_after.is_some(), kind == FaultKind::Overloaded);
        assert!(error.metadata["attempts"].starts_with(&format!("a;{kind};")), "{:?}", error.metadata);
        assert_eq!(failure(&status).trail.unwrap().attempts[0].fault, kind.name());
    }
}

#[tokio::test]
async fn a_stream_ends_with_its_trail_or_with_an_error() {
    let pieces = vec![
        Ok(Piece::Started { id: "i".into(), model: "m".into() }),
        Ok(Piece::Content("a".into())),
        Ok(Piece::Reasoning("hm".into())),
        Ok(Piece::KeepAlive),
        Ok(Piece::Content("b".into())),
        Ok(Piece::Finish(FinishReason::Stop)),
    ];
    let mut cut = pieces[..2].to_vec();
    cut.push(Err(Fault::new(FaultKind::Incomplete, "cut")));
    let request = || pb::StreamCompleteRequest { question: Some(hello()) };

    let whole = Scripted::streams(pieces);
    let mut events = client(&[("a", &whole)]).await.stream_complete(request()).await.unwrap().into_inner();
    let (mut text, mut thought, mut alive, mut end) = (String::new(), String::new(), 0, None);
    while let Some(event) = events.message().await.unwrap() {
        assert!(end.is_none(), "nothing follows the end");
        match event.event.unwrap() {
            Event::Text(more) => text.push_str(&more),
            Event::Reasoning(more) => thought.push_str(&more),
            Event::KeepAlive(_) => alive += 1,
            Event::End(trail) => end = Some(trail),
            _ => {}
        }
    }
    assert_eq!((text.as_str(), thought.as_str(), alive), ("ab", "hm", 1));
    assert_eq!(end.unwrap().backend, "a");

    let broken = Scripted::streams(cut);
    let mut events = client(&[("a", &broken)]).await.stream_complete(request()).await.unwrap().into_inner();
    let status = loop {
        match events.message().await {
            Ok(Some(event)) => assert!(!matches!(event.event, Some(Event::End(_)))),
            Ok(None) => panic!("a clean end"),
            Err(status) => break status,
        }
    };
    assert_eq!(RpcError::from(&status).reason, "INCOMPLETE");
    let failure = failure(&status);
    assert_eq!(failure.trail.unwrap().attempts[0].fault, "incomplete");
    assert!(failure.usage.unwrap().output_tokens > 0, "what was said is told");
}

#[test]
fn thought_cost_and_how_an_answer_was_come_by_are_told() {
    let trail = || Trail { cost_micros: Some(12), cached: true, hedged: true, ..Trail::default() };
    let completion = || Completion { reasoning: "hm".into(), ..Completion::default() };
    let answer = encode::completion(Answer { completion: completion(), trail: trail() });
    assert_eq!((answer.text.as_str(), answer.reasoning.as_str()), ("", "hm"));
    let told = answer.trail.unwrap();
    assert_eq!((told.cost_micros, told.cached, told.hedged), (Some(12), true, true));

    let untold = vec!["minLength at /properties/a".to_owned()];
    let extraction = Extraction { completion: completion(), trail: trail(), untold, ..Extraction::default() };
    let document = encode::extraction(extraction);
    assert_eq!(document.dropped_schema_features, ["minLength at /properties/a"]);
    assert_eq!((document.reasoning.as_str(), document.trail.unwrap().cost_micros), ("hm", Some(12)));
}

#[tokio::test]
async fn the_callers_deadline_caps_the_try() {
    let backend = Scripted::says("ok");
    let mut request = Request::new(hello());
    request.set_timeout(Duration::from_millis(1500));
    let before = Instant::now();
    client(&[("a", &backend)]).await.complete(request).await.unwrap();
    let deadline = backend.last().1.deadline;
    assert!(deadline > before && deadline <= Instant::now() + Duration::from_millis(1500));
}

#[tokio::test]
async fn what_a_person_allows_and_how_to_ask_reach_the_call() {
    let directory = &router(&[("a", &Scripted::says("ok"))]).current().directory;
    let consent = pb::Consent {
        local_only: true,
        acknowledged: Some(pb::AcknowledgedBackends { backends: vec!["a".into()] }),
        keys: [("a".to_owned(), "theirs".to_owned())].into(),
    };
    let routing = pb::Routing {
        backends: vec!["a".into()],
        model: "m".into(),
        priority: pb::Priority::Background as i32,
        consent: Some(consent),
        cache: true,
    };
    let mut call = Call::default();
    decode::routing(Some(routing), directory, &mut call).unwrap();
    assert_eq!((call.backends, call.model, call.cache), (vec!["a".to_owned()], Some("m".to_owned()), true));
    assert_eq!(call.priority, Priority::Background);
    assert_eq!((call.consent.local_only, call.consent.acknowledged), (true, Some(vec!["a".to_owned()])));
    assert_eq!(call.consent.keys["a"].reveal(), "theirs");
}

#[tokio::test]
async fn each_person_has_a_cache_of_their_own() {
    let mut client = client(&[("a", &Scripted::says("ok"))]).await;
    for (person, cached) in [("anna", false), ("ben", false), ("anna", true)] {
        let routing = Some(pb::Routing { cache: true, ..Default::default() });
        let mut request = Request::new(pb::CompleteRequest { routing, ..hello() });
        request.metadata_mut().insert(PERSON_HEADER, person.parse().unwrap());
        let answer = client.complete(request).await.unwrap().into_inner();
        assert_eq!(answer.trail.unwrap().cached, cached, "{person}");
    }
}

#[tokio::test]
async fn documents_and_vectors_have_calls_of_their_own() {
    let backend = Scripted::says("{\"a\": 1}");
    let mut client = client(&[("a", &backend)]).await;
    let schema = r#"{"type": "object", "required": ["a"]}"#.to_owned();
    let request = pb::ExtractRequest { schema, prompt: "x".into(), ..Default::default() };
    let answer = client.extract(request.clone()).await.unwrap().into_inner();
    assert_eq!((answer.document.as_str(), answer.trail.unwrap().backend.as_str()), ("{\"a\": 1}", "a"));
    for wrong in ["", "{"] {
        let request = pb::ExtractRequest { schema: wrong.into(), ..request.clone() };
        assert_eq!(RpcError::from(client.extract(request).await.unwrap_err()).fields[0].field, "schema");
    }
    let request = pb::EmbedRequest { inputs: vec!["x".into(), "yy".into()], ..Default::default() };
    let answer = client.embed(request).await.unwrap().into_inner();
    assert_eq!(answer.embeddings[1].values, [2.0, -0.5]);
    let none = client.embed(pb::EmbedRequest::default()).await.unwrap_err();
    assert_eq!(RpcError::from(none).fields[0].field, "inputs");
}

#[tokio::test]
async fn backends_are_listed_with_chains_and_can_be_checked() {
    let backend = Scripted::says("");
    *backend.models.lock().unwrap() = vec!["m1".into(), "m2".into()];
    let mut client = client(&[("a", &backend)]).await;
    let listed = client.list_backends(pb::ListBackendsRequest {}).await.unwrap().into_inner();
    let only = &listed.backends[0];
    assert_eq!((only.name.as_str(), only.kind.as_str(), only.model.as_str()), ("a", "openai_compatible", "a-model"));
    assert!(only.local && only.images && !listed.detecting);
    assert_eq!((only.origin(), only.state()), (pb::BackendOrigin::Settings, pb::BackendState::OpenForCalls));
    let chains: Vec<&str> = listed.chains.iter().map(|chain| chain.name.as_str()).collect();
    assert_eq!(chains, ["default", "research"]);
    let check = client.check_backend(pb::CheckBackendRequest { name: "a".into() }).await.unwrap().into_inner();
    assert!(check.reachable && check.models == ["m1", "m2"]);
    let unknown = client.check_backend(pb::CheckBackendRequest { name: "z".into() }).await.unwrap_err();
    assert_eq!(unknown.code(), Code::NotFound);
}

#[tokio::test]
async fn an_order_is_refused_where_somebody_else_sets_it() {
    let backend = Scripted::says("ok");
    let mut client = client(&[("a", &backend), ("b", &backend)]).await;
    let listed = client.list_backends(pb::ListBackendsRequest {}).await.unwrap().into_inner();
    assert_eq!((listed.chains[0].name.as_str(), listed.chains[0].chosen), ("default", false));
    assert_eq!(listed.chains[0].fixed, "the test sets the order");
    let request = pb::SetChainOrderRequest { chain: "default".into(), backends: vec!["b".into(), "a".into()] };
    let error = RpcError::from(&client.set_chain_order(request).await.unwrap_err());
    assert_eq!((error.code, &*error.reason), (ErrorCode::FailedPrecondition, "ORDER_FIXED"));
    assert_eq!(error.message, "the test sets the order");
}
