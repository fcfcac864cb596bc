//! Whole answers, errors, vectors and lists of models of every provider. The first byte chooses the provider.
#![no_main]

use aerie_config::BackendKind::{Anthropic, Gemini, Ollama, OpenAi, OpenAiCompatible, Tgi, Vllm};
use aerie_llm_router::wire;
use http::{HeaderMap, StatusCode};
use libfuzzer_sys::fuzz_target;

const KINDS: [aerie_config::BackendKind; 7] = [OpenAi, OpenAiCompatible, Vllm, Ollama, Anthropic, Gemini, Tgi];

fuzz_target!(|data: &[u8]| {
    let [choice, body @ ..] = data else { return };
    let Some(form) = wire::of(KINDS[usize::from(*choice) % KINDS.len()]) else { return };
    if let Ok(answer) = form.completion(body) {
        assert!(answer.tool_calls.iter().all(|call| call.id.len() <= body.len() + 64));
    }
    let _ = form.embeddings(body);
    let _ = form.models(body);
    let status = StatusCode::from_u16(400 + u16::from(*choice)).unwrap_or(StatusCode::BAD_REQUEST);
    let fault = form.failure(status, &HeaderMap::new(), body, None);
    assert!(!fault.message.is_empty());
});
