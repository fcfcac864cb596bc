//! No credential is in any log, at whatever level: this program, the HTTP client and the encryption below it included.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "pushing/kinds.rs"]
#[allow(dead_code)]
mod kinds;
#[path = "pushing/world.rs"]
#[allow(dead_code)]
mod world;

use std::{
    io,
    sync::{Arc, Mutex},
};

use aerie_integrations::all;
use aerie_testkit::service::Told;
use base64::{Engine, engine::general_purpose::STANDARD};

use world::{MARKER, World, service_account};

/// Everything that is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn no_credential_is_logged() {
    let log = Log::default();
    let writer = log.clone();
    tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_writer(move || writer.clone())
        .init();
    let key = serde_json::from_str::<serde_json::Value>(service_account()).unwrap();
    let key_line = key["private_key"].as_str().unwrap().lines().nth(3).unwrap().to_owned();
    for kind in all() {
        let Some((values, hosts)) = kinds::settings(kind.info.name) else { continue };
        let world = World::start(kind.info.name, &values, &hosts, |_| Told::status(500)).await;
        assert!(world.push(&kinds::item(kind.info.topics)).await.is_err());
        assert!(world.test().await.is_err());
    }
    let text = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
    assert!(text.lines().count() > 50 && text.contains("hyper"), "the client's own log is there");
    for secret in [MARKER, &key_line, &STANDARD.encode(format!("robin:{MARKER}"))] {
        let found = text.lines().find(|line| line.contains(secret));
        assert!(found.is_none(), "{found:?}");
    }
}
