//! Every way in which a provider goes wrong, over real connections: the engine makes the right thing of each.
#![allow(clippy::panic, clippy::unwrap_used, missing_docs)]

use std::{
    net::TcpListener,
    sync::Arc,
    time::{Duration, Instant},
};

use aerie_config::{Llm, LlmBackend, LlmTimeouts, Loader, Secret};
use aerie_llm_router::{
    answer::{Piece, Trail},
    backends,
    call::{AnswerEvent, Call, CallError, CallErrorKind},
    chat::{ChatRequest, Message, OutputFormat, Role, Schema},
    engine::{Capabilities, Engine, EngineBackend, EngineDeps, SystemWallClock},
    transport::Tls,
};
use aerie_testkit::llm::{
    LlmServer, Reply,
    faults::{Asked, BEGINNING, DOCUMENT, FaultCase, Right, SCHEMA, WHOLE, WITHOUT_ONE, fault_cases, well},
};
use futures::StreamExt;

const CHAT: &str = "/chat/completions";

/// Limits that a test can wait for; a cut connection and a refusal need none.
fn settings() -> Llm {
    let mut settings = Loader::new().load().unwrap().llm;
    settings.timeouts.headers_ms = 400;
    settings.timeouts.first_token_ms = 400;
    settings.timeouts.between_tokens_ms = 400;
    settings
}

fn backend(name: &str, base_url: &str, tls: &Tls) -> EngineBackend {
    let settings = serde_json::json!({"kind": "openai", "model": "test-model", "base_url": base_url});
    let settings: LlmBackend = serde_json::from_value(settings).unwrap();
    let capabilities = Capabilities::of(&settings);
    let backend = backends::of(name, &settings, Secret::default(), tls).unwrap();
    EngineBackend { name: name.into(), settings, backend, local: true, capabilities }
}

fn request(asked: Asked) -> ChatRequest {
    let output = match asked {
        Asked::Document => {
            OutputFormat::Schema { name: "job".into(), schema: Schema::parse(SCHEMA).unwrap(), strict: true }
        }
        Asked::Plain | Asked::Streamed => OutputFormat::Text,
    };
    ChatRequest { messages: vec![Message::text(Role::User, "hello")], output, ..ChatRequest::default() }
}

/// What a caller got.
struct Got {
    text: String,
    end: Result<Trail, CallError>,
    events_after_end: usize,
}

async fn ask(engine: &Engine, asked: Asked) -> Got {
    if asked != Asked::Streamed {
        let answer = engine.complete(request(asked), Call::default()).await;
        let text = answer.as_ref().map(|answer| answer.completion.content.clone()).unwrap_or_default();
        return Got { text, end: answer.map(|answer| answer.trail), events_after_end: 0 };
    }
    let (mut text, mut end, mut events_after_end) = (String::new(), None, 0);
    let mut events = engine.stream(request(asked), Call::default());
    while let Some(event) = events.next().await {
        events_after_end += usize::from(end.is_some());
        match event {
            Ok(AnswerEvent::Piece(Piece::Content(part))) => text.push_str(&part),
            Ok(AnswerEvent::Piece(_)) => {}
            Ok(AnswerEvent::End(trail)) => end = Some(Ok(trail)),
            Err(error) => end = Some(Err(error)),
        }
    }
    Got { text, end: end.unwrap(), events_after_end }
}

async fn judge(case: FaultCase, tls: &Tls) {
    let name = case.name;
    let (first, second) = (LlmServer::start().await.unwrap(), LlmServer::start().await.unwrap());
    let refused = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
    let first_url = match case.first {
        Some(reply) => {
            first.only(CHAT, reply);
            first.base_url()
        }
        None => format!("http://{refused}"),
    };
    second.only(CHAT, well(case.asked));
    let backends = vec![backend("first", &first_url, tls), backend("second", &second.base_url(), tls)];
    let deps =
        EngineDeps { settings: &settings(), backends, clock: Arc::new(SystemWallClock), conventions: None, seed: 1 };
    let got = ask(&Engine::new(deps).unwrap(), case.asked).await;
    assert_eq!(got.events_after_end, 0, "{name}");
    let whole = if case.asked == Asked::Document { DOCUMENT } else { WHOLE };
    match (case.right, got.end) {
        (Right::Fallback, Ok(trail)) => {
            assert_eq!((got.text.as_str(), trail.backend.as_str()), (whole, "second"), "{name}");
            assert!(trail.attempts[0].fault.is_some(), "{name}: {trail:?}");
        }
        (Right::CallersFault, Err(error)) => {
            assert_eq!((error.kind, second.requests()), (CallErrorKind::Invalid, 0), "{name}");
            assert!(error.message.contains("scripted invalid_request_error"), "{name}: {}", error.message);
        }
        (Right::Incomplete, Err(error)) => {
            assert_eq!((got.text.as_str(), error.kind), (BEGINNING, CallErrorKind::Incomplete), "{name}");
            assert!(error.usage.unwrap().output_tokens > 0, "{name}");
        }
        (Right::Finished, Ok(trail)) => {
            assert_eq!((got.text.as_str(), trail.backend.as_str()), (WITHOUT_ONE, "first"), "{name}");
        }
        (right, end) => panic!("{name}: {right:?} is right, not {end:?}"),
    }
}

#[tokio::test]
async fn the_engine_makes_the_right_thing_of_every_fault() {
    let tls = Tls::of_system();
    let cases = fault_cases();
    assert_eq!(cases.len(), 19);
    for case in cases {
        judge(case, &tls).await;
    }
}

#[tokio::test]
async fn going_away_ends_the_exchange_at_the_provider_within_fifty_milliseconds() {
    let tls = Tls::of_system();
    let hanging = [
        (Asked::Plain, Reply::silent()),
        (Asked::Streamed, Reply::silent()),
        (Asked::Streamed, Reply::chat_beginning().hang()),
        (Asked::Streamed, Reply::chat_beginning().chat_text("one").hang()),
    ];
    for (asked, reply) in hanging {
        let server = LlmServer::start().await.unwrap();
        server.only(CHAT, reply.clone());
        let mut settings = settings();
        settings.timeouts = LlmTimeouts::default();
        let backends = vec![backend("first", &server.base_url(), &tls)];
        let deps =
            EngineDeps { settings: &settings, backends, clock: Arc::new(SystemWallClock), conventions: None, seed: 1 };
        let engine = Engine::new(deps).unwrap();
        let (call, came) = (ask(&engine, asked), server.wait_for_requests(1));
        let mut call = Box::pin(call);
        tokio::select! {
            _ = &mut call => panic!("it hangs"),
            () = came => {}
        }
        assert_eq!(server.dropped(), 0);
        let left = Instant::now();
        drop(call);
        server.wait_for_drops(1).await;
        assert!(left.elapsed() < Duration::from_millis(50), "{asked:?} {reply:?}: {:?}", left.elapsed());
    }
}
