//! WebDAV, S3-compatible storage.

use std::{collections::BTreeMap, sync::Mutex};

use aerie_integrations::{Effect, PushError, Settings, Wire, WireOptions, by_name};
use aerie_testkit::{
    python_server::{PASSWORD, PythonServer, USER},
    service::{Asked, Told},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use ring::digest;

use crate::world::{MARKER, World, assert_json, digest, document, job};

const NAME: &str = "Brief%20%E2%80%93%20M%C3%BCller%20&%20S%C3%B6hne%20(1).pdf";

/// A folder as WebDAV keeps it: `None` where it does not exist.
fn webdav(files: &Mutex<Option<BTreeMap<String, Vec<u8>>>>, asked: &Asked) -> Told {
    let wanted = format!("Basic {}", STANDARD.encode(format!("robin:{MARKER}")));
    assert_eq!(asked.header("authorization"), wanted);
    let mut files = files.lock().unwrap();
    match asked.method.as_str() {
        "MKCOL" => {
            assert_eq!(asked.target, "/dav/robin/Aerie");
            if files.is_some() {
                Told::status(405)
            } else {
                *files = Some(BTreeMap::new());
                Told::status(201)
            }
        }
        "HEAD" | "GET" => match files.as_ref().and_then(|files| files.get(&asked.target)) {
            Some(content) => Told::status(200).body(content.clone()),
            None => Told::status(404),
        },
        "PUT" => match files.as_mut() {
            Some(files) => {
                let is_new = files.insert(asked.target.clone(), asked.body.to_vec()).is_none();
                Told::status(if is_new { 201 } else { 204 })
            }
            None => Told::status(409),
        },
        method => panic!("{method} {}", asked.target),
    }
}

#[tokio::test]
async fn a_file_is_written_once_and_its_folder_made() {
    let files = Mutex::new(None);
    let settings = [("address", "{service}/dav/robin/Aerie"), ("user", "robin"), ("password", MARKER)];
    let world = World::start("webdav", &settings, &[], move |asked| webdav(&files, asked)).await;
    assert_eq!(world.push(&document(b"%PDF-1")).await.unwrap().effect, Effect::Created);
    let lines = world.lines();
    let file = format!("/dav/robin/Aerie/{NAME}");
    let put = format!("PUT {file}");
    assert_eq!(lines, [format!("HEAD {file}"), put.clone(), "MKCOL /dav/robin/Aerie".to_owned(), put.clone()]);
    assert_eq!(world.push(&document(b"%PDF-1")).await.unwrap().effect, Effect::Unchanged);
    assert_eq!(world.lines(), [format!("HEAD {file}"), format!("GET {file}")]);
    assert_eq!(world.push(&document(b"%PDF-2")).await.unwrap().effect, Effect::Updated, "of the same length");
    assert_eq!(world.service.take().pop().unwrap().header("content-type"), "application/pdf");
    assert_eq!(world.push(&digest()).await.unwrap().effect, Effect::Created);
    let asked = world.service.take().pop().unwrap();
    assert_eq!(asked.target, "/dav/robin/Aerie/digest-2026-03-02.md");
    assert_eq!(asked.text(), "# Applications on 2 March 2026\n\nComing up\n- Interview – 14:00\n");
    assert!(matches!(world.push(&job("applied")).await, Err(PushError::Refused { .. })));
}

#[tokio::test]
async fn a_real_webdav_server_takes_files() {
    let Some(server) = PythonServer::webdav().unwrap() else { return };
    let address = format!("http://127.0.0.1:{}", server.port);
    let options = WireOptions { allowed_hosts: vec![format!("127.0.0.1:{}", server.port)], ..WireOptions::default() };
    let wire = Wire::new(options).unwrap();
    let folder = format!("{address}/Aerie/");
    let settings = Settings::from([("address", folder.as_str()), ("user", USER), ("password", PASSWORD)]);
    let ready = by_name("webdav").unwrap().ready(&settings).unwrap();
    assert!(ready.test(&wire).await.unwrap().contains("can be written"), "{}", server.log());
    let written = server.folder().join("files/Aerie");
    assert_eq!(std::fs::read_dir(&written).unwrap().count(), 0, "the test leaves nothing");
    for (content, effect) in
        [(&b"%PDF-1"[..], Effect::Created), (b"%PDF-1", Effect::Unchanged), (b"%PDF-1.7", Effect::Updated)]
    {
        assert_eq!(ready.push(&wire, &document(content)).await.unwrap().effect, effect, "{}", server.log());
    }
    let content = std::fs::read(written.join("Brief – Müller & Söhne (1).pdf")).unwrap();
    assert_eq!(content, b"%PDF-1.7");
    let wrong = Settings::from([("address", folder.as_str()), ("user", USER), ("password", "no")]);
    let wrong = by_name("webdav").unwrap().ready(&wrong).unwrap();
    assert!(matches!(wrong.push(&wire, &document(b"x")).await, Err(PushError::Credentials { .. })));
    assert!(matches!(wrong.test(&wire).await, Err(PushError::Credentials { .. })));
}

fn sha256(bytes: &[u8]) -> String {
    digest::digest(&digest::SHA256, bytes).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A bucket as S3 keeps it: content and metadata.
fn s3(objects: &Mutex<BTreeMap<String, (Vec<u8>, String)>>, asked: &Asked) -> Told {
    let authorization = asked.header("authorization");
    let (day, time) = (asked.header("x-amz-date").get(..8).unwrap().to_owned(), asked.header("x-amz-date").to_owned());
    assert!(time.ends_with('Z') && time.len() == 16, "{time}");
    let scope = format!("AWS4-HMAC-SHA256 Credential=AKID/{day}/eu-central-1/s3/aws4_request,SignedHeaders=");
    assert!(authorization.starts_with(&scope), "{authorization}");
    let signed = authorization.strip_prefix(&scope).unwrap().split(',').next().unwrap();
    for name in signed.split(';') {
        assert!(asked.headers.contains_key(name), "{name} is signed but was not sent");
    }
    for name in asked.headers.keys().filter(|name| name.starts_with("x-amz-") || *name == "host") {
        assert!(signed.split(';').any(|known| known == name), "{name} was sent but is not signed");
    }
    assert_eq!(asked.header("x-amz-content-sha256"), sha256(&asked.body));
    let mut objects = objects.lock().unwrap();
    match asked.method.as_str() {
        "HEAD" => match objects.get(&asked.target) {
            Some((_, mark)) => Told::status(200).with("x-amz-meta-aerie-sha256", mark.clone()),
            None => Told::status(404),
        },
        "PUT" => {
            let mark = asked.header("x-amz-meta-aerie-sha256").to_owned();
            objects.insert(asked.target.clone(), (asked.body.to_vec(), mark));
            Told::status(200).with("etag", "\"1\"")
        }
        "DELETE" => {
            objects.remove(&asked.target);
            Told::status(204)
        }
        method => panic!("{method}"),
    }
}

const BUCKET: [(&str, &str); 6] = [
    ("address", "{service}"),
    ("region", "eu-central-1"),
    ("bucket", "papers"),
    ("prefix", "/aerie/letters/"),
    ("access_key_id", "AKID"),
    ("secret_access_key", MARKER),
];

#[tokio::test]
async fn an_object_is_written_once() {
    let objects = Mutex::new(BTreeMap::new());
    let world = World::start("s3", &BUCKET, &[], move |asked| s3(&objects, asked)).await;
    assert!(world.test().await.unwrap().contains("\"papers\""));
    let lines = world.lines();
    assert_eq!(lines, ["PUT /papers/aerie/letters/aerie-test.txt", "DELETE /papers/aerie/letters/aerie-test.txt"]);
    assert_eq!(world.push(&document(b"%PDF-1")).await.unwrap().effect, Effect::Created);
    let asked = world.service.take();
    let target = "/papers/aerie/letters/Brief%20%E2%80%93%20M%C3%BCller%20%26%20S%C3%B6hne%20%281%29.pdf";
    assert_eq!(asked.iter().map(Asked::line).collect::<Vec<_>>(), [format!("HEAD {target}"), format!("PUT {target}")]);
    assert_eq!(asked[1].header("content-type"), "application/pdf");
    assert_eq!(asked[1].header("x-amz-meta-aerie-sha256"), sha256(b"%PDF-1"));
    assert_eq!(world.push(&document(b"%PDF-1")).await.unwrap().effect, Effect::Unchanged);
    assert_eq!(world.lines(), [format!("HEAD {target}")]);
    assert_eq!(world.push(&document(b"%PDF-2")).await.unwrap().effect, Effect::Updated);
}

#[tokio::test]
async fn what_a_storage_says_is_understood() {
    let world = World::start("s3", &BUCKET, &[], |_| Told::status(404)).await;
    let xml = |code: &str| format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>no</Message></Error>");
    world.service.answer(move |_| Told::status(404).body(xml("NoSuchBucket")));
    assert!(matches!(world.test().await, Err(PushError::Settings { field: "bucket", .. })));
    world.service.answer(move |_| Told::status(301).body(xml("PermanentRedirect")));
    assert!(matches!(world.test().await, Err(PushError::Settings { field: "region", .. })));
    world.service.answer(move |_| Told::status(403).body(xml("SignatureDoesNotMatch")));
    assert!(matches!(world.push(&document(b"x")).await, Err(PushError::Credentials { .. })));
    assert_json(&serde_json::json!(world.service.take().len()), &serde_json::json!(4));
}
