//! Small documents from the issuers that the configuration names: within limits of size and time, and from nowhere else.

use std::time::Duration;

use reqwest::{Client, RequestBuilder, redirect::Policy};
use thiserror::Error;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const TIMEOUT: Duration = Duration::from_secs(10);
/// Largest document.
const MOST_BYTES: usize = 256 * 1024;

/// A document did not come.
#[derive(Debug, Clone, Error)]
pub(crate) enum FetchError {
    #[error("it cannot be reached: {0}")]
    Unreachable(String),
    #[error("it answered {0}")]
    Status(u16),
    #[error("its answer is larger than {MOST_BYTES} bytes")]
    TooLarge,
    #[error("its answer is not what was asked for")]
    Unreadable,
}

/// Fetches documents.
#[derive(Debug, Clone)]
pub(crate) struct Fetcher(Client);

impl Fetcher {
    /// # Errors
    /// The system's certificates cannot be loaded.
    pub(crate) fn new() -> Result<Self, reqwest::Error> {
        // Another part of the program may have installed the same provider already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .referer(false)
            .user_agent(concat!("Aerie/", env!("CARGO_PKG_VERSION")))
            .pool_max_idle_per_host(1)
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT);
        client.build().map(Self)
    }

    /// The document at an address.
    pub(crate) async fn get(&self, url: &str) -> Result<Vec<u8>, FetchError> {
        read(self.0.get(url).header("accept", "application/json")).await
    }

    /// The answer to a form; `basic` is a user name and password.
    pub(crate) async fn post(
        &self,
        url: &str,
        form: String,
        basic: Option<(&str, &str)>,
    ) -> Result<Vec<u8>, FetchError> {
        let request = self.0.post(url).header("accept", "application/json");
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(form);
        read(match basic {
            Some((user, password)) => request.basic_auth(user, Some(password)),
            None => request,
        })
        .await
    }
}

async fn read(request: RequestBuilder) -> Result<Vec<u8>, FetchError> {
    let failed = |error: reqwest::Error| FetchError::Unreachable(causes(&error.without_url()));
    let mut response = request.send().await.map_err(failed)?;
    if response.status() != reqwest::StatusCode::OK {
        return Err(FetchError::Status(response.status().as_u16()));
    }
    let mut document = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(failed)? {
        if document.len() + chunk.len() > MOST_BYTES {
            return Err(FetchError::TooLarge);
        }
        document.extend_from_slice(&chunk);
    }
    Ok(document)
}

fn causes(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        words = format!("{words}: {inner}");
        cause = inner.source();
    }
    words
}
