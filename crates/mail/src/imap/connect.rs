//! Opening a connection: TLS from the first byte, or STARTTLS; never a password in the clear.

use std::{fmt, sync::Arc, time::Duration};

use async_imap::{Authenticator, Client, Session};
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject};
use rustls::{ClientConfig, crypto::ring};
use rustls_platform_verifier::Verifier;
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::{ANSWER_TIMEOUT, ImapError, answer};

/// Longest wait for the connection and the handshake.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);

/// How a connection becomes an encrypted one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Security {
    /// TLS from the first byte, usually on port 993.
    #[default]
    Tls,
    /// A plain beginning that is upgraded before anything is said, usually on port 143.
    StartTls,
}

/// Where and as whom to read mail.
#[derive(Clone)]
pub struct Account {
    /// Host name, as in its certificate.
    pub host: String,
    /// Port.
    pub port: u16,
    /// How the connection is encrypted.
    pub security: Security,
    /// User.
    pub user: String,
    /// Password.
    pub password: String,
    /// Certificates (PEM) that are trusted beside the system's, for a server with an authority of its own.
    pub extra_roots: Vec<u8>,
}

impl fmt::Debug for Account {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The password never reaches a log.
        formatter.debug_struct("Account").field("host", &self.host).field("port", &self.port).finish_non_exhaustive()
    }
}

pub(super) type ImapSession = Session<TlsStream<TcpStream>>;

/// A connection that is logged in and reads only.
#[derive(Debug)]
pub struct Connection {
    pub(super) session: ImapSession,
    /// Whether the server tells of new mail by itself.
    pub(super) idle: bool,
}

struct Plain<'a>(&'a Account);

impl Authenticator for Plain<'_> {
    type Response = String;

    fn process(&mut self, _challenge: &[u8]) -> String {
        format!("\0{}\0{}", self.0.user, self.0.password)
    }
}

impl Connection {
    /// Connects, encrypts and logs in.
    ///
    /// # Errors
    /// When the server cannot be reached, its certificate is not trusted, or it does not accept the user.
    pub async fn open(account: &Account) -> Result<Self, ImapError> {
        let client =
            tokio::time::timeout(CONNECT_TIMEOUT, connect(account)).await.map_err(|_| ImapError::Timeout)??;
        let login = tokio::time::timeout(ANSWER_TIMEOUT, log_in(client, account));
        let mut session = login.await.map_err(|_| ImapError::Timeout)??;
        let idle = answer(session.capabilities()).await?.has_str("IDLE");
        Ok(Self { session, idle })
    }

    /// Waits until the server tells of a change, or until `limit` has passed; says whether there was one. The mailbox
    /// that was opened last is watched. A server without `IDLE` is asked again after the time.
    ///
    /// # Errors
    /// When the connection breaks.
    pub async fn wait_for_mail(self, limit: Duration) -> Result<(Self, bool), ImapError> {
        let Self { mut session, idle } = self;
        if !idle {
            tokio::time::sleep(limit).await;
            answer(session.noop()).await?;
            return Ok((Self { session, idle }, true));
        }
        let mut waiting = session.idle();
        answer(waiting.init()).await?;
        let (change, _interrupt) = waiting.wait_with_timeout(limit);
        let change = change.await?;
        let session = answer(waiting.done()).await?;
        let told = matches!(change, async_imap::extensions::idle::IdleResponse::NewData(_));
        Ok((Self { session, idle }, told))
    }

    /// Says good-bye. Dropping a connection is enough; this spares the server a warning.
    ///
    /// # Errors
    /// When the connection breaks first.
    pub async fn close(mut self) -> Result<(), ImapError> {
        answer(self.session.logout()).await
    }
}

async fn connect(account: &Account) -> Result<Client<TlsStream<TcpStream>>, ImapError> {
    let failed = |source| ImapError::Connect { host: account.host.clone(), port: account.port, source };
    let stream = TcpStream::connect((account.host.as_str(), account.port)).await.map_err(failed)?;
    let stream = match account.security {
        Security::Tls => stream,
        Security::StartTls => {
            let mut plain = Client::new(stream);
            plain.read_response().await.map_err(failed)?.ok_or(ImapError::Closed)?;
            plain.run_command_and_check_ok("STARTTLS", None).await?;
            // What the server sent behind its answer, still in the clear, is dropped with the client.
            plain.into_inner()
        }
    };
    let name = ServerName::try_from(account.host.clone())
        .map_err(|error| ImapError::Tls { host: account.host.clone(), reason: error.to_string() })?;
    let stream = TlsConnector::from(Arc::new(tls(account)?))
        .connect(name, stream)
        .await
        .map_err(|error| ImapError::Tls { host: account.host.clone(), reason: error.to_string() })?;
    let mut client = Client::new(stream);
    if account.security == Security::Tls {
        client.read_response().await.map_err(failed)?.ok_or(ImapError::Closed)?;
    }
    Ok(client)
}

fn tls(account: &Account) -> Result<ClientConfig, ImapError> {
    let wrong = |reason: String| ImapError::Tls { host: account.host.clone(), reason };
    let roots: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&account.extra_roots)
        .collect::<Result<_, _>>()
        .map_err(|error| wrong(format!("the extra certificates: {error}")))?;
    let provider = Arc::new(ring::default_provider());
    let verifier =
        Verifier::new_with_extra_roots(roots, Arc::clone(&provider)).map_err(|error| wrong(error.to_string()))?;
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| wrong(error.to_string()))?;
    Ok(config.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth())
}

/// `AUTHENTICATE PLAIN` takes any character in user and password; `LOGIN` is for servers that have nothing else.
async fn log_in(mut client: Client<TlsStream<TcpStream>>, account: &Account) -> Result<ImapSession, ImapError> {
    let refused = |reason: String| ImapError::Login { host: account.host.clone(), reason };
    if account.user.contains('\0') || account.password.contains('\0') {
        return Err(refused("they hold a NUL character".to_owned()));
    }
    match client.authenticate("PLAIN", Plain(account)).await {
        Ok(session) => return Ok(session),
        Err((async_imap::error::Error::Bad(_), again)) => client = again,
        Err((error, _)) => return Err(refused(error.to_string())),
    }
    client.login(&account.user, &account.password).await.map_err(|(error, _)| refused(error.to_string()))
}
