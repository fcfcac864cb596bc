use std::{fs, os::unix::fs::PermissionsExt};

use aerie_store::{StoreError, Stores, jobs};
use uuid::Uuid;

use crate::{
    contents, embedded,
    fixture::{day, new_job, posting},
};

const MARKER: &str = "quicksilver-marmalade";

#[tokio::test]
async fn nothing_of_a_person_is_readable_in_any_file() {
    let folder = tempfile::tempdir().unwrap();
    let stores = Stores::open(embedded(folder.path())).await.unwrap();
    let database = stores.person(Uuid::now_v7()).await.unwrap();
    let mut job = new_job(posting(1));
    job.snapshot.posting.title = MARKER.into();
    let mut tx = database.begin().await.unwrap();
    jobs::insert_many_if_new(&mut tx, vec![job.clone()], day(1)).await.unwrap();
    jobs::update_notes(&mut tx, job.id, 1, MARKER, day(1)).await.unwrap();
    tx.commit().await.unwrap();
    for open in [true, false] {
        if !open {
            stores.close().await;
        }
        let files = contents(folder.path());
        assert_eq!(open, files.keys().any(|path| path.ends_with("store.db-wal")));
        for path in files.keys() {
            let bytes = fs::read(path).unwrap();
            let has_marker = bytes.windows(MARKER.len()).any(|window| window == MARKER.as_bytes());
            assert!(!has_marker, "{path} holds plain text");
            assert!(!bytes.starts_with(b"SQLite format 3"), "{path} is not encrypted");
        }
    }
}

#[tokio::test]
async fn the_secret_is_readable_by_its_owner_only() {
    let folder = tempfile::tempdir().unwrap();
    Stores::open(embedded(folder.path())).await.unwrap().close().await;
    let secret = folder.path().join("secret.key");
    assert_eq!(fs::metadata(&secret).unwrap().permissions().mode() & 0o777, 0o600);
    let text = fs::read_to_string(&secret).unwrap();
    let fingerprint = fs::read_to_string(folder.path().join("secret.fingerprint")).unwrap();
    assert!(!text.contains(fingerprint.trim()));
    let stores = Stores::open(embedded(folder.path())).await.unwrap();
    assert!(!format!("{stores:?}").contains(text.trim()), "the secret shows in debug output");
}

#[tokio::test]
async fn one_persons_key_does_not_open_anothers_store() {
    let folder = tempfile::tempdir().unwrap();
    let stores = Stores::open(embedded(folder.path())).await.unwrap();
    let (one, other) = (Uuid::now_v7(), Uuid::now_v7());
    stores.person(one).await.unwrap();
    stores.close().await;
    fs::create_dir_all(stores.person_folder(other)).unwrap();
    fs::copy(stores.person_folder(one).join("store.db"), stores.person_folder(other).join("store.db")).unwrap();
    let stores = Stores::open(embedded(folder.path())).await.unwrap();
    let error = stores.person(other).await.unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
    stores.person(one).await.unwrap();
}
