//! What goes wrong with a store is said clearly, and nothing is damaged by it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "failures/disk.rs"]
mod disk;
#[path = "failures/encryption.rs"]
mod encryption;
#[path = "failures/files.rs"]
mod files;
#[path = "contract/fixture.rs"]
#[allow(dead_code)]
mod fixture;
#[path = "failures/keys.rs"]
mod keys;
#[path = "failures/schema.rs"]
mod schema;
#[path = "failures/server.rs"]
mod server;

use std::{collections::BTreeMap, fs, io::ErrorKind, path::Path};

use aerie_store::{Stores, StoresConfig, catalogue};
use ring::digest::{SHA256, digest};
use uuid::Uuid;

use fixture::{day, new_posting};

fn embedded(folder: &Path) -> StoresConfig {
    StoresConfig { url: "embedded".into(), data: folder.to_owned(), migrate: true, connections: 2 }
}

/// A folder with a person and a catalogue of `postings` postings, everything closed.
async fn filled(folder: &Path, postings: u32) -> Uuid {
    let stores = Stores::open(embedded(folder)).await.unwrap();
    let person = Uuid::now_v7();
    stores.person(person).await.unwrap();
    let mut tx = stores.platform().begin().await.unwrap();
    let postings = (0..postings).map(new_posting).collect();
    catalogue::insert_batch(&mut tx, postings, day(1)).await.unwrap();
    tx.commit().await.unwrap();
    stores.close().await;
    person
}

/// Every file below a folder with its length and SHA-256. What SQLite leaves beside a file that it refused to read, an
/// empty log and its index, says nothing and is left out.
fn contents(folder: &Path) -> BTreeMap<String, (usize, String)> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(contents(&path));
        } else {
            // The thread of a connection that was refused may still be taking its log away.
            let bytes = match fs::read(&path) {
                Ok(bytes) => bytes,
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => panic!("{}: {error}", path.display()),
            };
            let name = path.display().to_string();
            if name.ends_with("-shm") || (name.ends_with("-wal") && bytes.is_empty()) {
                continue;
            }
            let digest = digest(&SHA256, &bytes);
            found.insert(name, (bytes.len(), format!("{digest:?}")));
        }
    }
    found
}
