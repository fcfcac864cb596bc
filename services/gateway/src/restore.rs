//! `POST /backup/restore`: a backup from a browser, which cannot send a stream of messages. The body is the file as it is;
//! it goes on to the service piece by piece, as fast as that takes it.

use std::{sync::Arc, time::Duration};

use aerie_proto::pipeline::v1::{RestoreBackupRequest, moving_service_client::MovingServiceClient};
use aerie_rpc::{ErrorCode, RpcError};
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, header};
use http_body_util::BodyExt;
use prost::Message;
use prost_reflect::DynamicMessage;
use tokio::{sync::oneshot, time::Instant};
use tonic::body::Body;

use crate::{
    answer,
    app::Inner,
    callers::Caller,
    json::{HttpError, call, refuse},
};

/// Where it lies.
pub(crate) const PATH: &str = "/backup/restore";
/// The call that it becomes; it counts wherever something depends on what is asked for.
pub(crate) const METHOD: &str = "/aerie.pipeline.v1.MovingService/RestoreBackup";
/// Header with the passphrase: its UTF-8 in base64, since headers hold no other letters than English ones.
const PASSPHRASE: &str = "backup-passphrase";
const MOST_PASSPHRASE_BYTES: usize = 4096;
/// Largest file that is taken from a browser; larger ones are restored from a terminal.
const MOST_BYTES: u64 = 4 << 30;
/// Bytes of one message.
const PIECE: usize = 256 << 10;

/// Restores what the request brings.
pub(crate) async fn answer(inner: Arc<Inner>, caller: Caller, request: Request<Body>) -> Response<Body> {
    let _place = match inner.admission.enter(&caller.person, Instant::now()) {
        Ok(place) => place,
        Err(error) => return refuse(&inner, error.into()),
    };
    let (parts, body) = request.into_parts();
    let head = match head(&parts.headers, parts.uri.query().unwrap_or_default()) {
        Ok(head) => head,
        Err(error) => return refuse(&inner, error),
    };
    let (Some(backend), Some(method)) = (inner.services.backend(METHOD), inner.services.method(METHOD)) else {
        let message = "no service here restores backups";
        return refuse(&inner, RpcError::not_found("PATH_UNKNOWN", message).into());
    };
    let (broken, breaks) = oneshot::channel();
    let pieces = Pieces::new(head, body, MOST_BYTES, inner.body_timeout, broken);
    let pieces = futures::stream::unfold(pieces, |mut pieces| async {
        let piece = pieces.next().await?;
        Some((piece, pieces))
    });
    let mut client = MovingServiceClient::new(backend).max_decoding_message_size(inner.limits.message_bytes);
    let restored = client.restore_backup(call(caller, &parts.headers, pieces));
    let restored = tokio::select! {
        biased;
        // The call is dropped, and with it whatever the service has received: half a file must not look like a whole one.
        Ok(error) = breaks => return refuse(&inner, error),
        restored = restored => restored,
    };
    let report = match restored {
        Ok(report) => report.into_inner().encode_to_vec(),
        Err(status) => return answer::error(&status, &inner.services.pool),
    };
    let value = DynamicMessage::decode(method.output(), report.as_slice())
        .map_err(RpcError::internal)
        .and_then(|message| serde_json::to_value(message).map_err(RpcError::internal));
    match value {
        Ok(value) => answer::json(StatusCode::OK, &value),
        Err(error) => refuse(&inner, error.into()),
    }
}

/// The first message: everything but the file.
fn head(headers: &HeaderMap, query: &str) -> Result<RestoreBackupRequest, HttpError> {
    let is_file = headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes() == b"application/octet-stream");
    if !is_file {
        let message = "send the backup as it is, with Content-Type: application/octet-stream";
        let error = RpcError::new(ErrorCode::Unimplemented, "MEDIA_TYPE_UNSUPPORTED", message);
        return Err(HttpError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, error));
    }
    let length = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > MOST_BYTES) {
        return Err(too_large(MOST_BYTES));
    }
    let mut sent = headers.get_all(PASSPHRASE).iter();
    let (Some(passphrase), None) = (sent.next(), sent.next()) else {
        let message = format!("send the passphrase once, as the header {PASSPHRASE}: its UTF-8 in base64");
        return Err(RpcError::invalid_field(PASSPHRASE, message).into());
    };
    let passphrase = Some(passphrase.as_bytes())
        .filter(|text| text.len() <= MOST_PASSPHRASE_BYTES)
        .and_then(|text| STANDARD.decode(text).ok())
        .and_then(|bytes| String::from_utf8(bytes).ok());
    let passphrase = passphrase
        .ok_or_else(|| RpcError::invalid_field(PASSPHRASE, "is not the base64 of a text; encode its UTF-8"))?;
    let replace = url::form_urlencoded::parse(query.as_bytes()).any(|pair| pair == ("replace".into(), "true".into()));
    Ok(RestoreBackupRequest { passphrase, replace, content: Vec::new() })
}

fn too_large(most: u64) -> HttpError {
    let message =
        format!("the backup is larger than {most} bytes; restore it from a terminal: aerie backup restore FILE");
    let error = RpcError::new(ErrorCode::ResourceExhausted, "BACKUP_TOO_LARGE", message);
    HttpError::new(StatusCode::PAYLOAD_TOO_LARGE, error)
}

/// The messages of one restore.
struct Pieces {
    head: Option<RestoreBackupRequest>,
    body: Body,
    /// What came and is not sent on yet.
    rest: Bytes,
    taken: u64,
    most: u64,
    /// How long the next bytes may take.
    patience: Duration,
    /// Where it is told that the file does not come whole.
    broken: Option<oneshot::Sender<HttpError>>,
}

impl Pieces {
    fn new(
        head: RestoreBackupRequest,
        body: Body,
        most: u64,
        patience: Duration,
        broken: oneshot::Sender<HttpError>,
    ) -> Self {
        Self { head: Some(head), body, rest: Bytes::new(), taken: 0, most, patience, broken: Some(broken) }
    }

    /// The next message. Never ends where the file breaks off: the end of the stream would say that it is complete.
    async fn next(&mut self) -> Option<RestoreBackupRequest> {
        if let Some(head) = self.head.take() {
            return Some(head);
        }
        match self.read().await {
            Ok(true) => {
                let content = self.rest.split_to(PIECE.min(self.rest.len())).to_vec();
                Some(RestoreBackupRequest { content, ..RestoreBackupRequest::default() })
            }
            Ok(false) => None,
            Err(error) => {
                if let Some(broken) = self.broken.take() {
                    // Nobody listens where the call is over already.
                    let _ = broken.send(error);
                }
                std::future::pending().await
            }
        }
    }

    /// Whether there is more.
    async fn read(&mut self) -> Result<bool, HttpError> {
        while self.rest.is_empty() {
            let frame = tokio::time::timeout(self.patience, self.body.frame()).await.map_err(|_| {
                let message = format!("nothing of the backup arrived for {} seconds", self.patience.as_secs());
                let error = RpcError::new(ErrorCode::DeadlineExceeded, "REQUEST_TOO_SLOW", message);
                HttpError::new(StatusCode::REQUEST_TIMEOUT, error)
            })?;
            let Some(frame) = frame else { return Ok(false) };
            let frame = frame.map_err(|error| {
                let message = format!("the backup broke off: {}; send it again", error.message());
                HttpError::from(RpcError::new(ErrorCode::Cancelled, "REQUEST_INCOMPLETE", message))
            })?;
            if let Ok(data) = frame.into_data() {
                self.taken = self.taken.saturating_add(data.len() as u64);
                self.rest = data;
            }
            if self.taken > self.most {
                return Err(too_large(self.most));
            }
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use futures::stream;
    use http_body::Frame;
    use http_body_util::StreamBody;
    use tonic::Status;

    use super::*;

    fn pieces(frames: Vec<Result<Bytes, Status>>, most: u64) -> (Pieces, oneshot::Receiver<HttpError>) {
        let (broken, breaks) = oneshot::channel();
        let body = Body::new(StreamBody::new(stream::iter(frames.into_iter().map(|frame| frame.map(Frame::data)))));
        let head = RestoreBackupRequest { passphrase: "a passphrase".into(), replace: true, content: Vec::new() };
        (Pieces::new(head, body, most, Duration::from_secs(5), broken), breaks)
    }

    #[tokio::test]
    async fn a_file_becomes_a_head_and_pieces_that_are_not_too_large() {
        let file: Vec<u8> = (0..PIECE * 2 + 10).map(|at| at as u8).collect();
        let frames = vec![Ok(Bytes::from(file.clone())), Ok(Bytes::new()), Ok(Bytes::from_static(b"end"))];
        let (mut pieces, _breaks) = pieces(frames, u64::MAX);
        let head = pieces.next().await.unwrap();
        assert_eq!((head.passphrase.as_str(), head.replace, head.content.len()), ("a passphrase", true, 0));
        let mut whole = Vec::new();
        while let Some(piece) = pieces.next().await {
            assert!(piece.passphrase.is_empty() && (1..=PIECE).contains(&piece.content.len()));
            whole.extend(piece.content);
        }
        assert_eq!(whole, [file.as_slice(), b"end"].concat());
    }

    #[tokio::test]
    async fn a_file_that_breaks_off_or_is_too_large_never_looks_complete() {
        for (frames, status) in [
            (vec![Ok(Bytes::from_static(b"half")), Err(Status::cancelled("gone"))], StatusCode::from_u16(499).unwrap()),
            (vec![Ok(Bytes::from_static(b"half")), Ok(Bytes::from_static(b"too much"))], StatusCode::PAYLOAD_TOO_LARGE),
        ] {
            let (mut pieces, breaks) = pieces(frames, 8);
            assert!(pieces.next().await.is_some());
            assert_eq!(pieces.next().await.unwrap().content, b"half");
            tokio::select! {
                _ = pieces.next() => unreachable!("the stream must not go on"),
                error = breaks => assert_eq!(error.unwrap().status(), status),
            }
        }
    }

    #[test]
    fn the_head_is_checked() {
        let headers = |passphrase: &str, kind: &str, length: &str| {
            let pairs = [("backup-passphrase", passphrase), ("content-type", kind), ("content-length", length)];
            pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect::<HeaderMap>()
        };
        let file = "application/octet-stream";
        let read = head(&headers("w7xiZXJhbGwgMTIz", file, "5"), "replace=true").unwrap_or_default();
        assert_eq!((read.passphrase.as_str(), read.replace), ("\u{fc}berall 123", true));
        assert!(!head(&headers("YQ==", file, "5"), "replace=false&x").unwrap_or_default().replace);
        for (headers, status) in [
            (headers("YQ==", "application/json", "5"), 415),
            (headers("YQ==", file, "99999999999"), 413),
            (headers("not base64", file, "5"), 400),
            (headers("//8=", file, "5"), 400),
            (HeaderMap::from_iter([(header::CONTENT_TYPE, file.parse().unwrap())]), 400),
        ] {
            assert_eq!(head(&headers, "").err().map(|error| error.status().as_u16()), Some(status), "{headers:?}");
        }
    }
}
