//! What a caller must show before it is answered.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    io,
    sync::Arc,
    task::{Context, Poll},
};

use futures::future::Either;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode, header};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tonic::{Status, body::Body};
use tower::Service;

use crate::{
    code::ErrorCode,
    error::RpcError,
    identity::{INTERNAL_HEADER_PREFIX, PERSON_HEADER, PersonId},
    signature::{IDENTITY_HEADER, Verifier},
    tls::{Tls, is_one_of},
};

/// Calls that are on nobody's behalf.
const FOR_EVERYBODY: [&str; 2] = ["/grpc.health.v1.", "/grpc.reflection."];

/// What a caller must show: nothing (a listener of this machine alone), or a certificate and a signed identity.
#[derive(Debug, Clone, Default)]
pub struct Gate {
    tls: Option<Arc<Tls>>,
    callers: Arc<[String]>,
    verifier: Option<Arc<Verifier>>,
}

impl Gate {
    pub(crate) fn new(tls: Option<Arc<Tls>>, callers: Vec<String>, verifier: Option<Arc<Verifier>>) -> Self {
        Self { tls, callers: callers.into(), verifier }
    }

    /// A gate that lets everybody in.
    #[must_use]
    pub fn open() -> Self {
        Self::default()
    }

    /// Makes a connection secure and finds out who is at the other end. None without TLS.
    pub(crate) async fn secure<S>(&self, stream: S) -> io::Result<Secured<S>>
    where
        S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    {
        let Some(tls) = &self.tls else { return Ok(Secured::Plain(stream)) };
        let stream = TlsAcceptor::from(tls.configs().server).accept(stream).await?;
        let certificate = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
        if !certificate.is_some_and(|certificate| is_one_of(certificate, &self.callers)) {
            let expected = self.callers.join(", ");
            return Err(io::Error::new(
                io::ErrorKind::PermissionDenied,
                format!("the caller's certificate is for none of {expected} (services.callers)"),
            ));
        }
        Ok(Secured::Tls(Box::new(stream)))
    }

    /// Believes in a request what is signed, and nothing else.
    fn admit<B>(&self, request: &mut Request<B>) -> Result<(), RpcError> {
        let Some(verifier) = &self.verifier else { return Ok(()) };
        let token = request.headers_mut().remove(IDENTITY_HEADER);
        let internal: Vec<HeaderName> = request
            .headers()
            .keys()
            .filter(|name| name.as_str().starts_with(INTERNAL_HEADER_PREFIX))
            .cloned()
            .collect();
        for name in internal {
            request.headers_mut().remove(name);
        }
        let path = request.uri().path();
        if FOR_EVERYBODY.iter().any(|prefix| path.starts_with(prefix)) {
            return Ok(());
        }
        let Some(token) = token.as_ref().and_then(|token| token.to_str().ok()) else {
            let message = "nobody is behind this call: it carries no signed identity";
            return Err(RpcError::new(ErrorCode::Unauthenticated, "IDENTITY_MISSING", message));
        };
        let person: PersonId = verifier.verify(token)?;
        if let Ok(person) = HeaderValue::from_str(person.as_str()) {
            request.headers_mut().insert(HeaderName::from_static(PERSON_HEADER), person);
        }
        Ok(())
    }
}

/// A connection, secured or not.
pub(crate) enum Secured<S> {
    Plain(S),
    Tls(Box<TlsStream<S>>),
}

/// A service behind a gate.
#[derive(Debug, Clone)]
pub(crate) struct Gated<S> {
    pub(crate) inner: S,
    pub(crate) gate: Gate,
}

impl<S, B> Service<Request<B>> for Gated<S>
where
    S: Service<Request<B>, Response = Response<Body>, Error = Infallible>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Either<S::Future, Ready<Result<Response<Body>, Infallible>>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        match self.gate.admit(&mut request) {
            Ok(()) => Either::Left(self.inner.call(request)),
            Err(error) => {
                tracing::warn!(path = request.uri().path(), "refused a call: {}", error.message);
                Either::Right(ready(Ok(refusal(&request, error))))
            }
        }
    }
}

/// In the form that the caller reads.
fn refusal<B>(request: &Request<B>, error: RpcError) -> Response<Body> {
    let content_type = request.headers().get(header::CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    if content_type.starts_with(b"application/grpc") {
        return Status::from(error).into_http();
    }
    let mut response = Response::new(Body::new(error.message));
    *response.status_mut() = StatusCode::UNAUTHORIZED;
    response
}
