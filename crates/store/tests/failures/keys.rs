use std::fs;

use aerie_store::{StoreError, Stores};

use crate::{contents, embedded, filled};

#[tokio::test]
async fn another_secret_is_refused_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path(), 3).await;
    let secret = folder.path().join("secret.key");
    let right = fs::read(&secret).unwrap();
    for fingerprint in [true, false] {
        fs::write(&secret, "ab".repeat(32)).unwrap();
        if !fingerprint {
            fs::remove_file(folder.path().join("secret.fingerprint")).unwrap();
        }
        let before = contents(folder.path());
        let error = Stores::open(embedded(folder.path())).await.unwrap_err();
        assert!(matches!(error, StoreError::WrongKey { .. }), "{error}");
        let message = error.to_string();
        assert!(message.contains("platform.db") && message.contains("secret.key"), "{message}");
        assert_eq!(contents(folder.path()), before);
    }
    fs::write(&secret, right).unwrap();
    Stores::open(embedded(folder.path())).await.unwrap().close().await;
    assert!(folder.path().join("secret.fingerprint").exists(), "the fingerprint is left again");
}

#[tokio::test]
async fn a_missing_secret_is_not_replaced() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path(), 3).await;
    fs::remove_file(folder.path().join("secret.key")).unwrap();
    let before = contents(folder.path());
    let error = Stores::open(embedded(folder.path())).await.unwrap_err();
    assert!(matches!(error, StoreError::MissingKey { .. }), "{error}");
    assert!(error.to_string().contains("secret.key") && error.to_string().contains("backup"), "{error}");
    assert_eq!(contents(folder.path()), before);
}

#[tokio::test]
async fn a_secret_that_is_none_is_named() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path(), 3).await;
    let secret = folder.path().join("secret.key");
    for bad in [String::new(), "ab".repeat(31), "zz".repeat(32), "é".repeat(32), "ab".repeat(500)] {
        fs::write(&secret, &bad).unwrap();
        let before = contents(folder.path());
        let error = Stores::open(embedded(folder.path())).await.unwrap_err();
        assert!(matches!(error, StoreError::BadSecret { .. }), "{bad:?}: {error}");
        assert!(error.to_string().contains("secret.key") && error.to_string().contains("64"), "{error}");
        assert_eq!(contents(folder.path()), before);
    }
    fs::write(&secret, [0xff, 0xfe, 0x00]).unwrap();
    let error = Stores::open(embedded(folder.path())).await.unwrap_err();
    assert!(error.to_string().contains("secret.key"), "{error}");
}
