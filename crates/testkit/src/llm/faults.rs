//! The ways in which a model provider goes wrong, and what a router must make of each: a table for tests of every front.

use serde_json::json;

use super::Reply;

/// The answer of a provider that is well.
pub const WHOLE: &str = "the whole answer";
/// The answer of a provider that is well, when a document is asked for.
pub const DOCUMENT: &str = r#"{"title":"Smith"}"#;
/// The schema that documents are asked for by.
pub const SCHEMA: &str =
    r#"{"type":"object","required":["title"],"properties":{"title":{"type":"string"}},"additionalProperties":false}"#;
/// What is delivered of an answer that breaks off.
pub const BEGINNING: &str = "one two three four";
/// What is delivered of an answer of which one event cannot be read.
pub const WITHOUT_ONE: &str = "one two four five";

/// One way to go wrong. The first provider does it, the second one is well.
#[derive(Debug, Clone)]
pub struct FaultCase {
    /// In words.
    pub name: &'static str,
    /// How the question is asked.
    pub asked: Asked,
    /// What the first provider does; none when nothing listens at its address.
    pub first: Option<Reply>,
    /// What is right.
    pub right: Right,
}

/// How a question is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// For a whole answer.
    Plain,
    /// For a whole answer that fits [`SCHEMA`].
    Document,
    /// For a streamed answer.
    Streamed,
}

/// What a router must make of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    /// The second provider's answer, whole and alone.
    Fallback,
    /// The first provider's complaint, as the caller's error; the second one is not asked.
    CallersFault,
    /// [`BEGINNING`], then an error that says that the rest is missing, and nothing after it.
    Incomplete,
    /// [`WITHOUT_ONE`] and a clean end.
    Finished,
}

/// All of them. A provider that hangs is to be given up after the shortest limit that the test can set.
#[must_use]
pub fn fault_cases() -> Vec<FaultCase> {
    use Asked::{Document, Plain, Streamed};
    let case = |name, asked, first, right| FaultCase { name, asked, first, right };
    let mut cases = Vec::new();
    for (asked, names) in [
        (Plain, ["plain 500", "plain 429", "plain refused", "plain hang", "plain 400"]),
        (Streamed, ["stream 500", "stream 429", "stream refused", "stream hang", "stream 400"]),
    ] {
        let [broken, busy, refused, hang, wrong] = names;
        cases.extend([
            case(broken, asked, Some(error(500, "server_error")), Right::Fallback),
            case(busy, asked, Some(error(429, "rate_limit_exceeded")), Right::Fallback),
            case(refused, asked, None, Right::Fallback),
            case(hang, asked, Some(Reply::silent()), Right::Fallback),
            case(wrong, asked, Some(error(400, "invalid_request_error")), Right::CallersFault),
        ]);
    }
    let truncated = r#"{"id":"x","object":"chat.completion","choices":[{"index":0,"message":{"role":"assis"#;
    let truncated = Reply::status(200).header("content-type", "application/json").bytes(truncated);
    cases.extend([
        case("plain truncated JSON", Plain, Some(truncated), Right::Fallback),
        case("plain answer breaks the schema", Document, Some(Reply::chat(r#"{"name":5}"#)), Right::Fallback),
    ]);
    let four =
        || ["one", " two", " three", " four"].iter().fold(Reply::chat_beginning(), |reply, text| reply.chat_text(text));
    let malformed = Reply::chat_beginning().chat_text("one").chat_text(" two").bytes("data: {\"choices\":[{\n\n");
    let malformed = malformed.chat_text(" four").chat_text(" five").chat_end();
    cases.extend([
        case("error event before any token", Streamed, Some(Reply::sse(error_event())), Right::Fallback),
        case(
            "role only, then an error event",
            Streamed,
            Some(Reply::chat_beginning().bytes(error_event())),
            Right::Fallback,
        ),
        case("stream ends with no event", Streamed, Some(Reply::sse("")), Right::Fallback),
        case("cut after four tokens", Streamed, Some(four().cut()), Right::Incomplete),
        case("error event after four tokens", Streamed, Some(four().bytes(error_event())), Right::Incomplete),
        case("one event that cannot be read", Streamed, Some(malformed), Right::Finished),
        case("silence after four tokens", Streamed, Some(four().hang()), Right::Incomplete),
    ]);
    cases
}

/// What a provider that is well replies to such a question.
#[must_use]
pub fn well(asked: Asked) -> Reply {
    match asked {
        Asked::Plain => Reply::chat(WHOLE),
        Asked::Document => Reply::chat(DOCUMENT),
        Asked::Streamed => Reply::chat_stream(&["the whole", " answer"]),
    }
}

fn error(status: u16, kind: &str) -> Reply {
    Reply::error(status, &json!({"error": {"message": format!("scripted {kind}"), "type": kind, "code": kind}}))
}

fn error_event() -> String {
    let error = json!({"error": {"message": "scripted overload", "type": "server_error", "code": "server_error"}});
    format!("data: {error}\n\n")
}
