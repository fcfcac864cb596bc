//! The body of a request: segments that are written one after the other without being joined.

use std::{
    collections::VecDeque,
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

/// Segments of known length; HTTP/1.1 sends them with an exact `Content-Length` and as one vectored write.
#[derive(Debug)]
pub(super) struct Segments {
    rest: VecDeque<Bytes>,
    length: u64,
}

impl Segments {
    pub(super) fn new(segments: &[Bytes]) -> Self {
        let rest: VecDeque<Bytes> = segments.iter().filter(|segment| !segment.is_empty()).cloned().collect();
        let length = rest.iter().map(|segment| segment.len() as u64).sum();
        Self { rest, length }
    }
}

impl Body for Segments {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let Some(segment) = self.rest.pop_front() else { return Poll::Ready(None) };
        self.length -= segment.len() as u64;
        Poll::Ready(Some(Ok(Frame::data(segment))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length)
    }
}
