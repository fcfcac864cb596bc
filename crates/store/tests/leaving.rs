//! That a process may end without closing its stores.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{env, process::Command};

use aerie_store::{Stores, StoresConfig};
use uuid::Uuid;

/// How many processes leave. Of those that tidied up at exit, some in a hundred died.
const PROCESSES: usize = 10;

/// Leaves while the threads of many connections are closing; run in a process of its own by the test below.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "part of another test"]
async fn leave() {
    let folder = tempfile::tempdir().unwrap();
    let config = StoresConfig { url: "embedded".into(), data: folder.path().to_owned(), migrate: true, connections: 4 };
    let stores = Stores::open(config).await.unwrap();
    let mut reading = Vec::new();
    for _ in 0..6 {
        let database = stores.person(Uuid::now_v7()).await.unwrap();
        for _ in 0..4 {
            let mut tx = database.read().await.unwrap();
            tx.fetch_all("select name from sqlite_master", vec![]).await.unwrap();
            reading.push(tx);
        }
    }
    assert_eq!(reading.len(), 24);
}

#[test]
fn a_process_that_does_not_close_its_stores_ends_well() {
    for number in 1..=PROCESSES {
        let mut command = Command::new(env::current_exe().unwrap());
        let output = command.args(["--exact", "leave", "--ignored"]).output().unwrap();
        let words = String::from_utf8_lossy(&output.stdout);
        assert!(words.contains("1 passed"), "{words}");
        assert!(output.status.success(), "process {number} of {PROCESSES}: {}", output.status);
    }
}
