use std::{fs, path::Path};

use aerie_store::{StoreError, Stores, catalogue};

use crate::{contents, embedded, filled};

/// Opens the stores and reads the whole catalogue.
async fn read_everything(folder: &Path) -> Result<(), StoreError> {
    let stores = Stores::open(embedded(folder)).await?;
    let mut tx = stores.platform().read().await?;
    let found = catalogue::fingerprint(&mut tx).await.map(drop);
    drop(tx);
    stores.close().await;
    found
}

fn assert_corrupt(error: &StoreError, what: &str) {
    assert!(matches!(error, StoreError::Corrupt { .. }), "{what}: {error}");
    let message = error.to_string();
    assert!(message.contains("platform.db") && message.contains("backup"), "{what}: {message}");
}

#[tokio::test]
async fn a_damaged_file_is_told_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path(), 300).await;
    let file = folder.path().join("platform.db");
    let intact = fs::read(&file).unwrap();
    assert!(intact.len() > 100 * 4096);
    let middle = intact.len() / 4096 / 2 * 4096;
    let flipped = |at: usize| {
        let mut bytes = intact.clone();
        bytes[at] ^= 1;
        bytes
    };
    let cases = [
        ("garbage", vec![b'x'; 40_000]),
        ("garbage of whole pages", vec![b'x'; 40_960]),
        ("a text", b"select 1;".to_vec()),
        ("half of the file", intact[..middle].to_vec()),
        ("a cut page", intact[..middle + 100].to_vec()),
        ("a flipped bit in the first page", flipped(200)),
        ("a flipped bit in a page of the middle", flipped(middle + 100)),
        ("a page of zeros", {
            let mut bytes = intact.clone();
            bytes[middle..middle + 4096].fill(0);
            bytes
        }),
    ];
    for (what, bytes) in cases {
        fs::write(&file, &bytes).unwrap();
        let before = contents(folder.path());
        let error = read_everything(folder.path()).await.expect_err(what);
        assert_corrupt(&error, what);
        assert_eq!(contents(folder.path()), before, "{what}");
    }
    fs::write(&file, &intact).unwrap();
    read_everything(folder.path()).await.unwrap();
}

#[tokio::test]
async fn verifying_finds_a_flipped_bit_anywhere() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path(), 50).await;
    let file = folder.path().join("platform.db");
    let mut bytes = fs::read(&file).unwrap();
    let stores = Stores::open(embedded(folder.path())).await.unwrap();
    stores.platform().verify().await.unwrap();
    stores.close().await;
    let last_page = bytes.len() - 2048;
    bytes[last_page] ^= 1;
    fs::write(&file, &bytes).unwrap();
    match Stores::open(embedded(folder.path())).await {
        Ok(stores) => assert_corrupt(&stores.platform().verify().await.unwrap_err(), "verify"),
        Err(error) => assert_corrupt(&error, "open"),
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_opened_is_named() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path(), 1).await;
    fs::remove_file(folder.path().join("platform.db")).unwrap();
    fs::create_dir(folder.path().join("platform.db")).unwrap();
    let error = Stores::open(embedded(folder.path())).await.unwrap_err();
    assert!(matches!(error, StoreError::Inaccessible { .. }), "{error}");
    assert!(error.to_string().contains("platform.db"), "{error}");
}

#[tokio::test]
async fn a_data_folder_that_cannot_be_made_is_named() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("data"), "a file").unwrap();
    let error = Stores::open(embedded(&folder.path().join("data"))).await.unwrap_err();
    assert!(matches!(error, StoreError::Io { .. }) && error.to_string().contains("data"), "{error}");
}

#[tokio::test]
async fn a_lock_that_stays_is_transient_and_named() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path(), 1).await;
    let (one, other) =
        (Stores::open(embedded(folder.path())).await.unwrap(), Stores::open(embedded(folder.path())).await.unwrap());
    let holding = one.platform().begin().await.unwrap();
    let error = other.platform().begin().await.unwrap_err();
    assert!(error.is_transient() && error.to_string().contains("platform.db"), "{error}");
    // Whoever only reads does not wait for the writer.
    catalogue::counts(&mut other.platform().read().await.unwrap()).await.unwrap();
    drop(holding);
}
