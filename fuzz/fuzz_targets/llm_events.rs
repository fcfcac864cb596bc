//! Server-sent events and JSON lines: any split of the bytes gives the same events.
#![no_main]

use aerie_llm_router::{
    decode::{Event, EventDecoder},
    wire::Framing,
};
use libfuzzer_sys::fuzz_target;

/// Most that is held of one event; small, so that the limit is met as well.
const LIMIT: usize = 64;

/// Name and data of every event, none for a keep-alive; ends at an event that is too long.
fn events(framing: Framing, bytes: &[u8], length: usize) -> Vec<Option<(String, Vec<u8>)>> {
    let mut decoder = EventDecoder::with_limit(framing, LIMIT);
    let mut seen = Vec::new();
    for chunk in bytes.chunks(length).map(Some).chain([None]) {
        match chunk {
            Some(chunk) => decoder.push(chunk),
            None => decoder.finish(),
        }
        loop {
            match decoder.next_event() {
                Ok(Some(Event::Data { name, data })) => seen.push(Some((name.to_owned(), data.to_vec()))),
                Ok(Some(Event::KeepAlive)) => seen.push(None),
                Ok(None) => break,
                Err(_) => return seen,
            }
        }
    }
    seen
}

fuzz_target!(|data: &[u8]| {
    let [choice, bytes @ ..] = data else { return };
    let framing = if choice & 1 == 0 { Framing::ServerSentEvents } else { Framing::JsonLines };
    let whole = events(framing, bytes, usize::MAX);
    let split = events(framing, bytes, usize::from(choice >> 1) + 1);
    assert_eq!(whole, split);
});
