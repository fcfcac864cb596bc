//! A disk that is full: a file system of a few megabytes in a mount namespace of a child process.

use std::{fs, path::Path, process::Command};

use aerie_store::{StoreError, Stores, catalogue};

use crate::{
    embedded,
    fixture::{day, new_posting},
};

const FOLDER: &str = "AERIE_TEST_FULL_DISK";

/// Exit code by which the shell says that it may not mount.
const NOT_PERMITTED: i32 = 77;

#[test]
fn a_full_disk_is_told_and_nothing_is_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let script = "mount -t tmpfs -o size=4m tmpfs \"$AERIE_TEST_FULL_DISK\" || exit 77; \
                  exec \"$0\" --exact disk::on_a_disk_of_four_megabytes --ignored --nocapture";
    let ended = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", script])
        .arg(std::env::current_exe().unwrap())
        .env(FOLDER, folder.path())
        .output();
    match ended {
        Ok(ended) if ended.status.success() => {}
        Ok(ended) if ended.status.code() == Some(NOT_PERMITTED) || not_permitted(&ended.stderr) => {
            eprintln!("skipped: no file system may be mounted here");
        }
        Ok(ended) => panic!("{}{}", String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr)),
        Err(error) => eprintln!("skipped: unshare: {error}"),
    }
}

fn not_permitted(stderr: &[u8]) -> bool {
    String::from_utf8_lossy(stderr).starts_with("unshare:")
}

#[tokio::test]
#[ignore = "run by a_full_disk_is_told_and_nothing_is_damaged in a small file system"]
async fn on_a_disk_of_four_megabytes() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let folder = Path::new(&folder);
    let filler = folder.join("filler");
    fs::write(&filler, vec![0u8; 1 << 20]).unwrap();
    let stores = Stores::open(embedded(folder)).await.unwrap();
    let mut kept = 0;
    let error = loop {
        match insert(&stores, kept).await {
            Ok(()) => kept += 100,
            Err(error) => break error,
        }
        assert!(kept < 100_000, "the disk does not fill");
    };
    assert!(matches!(error, StoreError::DiskFull { .. }), "{error:?}");
    assert!(error.to_string().contains("platform.db") && error.to_string().contains("free some space"), "{error}");
    assert_eq!(count(&stores).await, i64::from(kept), "the failed batch left something");
    // A second try fails the same way, and what was there stays.
    assert!(insert(&stores, kept).await.is_err());
    assert_eq!(count(&stores).await, i64::from(kept));
    fs::remove_file(&filler).unwrap();
    insert(&stores, kept).await.unwrap();
    stores.platform().verify().await.unwrap();
    stores.close().await;

    let stores = Stores::open(embedded(folder)).await.unwrap();
    assert_eq!(count(&stores).await, i64::from(kept) + 100);
    stores.platform().verify().await.unwrap();
}

async fn insert(stores: &Stores, first: u32) -> Result<(), StoreError> {
    let mut tx = stores.platform().begin().await?;
    catalogue::insert_batch(&mut tx, (first..first + 100).map(new_posting).collect(), day(1)).await?;
    tx.commit().await
}

async fn count(stores: &Stores) -> i64 {
    catalogue::counts(&mut stores.platform().read().await.unwrap()).await.unwrap().postings
}
