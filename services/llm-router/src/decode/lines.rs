//! JSON lines: one document a line (<https://jsonlines.org>).

use memchr::memchr;

use super::{Event, EventTooLong};

#[derive(Debug, Default)]
pub(super) struct JsonLines {
    buffer: Vec<u8>,
    /// Start of the line that is being read.
    start: usize,
    /// How far it was searched for its end.
    searched: usize,
}

impl JsonLines {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.start);
        self.searched -= self.start;
        self.start = 0;
        self.buffer.extend_from_slice(bytes);
    }

    pub(super) fn next_event(&mut self, limit: usize) -> Result<Option<Event<'_>>, EventTooLong> {
        let unseen = self.buffer.get(self.searched..).unwrap_or_default();
        let Some(offset) = memchr(b'\n', unseen) else {
            self.searched = self.buffer.len();
            return if self.searched - self.start > limit { Err(EventTooLong { limit }) } else { Ok(None) };
        };
        let (start, end) = (self.start, self.searched + offset);
        self.start = end + 1;
        self.searched = self.start;
        if end - start > limit {
            return Err(EventTooLong { limit });
        }
        let line = self.buffer.get(start..end).unwrap_or_default().trim_ascii();
        Ok(Some(if line.is_empty() { Event::KeepAlive } else { Event::Data { name: "", data: line } }))
    }
}
