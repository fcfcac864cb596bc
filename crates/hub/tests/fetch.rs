//! Downloads from a server that breaks off, starts anew, and lies.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aerie_hub::{Cache, Hub, HubError, Source};
use ring::digest::{SHA256, digest};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
/// Git's checksum of "{}".
const CONFIG_BLOB: &str = "9e26dfeeb6e641a33dae4961196235bdb965b21b";

/// What the server does.
#[derive(Clone)]
struct Script {
    weights: Vec<u8>,
    /// Bytes after which an answer breaks off, for the first answers.
    cuts: Arc<Mutex<Vec<usize>>>,
    ignores_ranges: bool,
    /// First lines and ranges of the requests.
    asked: Arc<Mutex<Vec<String>>>,
    checksum: String,
}

impl Script {
    fn new() -> Self {
        let weights: Vec<u8> = (0..100_000u32).map(|number| (number % 251) as u8).collect();
        let checksum = digest(&SHA256, &weights).as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        Self { weights, cuts: Arc::default(), ignores_ranges: false, asked: Arc::default(), checksum }
    }

    async fn serve(self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(self.clone().answer(stream));
            }
        });
        format!("http://{address}")
    }

    async fn answer(self, mut stream: TcpStream) {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let Ok(byte) = stream.read_u8().await else { return };
            head.push(byte);
        }
        let head = String::from_utf8(head).unwrap();
        let path = head.split(' ').nth(1).unwrap().to_owned();
        let range = head.lines().find_map(|line| line.strip_prefix("range: bytes=")?.strip_suffix('-')?.parse().ok());
        self.asked.lock().unwrap().push(format!("{path} {}", range.unwrap_or(0)));
        let listing = json!({"sha": COMMIT, "siblings": [
            {"rfilename": "README.md", "size": 9, "blobId": CONFIG_BLOB},
            {"rfilename": "config.json", "size": 2, "blobId": CONFIG_BLOB},
            {"rfilename": "model.safetensors", "size": 134, "blobId": CONFIG_BLOB,
                "lfs": {"sha256": self.checksum, "size": self.weights.len(), "pointerSize": 134}},
        ]});
        let body = match path.as_str() {
            "/api/models/me/model/revision/v1?blobs=true" => listing.to_string().into_bytes(),
            path if path == format!("/api/models/me/model/revision/{COMMIT}?blobs=true") => {
                listing.to_string().into_bytes()
            }
            path if path == format!("/me/model/resolve/{COMMIT}/config.json") => b"{}".to_vec(),
            path if path == format!("/me/model/resolve/{COMMIT}/model.safetensors") => self.weights.clone(),
            _ => {
                stream.write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n").await.unwrap();
                return;
            }
        };
        let start: usize = if self.ignores_ranges { 0 } else { range.unwrap_or(0) };
        let rest = &body[start..];
        let status = if start > 0 { "206 Partial Content" } else { "200 OK" };
        let total = body.len();
        let head = format!(
            "HTTP/1.1 {status}\r\ncontent-length: {}\r\ncontent-range: bytes {start}-{}/{total}\r\nconnection: close\r\n\r\n",
            rest.len(),
            total - 1
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let cut = if path.contains("safetensors") { self.cuts.lock().unwrap().pop() } else { None };
        let _ = stream.write_all(&rest[..cut.unwrap_or(rest.len())]).await;
    }
}

fn wanted(name: &str) -> bool {
    name == "config.json" || name.ends_with(".safetensors")
}

fn hub(endpoint: &str, cache: &Path) -> Hub {
    Hub::new(endpoint, Cache::new(cache.to_owned())).unwrap().pausing(Duration::ZERO)
}

fn source() -> Source {
    Source::new("me/model", "v1").unwrap()
}

#[tokio::test]
async fn a_download_that_breaks_off_goes_on_and_is_pinned() {
    let script = Script::new();
    *script.cuts.lock().unwrap() = vec![10, 40_000];
    let asked = Arc::clone(&script.asked);
    let folder = tempfile::tempdir().unwrap();
    let endpoint = script.clone().serve().await;
    let hub = hub(&endpoint, folder.path());
    let mut last = 0;
    let seen = |progress: aerie_hub::Progress<'_>| last = progress.done;
    let snapshot = hub.fetch(&source(), wanted, seen).await.unwrap();
    assert_eq!((snapshot.commit.as_str(), last), (COMMIT, 100_000));
    assert_eq!(snapshot.files, ["config.json", "model.safetensors"]);
    assert_eq!(fs::read(snapshot.folder.join("model.safetensors")).unwrap(), script.weights);
    let repository = folder.path().join("models--me--model");
    assert_eq!(snapshot.folder, repository.join("snapshots").join(COMMIT));
    assert_eq!(fs::read_to_string(repository.join("refs/v1")).unwrap(), COMMIT);
    assert!(repository.join("blobs").join(&script.checksum).is_file());
    let weights = |line: &&String| line.contains("safetensors");
    let starts: Vec<String> = asked.lock().unwrap().iter().filter(weights).cloned().collect();
    let path = format!("/me/model/resolve/{COMMIT}/model.safetensors");
    assert_eq!(starts, [format!("{path} 0"), format!("{path} 40000"), format!("{path} 40010")]);

    asked.lock().unwrap().clear();
    let again = hub.fetch(&source(), wanted, |_| {}).await.unwrap();
    assert_eq!(again, snapshot);
    assert_eq!(*asked.lock().unwrap(), [format!("/api/models/me/model/revision/{COMMIT}?blobs=true 0")]);
    let offline = Hub::new("http://127.0.0.1:1", Cache::new(folder.path().to_owned())).unwrap();
    assert_eq!(offline.offline(&source(), wanted).unwrap(), snapshot);
}

#[tokio::test]
async fn a_server_without_ranges_starts_anew() {
    let script = Script { ignores_ranges: true, ..Script::new() };
    *script.cuts.lock().unwrap() = vec![40_000];
    let folder = tempfile::tempdir().unwrap();
    let endpoint = script.clone().serve().await;
    let snapshot = hub(&endpoint, folder.path()).fetch(&source(), wanted, |_| {}).await.unwrap();
    assert_eq!(fs::read(snapshot.folder.join("model.safetensors")).unwrap(), script.weights);
}

#[tokio::test]
async fn a_file_with_another_checksum_is_not_kept() {
    let script = Script { checksum: "0".repeat(64), ..Script::new() };
    let folder = tempfile::tempdir().unwrap();
    let endpoint = script.serve().await;
    let error = hub(&endpoint, folder.path()).fetch(&source(), wanted, |_| {}).await.unwrap_err();
    assert!(matches!(error, HubError::Checksum { .. }), "{error}");
    let blobs: Vec<_> = fs::read_dir(folder.path().join("models--me--model/blobs")).unwrap().flatten().collect();
    assert_eq!(blobs.len(), 1, "only the configuration: {blobs:?}");
    let error = hub(&endpoint, folder.path()).offline(&source(), wanted).unwrap_err();
    assert!(error.to_string().contains("start it without --offline"), "{error}");
}

#[tokio::test]
async fn a_file_that_has_changed_is_noticed_offline() {
    let folder = tempfile::tempdir().unwrap();
    let hub = hub(&Script::new().serve().await, folder.path());
    let snapshot = hub.fetch(&source(), wanted, |_| {}).await.unwrap();
    fs::write(snapshot.folder.join("model.safetensors"), "other").unwrap();
    assert!(matches!(hub.offline(&source(), wanted).unwrap_err(), HubError::Checksum { .. }));
}

#[tokio::test]
async fn what_cannot_be_had_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let hub = hub(&Script::new().serve().await, folder.path());
    let unknown = Source::new("me/model", "v2").unwrap();
    let error = hub.fetch(&unknown, wanted, |_| {}).await.unwrap_err().to_string();
    assert!(error.contains("404") && error.contains("revision"), "{error}");
    let nobody = Hub::new("http://127.0.0.1:1", Cache::new(folder.path().to_owned())).unwrap();
    let error = nobody.fetch(&source(), wanted, |_| {}).await.unwrap_err().to_string();
    assert!(error.contains("http://127.0.0.1:1/") && error.contains("cannot be reached"), "{error}");
    for (repository, revision) in [("model", "v1"), ("a/b/c", "v1"), ("../b", "v1"), ("a/b", "../v1"), ("a/b", "")] {
        assert!(Source::new(repository, revision).is_err(), "{repository} {revision}");
    }
}
