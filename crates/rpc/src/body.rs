//! A response body that knows when it must end, and tells how it ended.

use std::{
    fmt,
    future::{Future, pending},
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::{
    sync::OwnedSemaphorePermit,
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status, body::Body};

use crate::{code::ErrorCode, error::RpcError};

/// How a call ended: its gRPC code.
pub type Outcome = Code;

type Finished = Box<dyn FnOnce(Outcome) + Send>;

/// A gRPC response body with limits.
///
/// It ends with `DeadlineExceeded` when the caller's time is up, with `Unavailable` when the server stops while the
/// stream is waiting for more, holds the call's place until it is done, and reports the outcome once.
pub struct GuardedBody {
    inner: Option<Body>,
    deadline: Option<Instant>,
    stop: Option<CancellationToken>,
    /// What ends it while it waits. Most answers never wait, so that it is made when one does.
    end: Option<Pin<Box<dyn Future<Output = RpcError> + Send>>>,
    permit: Option<OwnedSemaphorePermit>,
    finished: Option<Finished>,
}

impl GuardedBody {
    /// Wraps a body without any limit yet.
    #[must_use]
    pub fn new(inner: Body) -> Self {
        Self { inner: Some(inner), deadline: None, stop: None, end: None, permit: None, finished: None }
    }

    /// Ends the stream at this instant.
    #[must_use]
    pub fn until(mut self, deadline: Option<Instant>) -> Self {
        self.deadline = deadline;
        self
    }

    /// Ends the stream when the server stops and the stream has nothing to say at that moment.
    #[must_use]
    pub fn until_stop(mut self, stop: CancellationToken) -> Self {
        self.stop = Some(stop);
        self
    }

    /// Keeps the call's place until the body is done or dropped.
    #[must_use]
    pub fn holding(mut self, permit: Option<OwnedSemaphorePermit>) -> Self {
        self.permit = permit;
        self
    }

    /// Calls `report` once with the outcome; a body that is dropped before its end counts as cancelled.
    #[must_use]
    pub fn reporting(mut self, report: impl FnOnce(Outcome) + Send + 'static) -> Self {
        self.finished = Some(Box::new(report));
        self
    }

    fn finish(&mut self, outcome: Outcome) {
        self.inner = None;
        self.permit = None;
        if let Some(report) = self.finished.take() {
            report(outcome);
        }
    }

    fn end_with(&mut self, error: RpcError) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let status = Status::from(error);
        self.finish(status.code());
        let mut trailers = HeaderMap::new();
        Poll::Ready(Some(status.add_header(&mut trailers).map(|()| Frame::trailers(trailers))))
    }
}

/// Waits for whatever ends a body first.
async fn end(deadline: Option<Instant>, stop: Option<CancellationToken>) -> RpcError {
    let late = async {
        match deadline {
            Some(deadline) => sleep_until(deadline).await,
            None => pending().await,
        }
    };
    let stopped = async {
        match stop {
            Some(stop) => stop.cancelled_owned().await,
            None => pending().await,
        }
    };
    tokio::select! {
        biased;
        () = late => deadline_exceeded(),
        () = stopped => RpcError::stopping(),
    }
}

impl HttpBody for GuardedBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = &mut *self;
        let Some(inner) = this.inner.as_mut() else { return Poll::Ready(None) };
        if let Poll::Ready(frame) = Pin::new(inner).poll_frame(context) {
            match &frame {
                Some(Ok(frame)) => {
                    if let Some(trailers) = frame.trailers_ref() {
                        this.finish(Status::from_header_map(trailers).map_or(Code::Unknown, |status| status.code()));
                    }
                }
                Some(Err(status)) => this.finish(status.code()),
                None => this.finish(Code::Ok),
            }
            return Poll::Ready(frame);
        }
        let end = this.end.get_or_insert_with(|| Box::pin(end(this.deadline, this.stop.take())));
        match end.as_mut().poll(context) {
            Poll::Ready(error) => this.end_with(error),
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.as_ref().map_or_else(|| SizeHint::with_exact(0), HttpBody::size_hint)
    }
}

impl Drop for GuardedBody {
    fn drop(&mut self) {
        let is_over = self.inner.as_ref().is_none_or(HttpBody::is_end_stream);
        self.finish(if is_over { Code::Ok } else { Code::Cancelled });
    }
}

impl fmt::Debug for GuardedBody {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("GuardedBody")
    }
}

/// The caller's time, or the longest time we allow, is up.
pub(crate) fn deadline_exceeded() -> RpcError {
    RpcError::new(ErrorCode::DeadlineExceeded, "DEADLINE_EXCEEDED", "the call did not finish within its time limit")
}
