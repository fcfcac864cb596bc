//! Server-sent events (<https://html.spec.whatwg.org/multipage/server-sent-events.html>, section 9.2.6).

use std::ops::Range;

use memchr::memchr2;

use super::{Event, EventTooLong};

#[derive(Debug, Default)]
pub(super) struct ServerSentEvents {
    buffer: Vec<u8>,
    /// Start of the event that is being read; all before it was given out.
    start: usize,
    /// Start of the line that is being read.
    line: usize,
    /// How far that line was searched for its end.
    searched: usize,
    /// The last line ended with a carriage return: a line feed that follows belongs to it.
    after_return: bool,
    /// Whether the beginning, where a byte order mark may stand, was passed.
    begun: bool,
    pending: Pending,
    /// The data of an event of several data lines. Nearly all have one, which need not be copied.
    joined: Vec<u8>,
}

/// What is known of the event that is being read.
#[derive(Debug, Default)]
struct Pending {
    name: Option<Range<usize>>,
    /// The first data line.
    data: Option<Range<usize>>,
    /// Whether there are more of them, which then stand in `joined` with the first.
    several: bool,
}

impl Pending {
    fn is_empty(&self) -> bool {
        self.name.is_none() && self.data.is_none()
    }
}

impl ServerSentEvents {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        if self.start > 0 {
            self.forget();
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// Drops what was given out.
    fn forget(&mut self) {
        let gone = self.start;
        self.buffer.drain(..gone);
        self.start = 0;
        self.line -= gone;
        self.searched -= gone;
        for range in [&mut self.pending.name, &mut self.pending.data].into_iter().flatten() {
            *range = range.start - gone..range.end - gone;
        }
    }

    pub(super) fn next_event(&mut self, limit: usize) -> Result<Option<Event<'_>>, EventTooLong> {
        while let Some(line) = self.next_line() {
            if line.end - self.start > limit {
                return Err(EventTooLong { limit });
            }
            let text = self.buffer.get(line.clone()).unwrap_or_default();
            let (is_end, is_comment) = (text.is_empty(), text.first() == Some(&b':'));
            if is_end {
                let event = std::mem::take(&mut self.pending);
                self.start = self.line;
                if event.data.is_some() {
                    return Ok(Some(self.shown(event)));
                }
            } else if !is_comment {
                self.read_field(line);
            }
            if self.pending.is_empty() {
                self.start = self.line;
            }
            if is_comment {
                return Ok(Some(Event::KeepAlive));
            }
        }
        if self.buffer.len() - self.start > limit { Err(EventTooLong { limit }) } else { Ok(None) }
    }

    /// The next line without its end.
    fn next_line(&mut self) -> Option<Range<usize>> {
        if self.after_return && self.line < self.buffer.len() {
            self.after_return = false;
            if self.buffer.get(self.line) == Some(&b'\n') {
                self.line += 1;
                self.searched = self.line;
            }
        }
        let unseen = self.buffer.get(self.searched..).unwrap_or_default();
        let Some(offset) = memchr2(b'\n', b'\r', unseen) else {
            self.searched = self.buffer.len();
            return None;
        };
        let mut line = self.line..self.searched + offset;
        self.after_return = unseen.get(offset) == Some(&b'\r');
        self.line = line.end + 1;
        self.searched = self.line;
        if !self.begun {
            self.begun = true;
            let mark = "\u{feff}".as_bytes();
            if self.buffer.get(line.clone()).is_some_and(|text| text.starts_with(mark)) {
                line.start += mark.len();
            }
        }
        Some(line)
    }

    /// Reads `field: value`, `field:value` or `field` alone; fields other than `data` and `event` mean nothing here.
    fn read_field(&mut self, line: Range<usize>) {
        let text = self.buffer.get(line.clone()).unwrap_or_default();
        let value = |name: &[u8]| {
            let skip = match text.strip_prefix(name)? {
                [] => 0,
                [b':', b' ', ..] => 2,
                [b':', ..] => 1,
                _ => return None,
            };
            Some(line.start + name.len() + skip..line.end)
        };
        if let Some(data) = value(b"data") {
            self.add_data(data);
        } else if let Some(name) = value(b"event") {
            self.pending.name = Some(name);
        }
    }

    fn add_data(&mut self, line: Range<usize>) {
        let Some(first) = self.pending.data.clone() else {
            self.pending.data = Some(line);
            return;
        };
        if !self.pending.several {
            self.pending.several = true;
            self.joined.clear();
            self.joined.extend_from_slice(self.buffer.get(first).unwrap_or_default());
        }
        self.joined.push(b'\n');
        self.joined.extend_from_slice(self.buffer.get(line).unwrap_or_default());
    }

    fn shown(&self, event: Pending) -> Event<'_> {
        let text = |range: Option<Range<usize>>| range.and_then(|range| self.buffer.get(range)).unwrap_or_default();
        let name = std::str::from_utf8(text(event.name)).unwrap_or_default();
        let data = if event.several { &self.joined } else { text(event.data) };
        Event::Data { name, data }
    }
}
