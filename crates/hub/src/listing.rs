//! What a hub says a repository holds.

use std::time::Duration;

use futures::StreamExt;
use reqwest::{Client, Response, StatusCode};
use serde::Deserialize;

use crate::digest::Blob;
use crate::{HubError, Source};

/// Largest listing that is read.
const MOST_BYTES: usize = 4 << 20;
/// Redirects followed: large files lie at other addresses.
const REDIRECTS: usize = 5;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// Time without a byte.
const READ_TIMEOUT: Duration = Duration::from_secs(60);

/// A hub's address and the means to ask it.
#[derive(Debug)]
pub(crate) struct Remote {
    pub(crate) client: Client,
    endpoint: String,
}

/// A commit with its files.
pub(crate) struct Listing {
    pub(crate) commit: String,
    pub(crate) files: Vec<RemoteFile>,
}

pub(crate) struct RemoteFile {
    pub(crate) name: String,
    pub(crate) size: u64,
    pub(crate) blob: Blob,
}

#[derive(Deserialize)]
struct Answer {
    sha: String,
    #[serde(default)]
    siblings: Vec<Sibling>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sibling {
    rfilename: String,
    size: Option<u64>,
    blob_id: Option<String>,
    lfs: Option<Lfs>,
}

#[derive(Deserialize)]
struct Lfs {
    sha256: String,
    size: u64,
}

impl Remote {
    pub(crate) fn new(endpoint: &str) -> Result<Self, HubError> {
        // One provider for the whole process; a second installation of the same one is no harm.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = Client::builder()
            .user_agent(concat!("aerie/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(READ_TIMEOUT)
            // A range of a compressed file is no range of the file.
            .no_gzip()
            .no_brotli()
            .no_deflate()
            .redirect(reqwest::redirect::Policy::limited(REDIRECTS));
        let client = builder.build().map_err(HubError::Client)?;
        Ok(Self { client, endpoint: endpoint.trim_end_matches('/').to_owned() })
    }

    /// Where a file lies.
    pub(crate) fn file_url(&self, source: &Source, commit: &str, name: &str) -> String {
        format!("{}/{}/resolve/{commit}/{name}", self.endpoint, source.repository)
    }

    /// The files of the revision, or of the commit that it was pinned to.
    pub(crate) async fn list(&self, source: &Source, pinned: Option<&str>) -> Result<Listing, HubError> {
        let revision = pinned.unwrap_or(&source.revision);
        let url = format!("{}/api/models/{}/revision/{revision}?blobs=true", self.endpoint, source.repository);
        let response = self.client.get(&url).send().await.map_err(|error| HubError::unreachable(&url, &error))?;
        let response = accepted(response, &url)?;
        let mut bytes = Vec::new();
        let mut stream = response.bytes_stream();
        while let Some(chunk) = stream.next().await {
            bytes.extend_from_slice(&chunk.map_err(|error| HubError::unreachable(&url, &error))?);
            if bytes.len() > MOST_BYTES {
                return Err(HubError::Malformed { url, reason: format!("the listing is over {MOST_BYTES} bytes") });
            }
        }
        let answer: Result<Answer, _> = parse(&bytes);
        let answer = answer.map_err(|reason| HubError::Malformed { url: url.clone(), reason })?;
        read(answer).map_err(|reason| HubError::Malformed { url, reason })
    }
}

fn parse<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, String> {
    serde_json::from_slice(bytes).map_err(|error| error.to_string())
}

fn read(answer: Answer) -> Result<Listing, String> {
    if !matches!(Blob::parse(&answer.sha), Some(Blob::Git(_))) {
        return Err(format!("\"{}\" is no commit", answer.sha));
    }
    let mut files = Vec::new();
    for Sibling { rfilename: name, size, blob_id, lfs } in answer.siblings {
        // Files in folders are no part of a model; a name that leads elsewhere is one of those too.
        let is_plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
        if !is_plain || name.is_empty() || name.starts_with('.') {
            continue;
        }
        let (sum, size) = match lfs {
            Some(lfs) => (Some(lfs.sha256), Some(lfs.size)),
            None => (blob_id, size),
        };
        let blob = sum.as_deref().and_then(Blob::parse);
        let (Some(blob), Some(size)) = (blob, size) else { return Err(format!("{name} has no checksum or no size")) };
        files.push(RemoteFile { name, size, blob });
    }
    Ok(Listing { commit: answer.sha, files })
}

/// The answer, where the hub did not refuse.
pub(crate) fn accepted(response: Response, url: &str) -> Result<Response, HubError> {
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let remedy = match status {
        StatusCode::NOT_FOUND => "check the names of the repository and the revision",
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            "the hub wants an account for it, or there is none of that name; download it by other means"
        }
        StatusCode::TOO_MANY_REQUESTS => "wait a while and start it again",
        _ => "start it again later; it goes on where it stopped",
    };
    Err(HubError::Refused { url: url.to_owned(), status: status.as_u16(), remedy })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn listed(json: &str) -> Result<Listing, String> {
        read(parse(json.as_bytes()).unwrap())
    }

    const COMMIT: &str = "ce013625030ba8dba906f756967f9e9ca394464a";

    #[test]
    fn names_that_lead_elsewhere_are_left_out() {
        let file = |name: &str| format!(r#"{{"rfilename": "{name}", "size": 5, "blobId": "{COMMIT}"}}"#);
        let names = ["config.json", "../config.json", "a/b.json", ".gitattributes", "/etc/passwd", ""].map(file);
        let listing = listed(&format!(r#"{{"sha": "{COMMIT}", "siblings": [{}]}}"#, names.join(","))).unwrap();
        assert_eq!(listing.files.iter().map(|file| file.name.as_str()).collect::<Vec<_>>(), ["config.json"]);
    }

    #[test]
    fn a_commit_or_checksum_that_is_none_is_refused() {
        assert!(listed(r#"{"sha": "../.."}"#).is_err());
        let odd = format!(r#"{{"sha": "{COMMIT}", "siblings": [{{"rfilename": "a", "size": 1, "blobId": "x/y"}}]}}"#);
        assert!(listed(&odd).err().unwrap().contains("a has no checksum"));
    }
}
