//! HTTP/1.1 by hand: a JSON call, and a stream of server-sent events.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    time::Duration,
};

use anyhow::{Context, bail, ensure};
use serde_json::Value;

/// No answer and no event takes longer.
const READ_LIMIT: Duration = Duration::from_secs(60);

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// Header names in lower case, with their values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

impl Answer {
    /// The first header of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// It is none.
    pub fn json(&self) -> anyhow::Result<Value> {
        serde_json::from_str(&self.body).with_context(|| format!("{}: {}", self.status, self.body))
    }
}

/// One server-sent event.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Its id.
    pub id: Option<String>,
    /// Its type; "message" when it has none.
    pub kind: String,
    /// Its data.
    pub data: Value,
}

/// Calls a method in the JSON form.
///
/// # Errors
/// The connection or the answer is broken. An error status is an answer.
pub fn call(authority: &str, method: &str, request: &Value) -> anyhow::Result<Answer> {
    let body = request.to_string();
    let headers = [("content-type", "application/json")];
    send(authority, "POST", &format!("/{method}"), &headers, body.as_bytes())
}

/// Fetches a path.
///
/// # Errors
/// The connection or the answer is broken. An error status is an answer.
pub fn get(authority: &str, path: &str) -> anyhow::Result<Answer> {
    send(authority, "GET", path, &[], b"")
}

/// Sends any request and reads the whole answer.
///
/// # Errors
/// The connection or the answer is broken. An error status is an answer.
pub fn send(
    authority: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> anyhow::Result<Answer> {
    let mut reader = open(authority, method, path, headers, body)?;
    let (status, headers) = read_head(&mut reader)?;
    let mut answer = Answer { status, headers, body: String::new() };
    let mut bytes = Vec::new();
    if answer.header("transfer-encoding") == Some("chunked") {
        while let Some(chunk) = read_chunk(&mut reader)? {
            bytes.extend(chunk);
        }
    } else {
        // The connection is closed after the answer.
        reader.read_to_end(&mut bytes)?;
    }
    answer.body = String::from_utf8(bytes).context("the body is not UTF-8")?;
    Ok(answer)
}

/// A stream of server-sent events that is being read.
#[derive(Debug)]
pub struct EventStream {
    reader: BufReader<TcpStream>,
    buffer: String,
}

impl EventStream {
    /// Opens a stream of `method`; `last_event_id` is what a browser sends when it comes back.
    ///
    /// # Errors
    /// The answer is no event stream.
    pub fn open(authority: &str, method: &str, request: &Value, last_event_id: Option<&str>) -> anyhow::Result<Self> {
        let mut headers = vec![("content-type", "application/json"), ("accept", "text/event-stream")];
        headers.extend(last_event_id.map(|id| ("last-event-id", id)));
        let mut reader = open(authority, "POST", &format!("/{method}"), &headers, request.to_string().as_bytes())?;
        let (status, headers) = read_head(&mut reader)?;
        ensure!(status == 200, "the stream was answered with {status}");
        let is = |name, value| headers.iter().any(|(known, found)| known == name && found == value);
        ensure!(is("content-type", "text/event-stream"), "the answer is no event stream: {headers:?}");
        ensure!(is("transfer-encoding", "chunked"), "an endless answer is not sent in chunks: {headers:?}");
        Ok(Self { reader, buffer: String::new() })
    }

    /// The next event, passing over comments; none when the stream has ended.
    ///
    /// # Errors
    /// Nothing came in time, or something that is no event.
    pub fn next_event(&mut self) -> anyhow::Result<Option<Event>> {
        loop {
            while let Some((block, rest)) = self.buffer.split_once("\n\n") {
                let event = event_of(block)?;
                self.buffer = rest.to_owned();
                if event.is_some() {
                    return Ok(event);
                }
            }
            match read_chunk(&mut self.reader)? {
                Some(chunk) => self.buffer.push_str(std::str::from_utf8(&chunk)?),
                None => return Ok(None),
            }
        }
    }

    /// Events up to and with the first that `is_last` accepts.
    ///
    /// # Errors
    /// The stream ended before.
    pub fn until(&mut self, is_last: impl Fn(&Event) -> bool) -> anyhow::Result<Vec<Event>> {
        let mut events = Vec::new();
        loop {
            let Some(event) = self.next_event()? else { bail!("the stream ended after {} events", events.len()) };
            let last = is_last(&event);
            events.push(event);
            if last {
                return Ok(events);
            }
        }
    }
}

fn open(
    authority: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> anyhow::Result<BufReader<TcpStream>> {
    let mut stream = TcpStream::connect(authority).with_context(|| authority.to_owned())?;
    stream.set_read_timeout(Some(READ_LIMIT))?;
    let mut head = format!("{method} {path} HTTP/1.1\r\nhost: {authority}\r\nconnection: close\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!("content-length: {}\r\n\r\n", body.len()));
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)?;
    Ok(BufReader::new(stream))
}

type Head = (u16, Vec<(String, String)>);

fn read_head(reader: &mut impl BufRead) -> anyhow::Result<Head> {
    let first = read_line(reader)?;
    let status = first.split(' ').nth(1).and_then(|code| code.parse().ok());
    let status = status.with_context(|| format!("{first:?} is no status line"))?;
    let mut headers = Vec::new();
    loop {
        let line = read_line(reader)?;
        if line.is_empty() {
            return Ok((status, headers));
        }
        let (name, value) = line.split_once(':').with_context(|| format!("{line:?} is no header"))?;
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
}

fn read_chunk(reader: &mut impl BufRead) -> anyhow::Result<Option<Vec<u8>>> {
    let line = read_line(reader)?;
    let length = usize::from_str_radix(&line, 16).with_context(|| format!("{line:?} is no length of a chunk"))?;
    let mut chunk = vec![0; length];
    reader.read_exact(&mut chunk)?;
    read_line(reader)?;
    Ok((length > 0).then_some(chunk))
}

fn read_line(reader: &mut impl BufRead) -> anyhow::Result<String> {
    let mut line = String::new();
    reader.read_line(&mut line).context("the connection broke off or was silent for too long")?;
    Ok(line.trim_end().to_owned())
}

/// An event; none for a block of comments or of settings.
fn event_of(block: &str) -> anyhow::Result<Option<Event>> {
    let field = |name: &str| {
        let found = block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        found.map(|value| value.strip_prefix(' ').unwrap_or(value))
    };
    let Some(data) = field("data") else { return Ok(None) };
    Ok(Some(Event {
        id: field("id").map(str::to_owned),
        kind: field("event").unwrap_or("message").to_owned(),
        data: serde_json::from_str(data).with_context(|| data.to_owned())?,
    }))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn blocks_are_events_or_comments() {
        let event = event_of("id: 7\ndata: {\"a\":1}").unwrap().unwrap();
        assert_eq!(
            (event.id.as_deref(), event.kind.as_str(), event.data["a"].as_i64()),
            (Some("7"), "message", Some(1))
        );
        assert_eq!(event_of("retry: 2000").unwrap(), None);
        assert_eq!(event_of(": still here").unwrap(), None);
        assert_eq!(event_of("event: end\ndata: {}").unwrap().unwrap().kind, "end");
    }

    #[test]
    fn chunks_are_put_together() {
        let mut reader = BufReader::new("3\r\nabc\r\n0\r\n\r\n".as_bytes());
        assert_eq!(read_chunk(&mut reader).unwrap(), Some(b"abc".to_vec()));
        assert_eq!(read_chunk(&mut reader).unwrap(), None);
    }
}
