//! One connection, and a request on it.

use std::{
    fmt,
    future::{Future, poll_fn},
    pin::{Pin, pin},
    task::{Context, Poll},
};

use http::{Request, Response};
use hyper::{
    body::Incoming,
    client::conn::{http1, http2},
};
use hyper_rustls::MaybeHttpsStream;
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, time::Instant};

use super::body::Segments;

pub(super) type Stream = MaybeHttpsStream<TokioIo<TcpStream>>;

/// A connection on which a request can be sent.
pub(super) enum Connection {
    /// Carries one exchange at a time.
    One(Box<Exclusive>),
    /// Carries many; this is one of the handles.
    Many(http2::SendRequest<Segments>),
}

/// An HTTP/1.1 connection with the state machine that reads and writes it.
pub(super) struct Exclusive {
    sender: http1::SendRequest<Segments>,
    driver: http1::Connection<Stream, Segments>,
    /// Whether the driver ended; it must not be asked again then.
    is_over: bool,
    /// When it was last used.
    pub(super) used: Instant,
}

impl Exclusive {
    pub(super) fn new(sender: http1::SendRequest<Segments>, driver: http1::Connection<Stream, Segments>) -> Self {
        Self { sender, driver, is_over: false, used: Instant::now() }
    }

    /// Reads and writes what can be read and written now.
    pub(super) fn drive(&mut self, context: &mut Context<'_>) {
        if !self.is_over && Pin::new(&mut self.driver).poll(context).is_ready() {
            // An error of the connection is also that of the exchange on it, which reports it.
            self.is_over = true;
        }
    }

    /// Whether another request can be sent: the last exchange is over and the other side has not closed.
    pub(super) fn is_free(&mut self, context: &mut Context<'_>) -> bool {
        self.drive(context);
        !self.is_over && self.sender.is_ready()
    }

    async fn send(&mut self, request: Request<Segments>) -> hyper::Result<Response<Incoming>> {
        let mut answer = pin!(self.sender.send_request(request));
        let (driver, is_over) = (&mut self.driver, &mut self.is_over);
        poll_fn(|context| {
            if !*is_over && Pin::new(&mut *driver).poll(context).is_ready() {
                *is_over = true;
            }
            answer.as_mut().poll(context)
        })
        .await
    }
}

impl Connection {
    pub(super) fn is_http2(&self) -> bool {
        matches!(self, Self::Many(_))
    }

    /// Sends a request and waits for the headers of the answer.
    pub(super) async fn send(&mut self, request: Request<Segments>) -> hyper::Result<Response<Incoming>> {
        match self {
            Self::One(exclusive) => exclusive.send(request).await,
            Self::Many(sender) => sender.send_request(request).await,
        }
    }

    /// Goes on with an exchange whose body is being read.
    pub(super) fn drive(&mut self, context: &mut Context<'_>) -> Poll<()> {
        match self {
            Self::One(exclusive) => {
                exclusive.drive(context);
                Poll::Ready(())
            }
            // Its own task does.
            Self::Many(_) => Poll::Pending,
        }
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(if self.is_http2() { "Connection(HTTP/2)" } else { "Connection(HTTP/1.1)" })
    }
}
