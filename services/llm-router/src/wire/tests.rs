#![allow(clippy::unwrap_used, clippy::panic)]

mod answers;
mod hostile;
mod requests;

use std::{fs, path::PathBuf};

use aerie_config::BackendKind;

use super::{Framing, Wire, of};
use crate::{
    answer::{Completion, Piece},
    chat::ToolCall,
    decode::{Event, EventDecoder},
    fault::Fault,
};

/// Every form, and its folder of recorded answers.
const KINDS: [(BackendKind, &str); 7] = [
    (BackendKind::OpenAi, "openai"),
    (BackendKind::OpenAiCompatible, "openai_compatible"),
    (BackendKind::Vllm, "vllm"),
    (BackendKind::Ollama, "ollama"),
    (BackendKind::Anthropic, "anthropic"),
    (BackendKind::Gemini, "gemini"),
    (BackendKind::Tgi, "tgi"),
];

fn wire(kind: BackendKind) -> Box<dyn Wire> {
    of(kind).unwrap()
}

fn fixture(folder: &str, name: &str) -> Vec<u8> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(folder);
    let ending = if name.contains("stream") { &["sse", "jsonl"][..] } else { &["json"] };
    let path = ending.iter().map(|ending| folder.join(format!("{name}.{ending}"))).find(|path| path.exists());
    fs::read(path.unwrap_or_else(|| panic!("{} has no {name}", folder.display()))).unwrap()
}

/// Reads a streamed answer that comes in pieces of `length` bytes: what it says, and whether it came to its end.
fn read_stream(wire: &dyn Wire, bytes: &[u8], length: usize) -> (Vec<Piece>, Result<bool, Fault>) {
    let (mut decoder, mut reader) = (EventDecoder::new(wire.framing()), wire.reader());
    let mut pieces = Vec::new();
    let chunks = bytes.chunks(length.max(1)).map(Some).chain([None]);
    for chunk in chunks {
        match chunk {
            Some(chunk) => decoder.push(chunk),
            None => decoder.finish(),
        }
        while let Some(event) = decoder.next_event().unwrap() {
            match event {
                Event::KeepAlive => pieces.push(Piece::KeepAlive),
                Event::Data { name, data } => {
                    if let Err(fault) = reader.read(name, data, &mut pieces) {
                        return (pieces, Err(fault));
                    }
                }
            }
        }
    }
    (pieces, Ok(reader.is_finished()))
}

/// Pieces put together as a reader of the stream would.
fn collected(pieces: &[Piece]) -> Completion {
    let mut whole = Completion::default();
    for piece in pieces.iter().cloned() {
        match piece {
            Piece::Started { id, model } => (whole.id, whole.model) = (id, model),
            Piece::Content(text) => whole.content.push_str(&text),
            Piece::Reasoning(text) => whole.reasoning.push_str(&text),
            Piece::Finish(reason) => whole.finish = reason,
            Piece::Usage(usage) => whole.usage = Some(usage),
            Piece::KeepAlive | Piece::Dropped => {}
            Piece::ToolCall(part) => {
                if whole.tool_calls.len() == part.index as usize {
                    let (id, name) = (part.id.clone().unwrap(), part.name.clone().unwrap());
                    whole.tool_calls.push(ToolCall { id, name, arguments: String::new() });
                }
                whole.tool_calls[part.index as usize].arguments.push_str(&part.arguments);
            }
        }
    }
    whole
}

/// The pieces with ids of our own making made alike.
fn without_own_ids(mut pieces: Vec<Piece>) -> Vec<Piece> {
    for piece in &mut pieces {
        if let Piece::ToolCall(part) = piece
            && part.id.as_ref().is_some_and(|id| id.len() == "call_".len() + 32)
        {
            part.id = Some("call_".into());
        }
    }
    pieces
}

#[test]
fn every_http_form_has_its_recorded_answers() {
    use BackendKind::*;
    for kind in [OpenAi, OpenAiCompatible, Vllm, Ollama, Anthropic, Gemini, Tgi, Vision, VisionService] {
        assert_eq!(of(kind).is_some(), KINDS.iter().any(|(known, _)| *known == kind), "{kind:?}");
    }
    assert_eq!(wire(Ollama).framing(), Framing::JsonLines);
}
