//! Streams as server-sent events (<https://html.spec.whatwg.org/multipage/server-sent-events.html>), for every method
//! with a stream of answers.
//!
//! `id:` is the message's `sequence`, and a browser that comes back with `Last-Event-ID` goes on after it. Nothing is
//! buffered here: the next message is asked for when the client has taken the last one, so a slow client slows its own
//! stream only.

use std::{convert::Infallible, sync::Arc, time::Duration};

use aerie_rpc::{ErrorCode, RpcError};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use http_body::Frame;
use http_body_util::StreamBody;
use prost_reflect::{DynamicMessage, Kind, MethodDescriptor, ReflectMessage, Value};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};
use tokio_util::sync::CancellationToken;
use tonic::{Status, Streaming, body::Body};

use crate::{
    admission::Place,
    answer,
    app::Inner,
    callers::Caller,
    codec::DynamicCodec,
    json::{HttpError, call, client, read_body, read_json, refuse},
};

const SEQUENCE: &str = "sequence";
const AFTER_SEQUENCE: &str = "after_sequence";
const LAST_EVENT_ID: &str = "last-event-id";
/// Asks browsers to come back after two seconds, and makes the headers leave at once.
const OPENING: &str = "retry: 2000\n\n";
const HEARTBEAT: &str = ": still here\n\n";
const END: &str = "event: end\ndata: {}\n\n";

/// Answers a call with a stream. The request message is in the query (`?message={…}`) or, for POST, in the body.
pub(crate) async fn events(
    inner: Arc<Inner>,
    caller: Caller,
    method: MethodDescriptor,
    request: Request<Body>,
) -> Response<Body> {
    let place = match inner.admission.enter(&caller.person, Instant::now()) {
        Ok(place) => place,
        Err(error) => return refuse(&inner, error.into()),
    };
    let (parts, body) = request.into_parts();
    let message = match read_request(&inner, &method, &parts, body).await {
        Ok(message) => message,
        Err(error) => return refuse(&inner, error),
    };
    let (mut client, path) = match client(&inner, &method) {
        Ok(pair) => pair,
        Err(error) => return refuse(&inner, error.into()),
    };
    let Ok(()) = client.ready().await;
    let codec = DynamicCodec { answer: method.output() };
    let watched = watch(&inner, &caller, place);
    match client.server_streaming(call(caller, &parts.headers, message), path, codec).await {
        Ok(answers) => respond(&inner, answers.into_inner(), watched),
        Err(status) => answer::error(&status, &inner.services.pool),
    }
}

/// What stops a stream: the server, or that its caller is not let in any more.
pub(crate) fn watch(inner: &Arc<Inner>, caller: &Caller, place: Place) -> (Place, CancellationToken) {
    let stop = inner.lifecycle.soft();
    if inner.callers.is_local() {
        return (place, stop);
    }
    let stop = stop.child_token();
    let (watching, token, caller) = (inner.clone(), stop.clone(), caller.clone());
    inner.lifecycle.spawn(async move {
        let mut ticks = heartbeat(watching.heartbeat);
        loop {
            tokio::select! {
                () = token.cancelled() => return,
                _ = ticks.tick() => {}
            }
            if !watching.callers.still_know(&caller).await {
                tracing::info!(person = %caller.person, "a stream ends: its caller is not let in any more");
                token.cancel();
            }
        }
    });
    (place.ending(stop.clone()), stop)
}

async fn read_request(
    inner: &Inner,
    method: &MethodDescriptor,
    parts: &http::request::Parts,
    body: Body,
) -> Result<DynamicMessage, HttpError> {
    let bytes = if parts.method == http::Method::GET { query_message(parts) } else { read_body(inner, body).await? };
    let mut message = read_json(method.input(), &bytes)?;
    continue_after(&mut message, &parts.headers)?;
    Ok(message)
}

fn query_message(parts: &http::request::Parts) -> Bytes {
    let query = parts.uri.query().unwrap_or_default();
    let found = url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "message");
    found.map(|(_, value)| Bytes::from(value.into_owned())).unwrap_or_default()
}

/// A browser that was cut off says which event it saw last; that wins over the address it started with.
fn continue_after(message: &mut DynamicMessage, headers: &HeaderMap) -> Result<(), RpcError> {
    let Some(last) = headers.get(LAST_EVENT_ID) else { return Ok(()) };
    let Some(field) = message.descriptor().get_field_by_name(AFTER_SEQUENCE) else { return Ok(()) };
    let text = last.to_str().unwrap_or_default().trim();
    if text.is_empty() {
        return Ok(());
    }
    let value = match field.kind() {
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => text.parse().ok().map(Value::I64),
        Kind::Uint64 | Kind::Fixed64 => text.parse().ok().map(Value::U64),
        _ => return Ok(()),
    };
    let Some(value) = value else {
        let message = "Last-Event-ID is not a sequence number; send the id of an event of this stream, or none";
        return Err(RpcError::new(ErrorCode::InvalidArgument, "LAST_EVENT_ID_INVALID", message));
    };
    message.set_field(&field, value);
    Ok(())
}

fn respond(
    inner: &Arc<Inner>,
    answers: Streaming<DynamicMessage>,
    (place, stop): (Place, CancellationToken),
) -> Response<Body> {
    let events = Events {
        answers,
        heartbeat: heartbeat(inner.heartbeat),
        stop,
        inner: inner.clone(),
        state: State::Opening,
        _place: place,
    };
    let frames = futures::stream::unfold(events, |mut events| async move {
        let text = events.next().await?;
        Some((Ok::<_, Infallible>(Frame::data(Bytes::from(text))), events))
    });
    let mut response = Response::new(Body::new(StreamBody::new(frames)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    *response.status_mut() = StatusCode::OK;
    response
}

fn heartbeat(every: Duration) -> Interval {
    let mut ticks = interval_at(Instant::now() + every, every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

struct Events {
    answers: Streaming<DynamicMessage>,
    heartbeat: Interval,
    stop: CancellationToken,
    inner: Arc<Inner>,
    state: State,
    _place: Place,
}

enum State {
    Opening,
    Running,
    Over,
}

impl Events {
    /// The next piece of the stream; none when it is over.
    async fn next(&mut self) -> Option<String> {
        match self.state {
            State::Over => return None,
            State::Opening => {
                self.state = State::Running;
                return Some(OPENING.to_owned());
            }
            State::Running => {}
        }
        let answer = tokio::select! {
            // Messages first: what is already there is delivered before the stream is ended by a stop.
            biased;
            answer = self.answers.message() => answer,
            () = self.stop.cancelled() => Err(RpcError::stopping().into()),
            _ = self.heartbeat.tick() => return Some(HEARTBEAT.to_owned()),
        };
        self.heartbeat.reset();
        match answer.and_then(|message| message.map(|message| event(&message)).transpose()) {
            Ok(Some(text)) => Some(text),
            Ok(None) => {
                self.state = State::Over;
                Some(END.to_owned())
            }
            Err(status) => {
                self.state = State::Over;
                Some(format!("event: error\ndata: {}\n\n", answer::error_json(&status, &self.inner.services.pool)))
            }
        }
    }
}

/// One message as an event. JSON has no line breaks of its own, so one `data:` line holds it.
fn event(message: &DynamicMessage) -> Result<String, Status> {
    let data = serde_json::to_string(message).map_err(|error| Status::from(RpcError::internal(error)))?;
    Ok(match sequence(message) {
        Some(sequence) => format!("id: {sequence}\ndata: {data}\n\n"),
        None => format!("data: {data}\n\n"),
    })
}

fn sequence(message: &DynamicMessage) -> Option<String> {
    match message.get_field_by_name(SEQUENCE)?.as_ref() {
        Value::I64(number) if *number > 0 => Some(number.to_string()),
        Value::U64(number) if *number > 0 => Some(number.to_string()),
        _ => None,
    }
}
