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
        Self::within(TIMEOUT)
    }

    fn within(timeout: Duration) -> Result<Self, reqwest::Error> {
        // Another part of the program may have installed the same provider already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .referer(false)
            .user_agent(concat!("Aerie/", env!("CARGO_PKG_VERSION")))
            .pool_max_idle_per_host(1)
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(timeout);
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use aerie_testkit::service::{FakeService, Told};
    use tokio::net::TcpListener;

    use super::*;

    async fn served(told: impl Fn() -> Told + Send + Sync + 'static) -> Result<Vec<u8>, FetchError> {
        let service = FakeService::start(move |_| told()).await.unwrap();
        Fetcher::new().unwrap().get(&service.url("/keys")).await
    }

    #[tokio::test]
    async fn documents_have_a_size_and_come_from_where_they_were_asked_for() {
        assert_eq!(served(|| Told::status(200).body(vec![b' '; MOST_BYTES])).await.unwrap().len(), MOST_BYTES);
        let large = served(|| Told::status(200).body(vec![b' '; MOST_BYTES + 1])).await;
        assert!(matches!(large, Err(FetchError::TooLarge)), "{large:?}");
        // Small on the way, large when it is unpacked.
        let bomb = served(|| {
            let packed =
                [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3].into_iter().chain(stored(&vec![b' '; 60_000], 5)).collect();
            Told { status: 200, headers: vec![("content-encoding", "gzip".into())], body: packed }
        })
        .await;
        assert!(matches!(bomb, Err(FetchError::TooLarge)), "{bomb:?}");
        let elsewhere = served(|| Told::status(302).with("location", "http://127.0.0.1:1/")).await;
        assert!(matches!(elsewhere, Err(FetchError::Status(302))), "{elsewhere:?}");
        assert!(matches!(served(|| Told::status(500)).await, Err(FetchError::Status(500))));
        assert!(matches!(served(|| Told::status(0)).await, Err(FetchError::Unreachable(_))));
    }

    /// The same block several times in the form of DEFLATE that does not pack, without the end that a reader waits for.
    fn stored(block: &[u8], times: usize) -> Vec<u8> {
        let length = u16::try_from(block.len()).unwrap();
        let one = [&[0][..], &length.to_le_bytes(), &(!length).to_le_bytes(), block].concat();
        one.repeat(times)
    }

    #[tokio::test]
    async fn an_issuer_that_says_nothing_is_given_up() {
        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/keys", silent.local_addr().unwrap());
        let fetcher = Fetcher::within(Duration::from_millis(200)).unwrap();
        assert!(matches!(fetcher.get(&url).await, Err(FetchError::Unreachable(_))));
    }
}
