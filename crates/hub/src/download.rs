//! One file, from where it stopped to its checksum.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use futures::StreamExt;
use reqwest::{StatusCode, header};

use crate::cache::{Repository, make_parent};
use crate::listing::{Remote, RemoteFile, accepted};
use crate::{HubError, Progress, Source};

/// Times that a download is gone on with by itself without a byte of progress between.
const TRIES: u32 = 5;

pub(crate) struct Downloader<'a> {
    pub(crate) remote: &'a Remote,
    pub(crate) repository: &'a Repository,
    pub(crate) pause: Duration,
}

impl Downloader<'_> {
    /// Makes a file whole: what is there is kept, what is missing downloaded, and all of it checked.
    pub(crate) async fn download(
        &self,
        source: &Source,
        commit: &str,
        file: &RemoteFile,
        progress: &mut impl FnMut(Progress<'_>),
    ) -> Result<(), HubError> {
        let whole = self.repository.blob(&file.blob);
        if length(&whole) == Some(file.size) {
            progress(Progress { file: &file.name, done: file.size, total: file.size });
            return Ok(());
        }
        let partial = self.repository.partial(&file.blob);
        make_parent(&partial)?;
        let url = self.remote.file_url(source, commit, &file.name);
        let (mut tries, mut pause) = (0, self.pause);
        while length(&partial).unwrap_or(0) < file.size || !partial.exists() {
            let before = length(&partial).unwrap_or(0);
            match self.continued(&url, file, &partial, progress).await {
                Ok(()) => {}
                Err(error @ (HubError::File { .. } | HubError::Malformed { .. })) => return Err(error),
                Err(HubError::Refused { url, status, remedy }) if status < 500 => {
                    return Err(HubError::Refused { url, status, remedy });
                }
                Err(error) => {
                    let moved = length(&partial).unwrap_or(0) > before;
                    tries = if moved { 1 } else { tries + 1 };
                    if tries >= TRIES {
                        return Err(error);
                    }
                    tokio::time::sleep(pause).await;
                    pause = pause.saturating_mul(2).min(Duration::from_secs(30));
                }
            }
        }
        if let Err(error) = file.blob.check(&partial) {
            fs::remove_file(&partial).map_err(HubError::file(&partial))?;
            return Err(error);
        }
        fs::rename(&partial, &whole).map_err(HubError::file(&whole))
    }

    /// Asks for the rest of a file and appends it.
    async fn continued(
        &self,
        url: &str,
        file: &RemoteFile,
        partial: &Path,
        progress: &mut impl FnMut(Progress<'_>),
    ) -> Result<(), HubError> {
        let mut done = length(partial).unwrap_or(0);
        let mut request = self.remote.client.get(url);
        if done > 0 {
            request = request.header(header::RANGE, format!("bytes={done}-"));
        }
        let response = request.send().await.map_err(|error| HubError::unreachable(url, &error))?;
        let response = accepted(response, url)?;
        let goes_on = response.status() == StatusCode::PARTIAL_CONTENT && starts_at(&response, done);
        if !goes_on {
            // The server sent all of it, or another part than was asked for.
            if response.status() == StatusCode::PARTIAL_CONTENT {
                let reason = "it sent another part of the file than was asked for".to_owned();
                return Err(HubError::Malformed { url: url.to_owned(), reason });
            }
            done = 0;
        }
        let mut target = open(partial, done)?;
        let mut stream = response.bytes_stream();
        while let Some(chunk) = stream.next().await {
            let chunk = chunk.map_err(|error| HubError::unreachable(url, &error))?;
            if done + chunk.len() as u64 > file.size {
                drop(target);
                fs::remove_file(partial).map_err(HubError::file(partial))?;
                let reason = format!("{} is larger than the {} bytes of the listing", file.name, file.size);
                return Err(HubError::Malformed { url: url.to_owned(), reason });
            }
            target.write_all(&chunk).map_err(HubError::file(partial))?;
            done += chunk.len() as u64;
            progress(Progress { file: &file.name, done, total: file.size });
        }
        target.sync_all().map_err(HubError::file(partial))?;
        if done < file.size {
            let reason = format!("the answer ended after {done} of {} bytes", file.size);
            return Err(HubError::Unreachable { url: url.to_owned(), reason });
        }
        Ok(())
    }
}

/// Opens a file to append after `keep` bytes.
fn open(path: &Path, keep: u64) -> Result<File, HubError> {
    let file = OpenOptions::new().create(true).append(true).open(path).map_err(HubError::file(path))?;
    file.set_len(keep).map_err(HubError::file(path))?;
    Ok(file)
}

fn length(path: &Path) -> Option<u64> {
    fs::metadata(path).ok().map(|data| data.len())
}

/// Whether a partial answer begins at this byte: `content-range: bytes 5-9/10`.
fn starts_at(response: &reqwest::Response, start: u64) -> bool {
    let range = response.headers().get(header::CONTENT_RANGE).and_then(|value| value.to_str().ok());
    let first = range.and_then(|range| range.strip_prefix("bytes ")).and_then(|range| range.split('-').next());
    first.and_then(|first| first.parse().ok()) == Some(start)
}
