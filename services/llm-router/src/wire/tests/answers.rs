//! Recorded answers of every provider say the same.

use http::{HeaderMap, StatusCode};

use super::*;
use crate::{answer::FinishReason, fault::FaultKind};

const ANSWER: &str = "Rust is a systems language.";
const DOCUMENT: &str = r#"{"title":"Engineer","remote":true}"#;

fn streamed(wire: &dyn Wire, folder: &str, name: &str) -> Completion {
    let (pieces, end) = read_stream(wire, &fixture(folder, name), usize::MAX);
    assert_eq!(end, Ok(true), "{folder} {name}: {pieces:?}");
    assert!(!pieces.contains(&Piece::Dropped), "{folder} {name}: {pieces:?}");
    assert!(matches!(pieces.iter().find(|piece| **piece != Piece::KeepAlive), Some(Piece::Started { .. })));
    collected(&pieces)
}

#[test]
fn plain_answers_are_text_with_thought_apart_and_tokens() {
    for (kind, folder) in KINDS {
        let wire = wire(kind);
        let whole = wire.completion(&fixture(folder, "plain")).unwrap();
        let stream = streamed(&*wire, folder, "stream");
        for answer in [&whole, &stream] {
            assert_eq!((answer.content.as_str(), answer.finish), (ANSWER, FinishReason::Stop), "{folder}");
            let usage = answer.usage.unwrap();
            assert_eq!((usage.input_tokens, usage.output_tokens), (12, 6), "{folder}");
            let thought = if matches!(folder, "openai" | "tgi") { "" } else { "Short." };
            assert_eq!(answer.reasoning, thought, "{folder}");
            assert!(!answer.model.is_empty(), "{folder}");
        }
        assert_eq!(whole.usage, stream.usage, "{folder}");
        assert_eq!((whole.id, whole.model), (stream.id, stream.model), "{folder}");
    }
}

#[test]
fn thought_that_a_server_leaves_in_the_text_is_kept_apart() {
    let chat = br#"{"choices":[{"message":{"content":"<think>Hm.</think>\n\nYes."},"finish_reason":"stop"}]}"#;
    let ollama = br#"{"message":{"role":"assistant","content":"<think>Hm.</think>\n\nYes."},"done":true}"#;
    let of_chat = [BackendKind::OpenAiCompatible, BackendKind::LlamaCpp, BackendKind::Vllm];
    let bodies = of_chat.map(|kind| (kind, chat.as_slice())).into_iter().chain([(BackendKind::Ollama, &ollama[..])]);
    for (kind, body) in bodies {
        let answer = wire(kind).completion(body).unwrap();
        assert_eq!((answer.content.as_str(), answer.reasoning.as_str()), ("Yes.", "Hm."), "{kind:?}");
    }
}

#[test]
fn function_calls_are_whole_however_they_came() {
    for (kind, folder) in KINDS {
        let wire = wire(kind);
        for answer in [wire.completion(&fixture(folder, "tools")).unwrap(), streamed(&*wire, folder, "tools_stream")] {
            let [call] = answer.tool_calls.as_slice() else { panic!("{folder}: {answer:?}") };
            let arguments: serde_json::Value = serde_json::from_str(&call.arguments).unwrap();
            assert_eq!(
                (call.name.as_str(), arguments),
                ("get_weather", serde_json::json!({"city": "Oslo"})),
                "{folder}"
            );
            assert!(!call.id.is_empty(), "{folder}");
            assert_eq!((answer.finish, answer.content.as_str()), (FinishReason::ToolCalls, ""), "{folder}");
        }
    }
}

#[test]
fn documents_and_answers_about_images_are_content() {
    for (kind, folder) in KINDS {
        let wire = wire(kind);
        assert_eq!(wire.completion(&fixture(folder, "schema")).unwrap().content, DOCUMENT, "{folder}");
        assert_eq!(wire.completion(&fixture(folder, "image")).unwrap().content, "A red square.", "{folder}");
    }
}

#[test]
fn a_document_that_is_handed_over_by_a_function_is_content_too() {
    let wire = wire(BackendKind::Anthropic);
    let whole = wire.completion(&fixture("anthropic", "document")).unwrap();
    let stream = streamed(&*wire, "anthropic", "document_stream");
    for answer in [whole, stream] {
        let value: serde_json::Value = serde_json::from_str(&answer.content).unwrap();
        assert_eq!(value, serde_json::json!({"title": "Engineer", "remote": true}));
        assert_eq!((answer.finish, answer.tool_calls.len()), (FinishReason::Stop, 0));
    }
}

#[test]
fn errors_say_whose_fault_they_are() {
    for (folder, status, expected, words) in [
        ("openai", 400, FaultKind::ContextTooLong, "OpenAI answered 400: This model's maximum"),
        ("openai_compatible", 400, FaultKind::ContextTooLong, "the server answered 400: the request exceeds"),
        ("vllm", 400, FaultKind::ContextTooLong, "vLLM answered 400: This model's maximum"),
        ("ollama", 404, FaultKind::ModelUnknown, "Ollama answered 404: model \"llama9\" not found"),
        ("anthropic", 529, FaultKind::Overloaded, "Anthropic answered 529: Overloaded"),
        ("gemini", 429, FaultKind::Overloaded, "Gemini answered 429: You exceeded"),
        ("tgi", 422, FaultKind::ContextTooLong, "TGI answered 422: Input validation error"),
    ] {
        let (kind, _) = KINDS.into_iter().find(|(_, name)| *name == folder).unwrap();
        let status = StatusCode::from_u16(status).unwrap();
        let fault = wire(kind).failure(status, &HeaderMap::new(), &fixture(folder, "error"), None);
        assert_eq!((fault.kind, fault.status), (expected, Some(status.as_u16())), "{folder}");
        assert!(fault.message.starts_with(words), "{fault}");
        // The same inside a 200 is an error as well.
        assert!(wire(kind).completion(&fixture(folder, "error")).is_err(), "{folder}");
    }
}

#[test]
fn a_daily_quota_of_gemini_is_a_cap_and_a_minutes_is_not() {
    let body = String::from_utf8(fixture("gemini", "error")).unwrap();
    let fault = |body: &str| {
        let status = StatusCode::TOO_MANY_REQUESTS;
        wire(BackendKind::Gemini).failure(status, &HeaderMap::new(), body.as_bytes(), None)
    };
    assert_eq!(fault(&body).retry_after, Some(std::time::Duration::from_secs(34)));
    assert_eq!(fault(&body.replace("PerMinute", "PerDay")).kind, FaultKind::UsageCap);
}

#[test]
fn what_a_provider_withholds_is_its_policy_and_not_an_empty_answer() {
    for (kind, body) in [
        (
            BackendKind::OpenAi,
            r#"{"choices":[{"message":{"content":null,"refusal":"I can't help."},"finish_reason":"stop"}]}"#,
        ),
        (BackendKind::OpenAi, r#"{"choices":[{"message":{"content":""},"finish_reason":"content_filter"}]}"#),
        (BackendKind::Anthropic, r#"{"content":[],"stop_reason":"refusal"}"#),
        (BackendKind::Gemini, r#"{"promptFeedback":{"blockReason":"SAFETY"}}"#),
        (BackendKind::Gemini, r#"{"candidates":[{"finishReason":"SAFETY","index":0}]}"#),
    ] {
        let fault = wire(kind).completion(body.as_bytes()).unwrap_err();
        assert_eq!(fault.kind, FaultKind::ContentPolicy, "{body}");
    }
    for (kind, events) in [
        (BackendKind::OpenAi, "data: {\"choices\":[{\"delta\":{\"refusal\":\"No.\"},\"finish_reason\":null}]}\n\n"),
        (BackendKind::Anthropic, "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"refusal\"}}\n\n"),
        (BackendKind::Gemini, "data: {\"candidates\":[{\"finishReason\":\"PROHIBITED_CONTENT\"}]}\n\n"),
    ] {
        let (_, end) = read_stream(&*wire(kind), events.as_bytes(), usize::MAX);
        assert_eq!(end.unwrap_err().kind, FaultKind::ContentPolicy, "{events}");
    }
}

#[test]
fn errors_within_a_stream_are_faults_with_their_inner_status() {
    for (kind, events, expected) in [
        (
            BackendKind::OpenAiCompatible,
            "data: {\"error\":{\"message\":\"x\",\"code\":429}}\n\n",
            FaultKind::Overloaded,
        ),
        (BackendKind::OpenAiCompatible, "data: {\"error\":{\"message\":\"died\"}}\n\n", FaultKind::Unavailable),
        (
            BackendKind::Anthropic,
            "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n",
            FaultKind::Overloaded,
        ),
        (BackendKind::Gemini, "data: {\"error\":{\"code\":503,\"message\":\"overloaded\"}}\n\n", FaultKind::Overloaded),
        (
            BackendKind::Ollama,
            "{\"error\":\"an error was encountered while running the model\"}\n",
            FaultKind::Unavailable,
        ),
        (
            BackendKind::Tgi,
            "data: {\"error\":\"Model is overloaded\",\"error_type\":\"overloaded\"}\n\n",
            FaultKind::Overloaded,
        ),
    ] {
        let (_, end) = read_stream(&*wire(kind), events.as_bytes(), usize::MAX);
        assert_eq!(end.unwrap_err().kind, expected, "{events}");
    }
}

#[test]
fn two_calls_without_index_stay_apart() {
    let event = |name: &str| {
        format!(
            "data: {{\"choices\":[{{\"delta\":{{\"tool_calls\":[{{\"function\":{{\"name\":\"{name}\",\"arguments\":\"{{}}\"}}}}]}}}}]}}\n\n"
        )
    };
    let text = format!("{}{}data: [DONE]\n\n", event("a"), event("b"));
    let (pieces, _) = read_stream(&*wire(BackendKind::OpenAiCompatible), text.as_bytes(), usize::MAX);
    let calls = collected(&pieces).tool_calls;
    let names: Vec<&str> = calls.iter().map(|call| call.name.as_str()).collect();
    assert_eq!(names, ["a", "b"]);
    assert_ne!(calls[0].id, calls[1].id);
}

#[test]
fn lists_of_models_are_read() {
    for (kind, path, body, expected) in [
        (BackendKind::OpenAi, "/models", r#"{"object":"list","data":[{"id":"gpt-4o","object":"model"}]}"#, "gpt-4o"),
        (BackendKind::Ollama, "/api/tags", r#"{"models":[{"name":"llama3.2:3b","size":1}]}"#, "llama3.2:3b"),
        (
            BackendKind::Anthropic,
            "/v1/models?limit=1000",
            r#"{"data":[{"type":"model","id":"claude-sonnet-4-5"}],"has_more":false}"#,
            "claude-sonnet-4-5",
        ),
        (
            BackendKind::Gemini,
            "/v1beta/models?pageSize=1000",
            r#"{"models":[{"name":"models/gemini-2.5-flash"}]}"#,
            "gemini-2.5-flash",
        ),
        (
            BackendKind::Tgi,
            "/info",
            r#"{"model_id":"meta-llama/Llama-3.1-8B","max_total_tokens":4096}"#,
            "meta-llama/Llama-3.1-8B",
        ),
    ] {
        assert_eq!(wire(kind).models(body.as_bytes()).unwrap(), [expected]);
        assert_eq!(wire(kind).models_path(), path);
    }
}

#[test]
fn vectors_are_read() {
    for (kind, body) in [
        (BackendKind::OpenAi, r#"{"data":[{"embedding":[0.5,1],"index":0}],"model":"e","usage":{"prompt_tokens":2}}"#),
        (BackendKind::Ollama, r#"{"model":"e","embeddings":[[0.5,1]],"prompt_eval_count":2}"#),
        (BackendKind::Gemini, r#"{"embeddings":[{"values":[0.5,1]}]}"#),
    ] {
        assert_eq!(wire(kind).embeddings(body.as_bytes()).unwrap().vectors, [[0.5, 1.0]], "{body}");
    }
    assert!(wire(BackendKind::Anthropic).embed(&crate::chat::EmbedRequest::default(), "m").is_err());
}
