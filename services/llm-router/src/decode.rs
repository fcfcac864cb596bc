//! Cutting a streamed answer into events, however the network cut it into pieces.

mod lines;
mod sse;

use thiserror::Error;

use self::{lines::JsonLines, sse::ServerSentEvents};
use crate::wire::Framing;

/// Longest event, and with it the most that is held of an answer whose event does not end, in bytes.
pub const MAX_EVENT_BYTES: usize = 8 << 20;

/// One event of a streamed answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event<'a> {
    /// Data, with the name that the event bears; empty where it bears none, as in JSON lines.
    Data {
        /// Name.
        name: &'a str,
        /// Data: a JSON document, or a provider's closing word.
        data: &'a [u8],
    },
    /// A comment or an empty line: the provider is alive.
    KeepAlive,
}

/// An event is longer than [`MAX_EVENT_BYTES`] or the limit given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("an event is longer than {limit} bytes")]
pub struct EventTooLong {
    /// The limit.
    pub limit: usize,
}

/// Cuts bytes into events. Give it bytes with [`EventDecoder::push`], then take events until there are none.
#[derive(Debug)]
pub struct EventDecoder {
    form: Form,
    limit: usize,
}

#[derive(Debug)]
enum Form {
    Sse(ServerSentEvents),
    Lines(JsonLines),
}

impl EventDecoder {
    /// A decoder of one answer.
    #[must_use]
    pub fn new(framing: Framing) -> Self {
        Self::with_limit(framing, MAX_EVENT_BYTES)
    }

    /// A decoder that holds at most `limit` bytes of one event.
    #[must_use]
    pub fn with_limit(framing: Framing, limit: usize) -> Self {
        let form = match framing {
            Framing::ServerSentEvents => Form::Sse(ServerSentEvents::default()),
            Framing::JsonLines => Form::Lines(JsonLines::default()),
        };
        Self { form, limit }
    }

    /// Takes the next bytes of the answer.
    pub fn push(&mut self, bytes: &[u8]) {
        match &mut self.form {
            Form::Sse(events) => events.push(bytes),
            Form::Lines(lines) => lines.push(bytes),
        }
    }

    /// The next event, or none until more bytes come.
    ///
    /// # Errors
    /// An event that is too long.
    pub fn next_event(&mut self) -> Result<Option<Event<'_>>, EventTooLong> {
        match &mut self.form {
            Form::Sse(events) => events.next_event(self.limit),
            Form::Lines(lines) => lines.next_event(self.limit),
        }
    }

    /// Says that the answer is over: what is left is a last event although nothing closes it (many servers leave out
    /// the last line feed). Take events again afterwards.
    pub fn finish(&mut self) {
        match &mut self.form {
            Form::Sse(events) => events.push(b"\n\n"),
            Form::Lines(lines) => lines.push(b"\n"),
        }
    }
}

#[cfg(test)]
mod tests;
