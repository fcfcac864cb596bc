//! An answer whose body is being read.

use std::{
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Response, StatusCode};
use http_body::Body;
use hyper::body::Incoming;
use thiserror::Error;

use super::{connection::Connection, connector::causes, pool::Pool};

/// Status, headers and the body that is still to come. Dropping it closes the connection unless the body was read to
/// its end.
#[derive(Debug)]
pub struct Answer {
    /// Status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    body: Incoming,
    connection: Option<Connection>,
    pool: Arc<Pool>,
}

/// Why a body ended early.
#[derive(Debug, Clone, Error, PartialEq, Eq)]
pub enum BodyError {
    /// The connection broke.
    #[error("the answer broke off: {0}")]
    Broken(String),
    /// It is longer than allowed.
    #[error("the answer is longer than {0} bytes")]
    TooLong(usize),
}

impl Answer {
    pub(super) fn new(response: Response<Incoming>, connection: Connection, pool: &Arc<Pool>) -> Self {
        let (parts, body) = response.into_parts();
        Self {
            status: parts.status,
            headers: parts.headers,
            body,
            connection: Some(connection),
            pool: Arc::clone(pool),
        }
    }

    /// The next bytes of the body; none at its end. All that was read from the network already is ready at once.
    pub fn poll_bytes(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        loop {
            let frame = match Pin::new(&mut self.body).poll_frame(context) {
                Poll::Ready(frame) => frame,
                Poll::Pending => {
                    // Go on reading, and look once more.
                    let Some(connection) = &mut self.connection else { return Poll::Pending };
                    ready!(connection.drive(context));
                    ready!(Pin::new(&mut self.body).poll_frame(context))
                }
            };
            match frame {
                None => {
                    if let Some(connection) = self.connection.take() {
                        self.pool.give(connection);
                    }
                    return Poll::Ready(None);
                }
                Some(Err(error)) => return Poll::Ready(Some(Err(BodyError::Broken(causes(&error))))),
                Some(Ok(frame)) => {
                    // Trailers mean nothing here.
                    if let Ok(bytes) = frame.into_data() {
                        return Poll::Ready(Some(Ok(bytes)));
                    }
                }
            }
        }
    }

    /// The whole body.
    ///
    /// # Errors
    /// A body that is cut or longer than `limit` bytes.
    pub async fn bytes(&mut self, limit: usize) -> Result<Bytes, BodyError> {
        let mut whole = Bytes::new();
        let mut joined = BytesMut::new();
        while let Some(bytes) = poll_fn(|context| self.poll_bytes(context)).await {
            let bytes = bytes?;
            if whole.len() + joined.len() + bytes.len() > limit {
                return Err(BodyError::TooLong(limit));
            }
            // Nearly every answer comes in one piece, which need not be copied.
            if whole.is_empty() && joined.is_empty() {
                whole = bytes;
                continue;
            }
            if joined.is_empty() {
                joined.extend_from_slice(&std::mem::take(&mut whole));
            }
            joined.extend_from_slice(&bytes);
        }
        Ok(if joined.is_empty() { whole } else { joined.freeze() })
    }
}
