//! HTTP to one backend: kept connections, time limits, bounded bodies.
//!
//! An HTTP/1.1 connection is driven by the task that waits for its answer, not by a task of its own: everything that
//! one read brought is there at once without a switch between tasks, and dropping the answer closes the connection at
//! that very moment. HTTP/2 (by ALPN, only with TLS) has one connection for all calls, driven by its own task until
//! the transport is dropped.

mod answer;
mod body;
mod connection;
mod connector;
mod pool;
mod resolver;

use std::{borrow::Cow, sync::Arc, time::Duration};

use aerie_network::AddressGuard;
use bytes::Bytes;
use http::{HeaderMap, Method};
use thiserror::Error;
use tokio::time::{Instant, timeout_at};

pub use self::{
    answer::{Answer, BodyError},
    connector::Tls,
};
use self::{connection::Connection, connector::Connector, pool::Pool, resolver::Resolver};

/// Sends requests to one origin. Clones share its connections.
#[derive(Debug, Clone)]
pub struct Transport {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    connector: Connector,
    pool: Arc<Pool>,
}

/// A base address that cannot be used.
#[derive(Debug, Clone, Error, PartialEq, Eq)]
#[error(
    "\"{address}\" is not a base address ({reason}); write http://host:port or https://host, with a path if need be"
)]
pub struct BadAddress {
    address: String,
    reason: String,
}

/// A request as it goes out.
#[derive(Debug, Clone)]
pub struct Outgoing<'a> {
    /// `POST` with a body, else `GET`.
    pub method: Method,
    /// Path and query below the base address, with a leading slash.
    pub path: Cow<'a, str>,
    /// Headers but for host and length.
    pub headers: Cow<'a, HeaderMap>,
    /// Body in segments.
    pub body: Vec<Bytes>,
}

/// How long to wait.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// To connect, once for every connection that is tried.
    pub connect: Duration,
    /// When the headers of the answer must be there.
    pub headers: Instant,
}

/// Why there is no answer.
#[derive(Debug, Clone, Error, PartialEq, Eq)]
pub enum SendError {
    /// There is no connection; nothing was sent.
    #[error("no connection to {origin}: {reason}")]
    Connect {
        /// Where to.
        origin: String,
        /// Why.
        reason: String,
    },
    /// Connecting took too long.
    #[error("no connection to {origin} within {} ms", limit.as_millis())]
    ConnectTimeout {
        /// Where to.
        origin: String,
        /// The limit.
        limit: Duration,
    },
    /// The headers took too long.
    #[error("no answer of {origin} in time")]
    HeadersTimeout {
        /// Where from.
        origin: String,
    },
    /// The connection broke before the headers came.
    #[error("the connection to {origin} broke before it answered: {reason}")]
    Broken {
        /// Where to.
        origin: String,
        /// Why.
        reason: String,
    },
    /// The request cannot be written as HTTP.
    #[error("the request cannot be written: {reason}")]
    Request {
        /// Why.
        reason: String,
    },
}

impl Transport {
    /// A transport to a base address (`https://host/v1`). Nothing is connected yet.
    ///
    /// # Errors
    /// An address that is none, or no certificates to trust.
    pub fn new(base: &str, tls: &Tls) -> Result<Self, BadAddress> {
        let connector = Connector::new(base, tls, Resolver::new(None))?;
        Ok(Self { inner: Arc::new(Inner { connector, pool: Arc::default() }) })
    }

    /// A transport to a place that somebody else chose: it connects only where the guard permits. The address itself is
    /// for the caller to check first ([`AddressGuard::check_url`]), which also refuses hosts by number.
    ///
    /// # Errors
    /// As [`Transport::new`].
    pub fn guarded(base: &str, tls: &Tls, guard: Arc<AddressGuard>) -> Result<Self, BadAddress> {
        let connector = Connector::new(base, tls, Resolver::new(Some(guard)))?;
        Ok(Self { inner: Arc::new(Inner { connector, pool: Arc::default() }) })
    }

    /// Scheme, host and port.
    #[must_use]
    pub fn origin(&self) -> &str {
        self.inner.connector.origin()
    }

    /// Sends a request and waits for the headers of its answer. Dropping the future closes the connection.
    ///
    /// # Errors
    /// [`SendError`]
    pub async fn send(&self, outgoing: Outgoing<'_>, limits: Limits) -> Result<Answer, SendError> {
        // A kept connection may have been closed by the other side just now: then the request was most likely not even
        // looked at, and goes out once more. On a new connection a break counts.
        if let Some(mut connection) = self.inner.pool.take() {
            match self.send_on(&mut connection, &outgoing, limits).await {
                Ok(response) => return Ok(Answer::new(response, connection, &self.inner.pool)),
                Err(SendError::Broken { .. }) => {}
                Err(other) => return Err(other),
            }
        }
        // Connecting is rare and its state large: boxed, calls on kept connections do not carry it.
        let mut connection = Box::pin(self.connect(limits)).await?;
        let response = self.send_on(&mut connection, &outgoing, limits).await?;
        Ok(Answer::new(response, connection, &self.inner.pool))
    }

    async fn connect(&self, limits: Limits) -> Result<Connection, SendError> {
        let end = limits.headers.min(Instant::now() + limits.connect);
        match timeout_at(end, self.inner.connector.connect(&self.inner.pool)).await {
            Ok(connected) => connected,
            Err(_) => Err(SendError::ConnectTimeout { origin: self.origin().to_owned(), limit: limits.connect }),
        }
    }

    async fn send_on(
        &self,
        connection: &mut Connection,
        outgoing: &Outgoing<'_>,
        limits: Limits,
    ) -> Result<http::Response<hyper::body::Incoming>, SendError> {
        let request = self.inner.connector.request(outgoing, connection.is_http2())?;
        match timeout_at(limits.headers, connection.send(request)).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => {
                Err(SendError::Broken { origin: self.origin().to_owned(), reason: connector::causes(&error) })
            }
            Err(_) => Err(SendError::HeadersTimeout { origin: self.origin().to_owned() }),
        }
    }
}

#[cfg(test)]
mod tests;
