//! Where a transport leads, and how a connection there is made.

use std::{
    error::Error,
    fmt,
    sync::{Arc, OnceLock},
    time::Duration,
};

use http::{HeaderMap, HeaderValue, Request, Uri, Version, header, uri::Scheme};
use hyper::client::conn::{http1, http2};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::connect::{Connected, Connection as _, HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use rustls::{ClientConfig, ConfigBuilder, RootCertStore, WantsVerifier};
use rustls_platform_verifier::BuilderVerifierExt;
use tower::Service;

use super::{
    BadAddress, Outgoing, SendError,
    body::Segments,
    connection::{Connection, Exclusive},
    pool::Pool,
    resolver::Resolver,
};

/// Most that is held of an answer's head; and the most of a body that waits to be read.
const READ_BUFFER_BYTES: usize = 256 << 10;
/// Between two signs of life on an HTTP/2 connection.
const KEEP_ALIVE: Duration = Duration::from_secs(20);

/// Which certificates are trusted. The system's are read at the first connection that needs them, once for all clones:
/// who asks only servers on this machine never does.
#[derive(Clone)]
pub struct Tls {
    config: Arc<OnceLock<Result<ClientConfig, rustls::Error>>>,
}

impl Tls {
    /// The certificates that the system trusts.
    #[must_use]
    pub fn of_system() -> Self {
        Self { config: Arc::default() }
    }

    /// A configuration of one's own (a private authority).
    #[must_use]
    pub fn of_config(config: ClientConfig) -> Self {
        Self { config: Arc::new(OnceLock::from(Ok(config))) }
    }

    fn config(&self) -> Result<ClientConfig, rustls::Error> {
        let read = || Ok(builder()?.with_platform_verifier()?.with_no_client_auth());
        self.config.get_or_init(read).clone()
    }
}

fn builder() -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()
}

/// Trusts nobody, for connections without TLS.
fn no_tls() -> Result<ClientConfig, rustls::Error> {
    Ok(builder()?.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
}

impl fmt::Debug for Tls {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Tls")
    }
}

pub(super) struct Connector {
    https: HttpsConnector<HttpConnector<Resolver>>,
    uri: Uri,
    origin: String,
    host: HeaderValue,
    /// Path of the base address without a slash at its end.
    prefix: String,
}

impl Connector {
    pub(super) fn new(base: &str, tls: &Tls, resolver: Resolver) -> Result<Self, BadAddress> {
        let bad = |reason: &str| BadAddress { address: base.to_owned(), reason: reason.to_owned() };
        let uri: Uri = base.trim().parse().map_err(|error: http::uri::InvalidUri| bad(&error.to_string()))?;
        let scheme = uri.scheme().filter(|scheme| **scheme == Scheme::HTTP || **scheme == Scheme::HTTPS);
        let scheme = scheme.ok_or_else(|| bad("it does not begin with http:// or https://"))?;
        let authority = uri.authority().ok_or_else(|| bad("it names no host"))?;
        if authority.as_str().contains('@') {
            return Err(bad("it holds a user name or password"));
        }
        if uri.query().is_some() {
            return Err(bad("it holds a query"));
        }
        let host = HeaderValue::from_str(authority.as_str()).map_err(|_| bad("its host cannot be sent"))?;
        let config = if *scheme == Scheme::HTTPS { tls.config() } else { no_tls() };
        let config = config.map_err(|error| bad(&format!("no certificates to trust: {error}")))?;
        let mut tcp = HttpConnector::new_with_resolver(resolver);
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(KEEP_ALIVE));
        let https = HttpsConnectorBuilder::new()
            .with_tls_config(config)
            .https_or_http()
            .enable_http1()
            .enable_http2()
            .wrap_connector(tcp);
        let origin = format!("{scheme}://{authority}");
        let prefix = uri.path().trim_end_matches('/').to_owned();
        Ok(Self { https, uri, origin, host, prefix })
    }

    pub(super) fn origin(&self) -> &str {
        &self.origin
    }

    /// Connects. A connection that carries many exchanges is also left in the pool.
    pub(super) async fn connect(&self, pool: &Pool) -> Result<Connection, SendError> {
        let failed = |reason: String| SendError::Connect { origin: self.origin.clone(), reason };
        let mut https = self.https.clone();
        let stream = https.call(self.uri.clone()).await.map_err(|error| failed(causes(&*error)))?;
        let connected: Connected = stream.connected();
        if !connected.is_negotiated_h2() {
            let (sender, driver) = http1::Builder::new()
                .max_buf_size(READ_BUFFER_BYTES)
                .handshake(stream)
                .await
                .map_err(|error| failed(causes(&error)))?;
            return Ok(Connection::One(Box::new(Exclusive::new(sender, driver))));
        }
        let (sender, driver) = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .adaptive_window(true)
            .keep_alive_interval(KEEP_ALIVE)
            .handshake(stream)
            .await
            .map_err(|error| failed(causes(&error)))?;
        // Ends with the last handle; its errors are those of the exchanges on it.
        tokio::spawn(async move { drop(driver.await) });
        pool.share(sender.clone());
        Ok(Connection::Many(sender))
    }

    /// Writes the head of a request.
    pub(super) fn request(&self, outgoing: &Outgoing<'_>, is_http2: bool) -> Result<Request<Segments>, SendError> {
        let failed = |error: http::Error| SendError::Request { reason: error.to_string() };
        let path = [self.prefix.as_str(), &outgoing.path].concat();
        let mut request = Request::new(Segments::new(&outgoing.body));
        *request.method_mut() = outgoing.method.clone();
        *request.headers_mut() = HeaderMap::clone(&outgoing.headers);
        if is_http2 {
            *request.version_mut() = Version::HTTP_2;
            let parts = self.uri.clone().into_parts();
            let builder = Uri::builder().path_and_query(path);
            let builder = parts.scheme.into_iter().fold(builder, |builder, scheme| builder.scheme(scheme));
            let builder = parts.authority.into_iter().fold(builder, |builder, authority| builder.authority(authority));
            *request.uri_mut() = builder.build().map_err(failed)?;
        } else {
            *request.uri_mut() = Uri::try_from(path).map_err(|error| failed(error.into()))?;
            request.headers_mut().insert(header::HOST, self.host.clone());
        }
        Ok(request)
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Connector({})", self.origin)
    }
}

/// An error with its causes, each said once.
pub(super) fn causes(error: &(dyn Error + 'static)) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !words.contains(&text) {
            words.push_str(": ");
            words.push_str(&text);
        }
        cause = error.source();
    }
    words
}
