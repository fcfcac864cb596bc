//! Streamed answers of every provider: any split of the bytes says the same. The first byte chooses the provider, the
//! second the length of the pieces.
#![no_main]

use aerie_config::BackendKind::{self, Anthropic, Gemini, Ollama, OpenAi, OpenAiCompatible, Tgi, Vllm};
use aerie_llm_router::{
    answer::Piece,
    decode::{Event, EventDecoder},
    fault::Fault,
    wire,
};
use libfuzzer_sys::fuzz_target;

const KINDS: [BackendKind; 7] = [OpenAi, OpenAiCompatible, Vllm, Ollama, Anthropic, Gemini, Tgi];

fn read(kind: BackendKind, bytes: &[u8], length: usize) -> (Vec<Piece>, Option<Result<bool, Fault>>) {
    let mut pieces = Vec::new();
    let Some(form) = wire::of(kind) else { return (pieces, None) };
    let (mut decoder, mut reader) = (EventDecoder::new(form.framing()), form.reader());
    for chunk in bytes.chunks(length).map(Some).chain([None]) {
        match chunk {
            Some(chunk) => decoder.push(chunk),
            None => decoder.finish(),
        }
        while let Ok(Some(event)) = decoder.next_event() {
            let Event::Data { name, data } = event else { continue };
            if let Err(fault) = reader.read(name, data, &mut pieces) {
                return (pieces, Some(Err(fault)));
            }
        }
    }
    (pieces, Some(Ok(reader.is_finished())))
}

/// Ids of our own making differ from one reading to the next.
fn without_ids(mut pieces: Vec<Piece>) -> Vec<Piece> {
    for piece in &mut pieces {
        if let Piece::ToolCall(part) = piece {
            part.id = None;
        }
    }
    pieces
}

fuzz_target!(|data: &[u8]| {
    let [choice, length, bytes @ ..] = data else { return };
    let kind = KINDS[usize::from(*choice) % KINDS.len()];
    let (whole, whole_end) = read(kind, bytes, usize::MAX);
    let (split, split_end) = read(kind, bytes, usize::from(*length) + 1);
    assert_eq!(without_ids(whole), without_ids(split));
    assert_eq!(whole_end, split_end);
});
