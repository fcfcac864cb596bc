use aerie_store::{StoreError, Stores, StoresConfig, accounts};
use aerie_testkit::postgres::{PostgresServer, TestPostgres};

use crate::embedded;

fn config(url: String) -> StoresConfig {
    StoresConfig { url, ..embedded(&std::env::temp_dir()) }
}

#[tokio::test]
async fn an_address_that_is_none_is_refused() {
    for url in ["", "mysql://user@host/database", "postgres://user:p4ssw0rd@host:port/database"] {
        let error = Stores::open(config(url.into())).await.unwrap_err();
        assert!(matches!(error, StoreError::BadUrl { .. }), "{url}: {error}");
        assert!(!error.to_string().contains("p4ssw0rd"), "{error}");
    }
}

#[tokio::test]
async fn a_wrong_password_or_database_is_told_without_the_password() {
    let Some(postgres) = TestPostgres::start().await.unwrap() else { return };
    let (wrong, absent) = (postgres.url().replace("sesame", "p4ssw0rd"), postgres.url().replace("/test_", "/absent_"));
    for url in [wrong, absent] {
        let error = Stores::open(config(url.clone())).await.unwrap_err();
        assert!(matches!(error, StoreError::BadUrl { .. }), "{url}: {error:?}");
        assert!(!error.to_string().contains("p4ssw0rd") && !error.to_string().contains("sesame"), "{error}");
    }
}

#[tokio::test]
async fn a_newer_or_older_schema_on_the_server_is_refused() {
    let Some(postgres) = TestPostgres::start().await.unwrap() else { return };
    let add = "insert into schema_version (version, name, applied_at) values (9999, 'later', now())";
    postgres.administer(add).unwrap();
    let error = Stores::open(config(postgres.url())).await.unwrap_err();
    assert!(matches!(error, StoreError::NewerSchema { found: 9999, .. }), "{error}");
    postgres.administer("delete from schema_version where version > 1").unwrap();
    let error = Stores::open(StoresConfig { migrate: false, ..config(postgres.url()) }).await.unwrap_err();
    assert!(matches!(error, StoreError::OlderSchema { found: 1, .. }), "{error}");
}

#[tokio::test]
async fn programs_that_start_together_migrate_once() {
    let Some(_) = TestPostgres::start().await.unwrap() else { return };
    let server = PostgresServer::start().unwrap();
    server.create_database("fresh").unwrap();
    let opened = futures::future::join_all((0..6).map(|_| Stores::open(config(server.url("fresh"))))).await;
    for stores in opened {
        stores.unwrap().close().await;
    }
}

#[tokio::test]
async fn a_server_that_went_away_is_transient_and_named() {
    let Some(_) = TestPostgres::start().await.unwrap() else { return };
    let server = PostgresServer::start().unwrap();
    server.create_database("fresh").unwrap();
    let url = server.url("fresh");
    let stores = Stores::open(config(url.clone())).await.unwrap();
    let place = server.socket_folder().display().to_string();
    drop(server);
    let during = async { accounts::people(&mut stores.platform().read().await?).await };
    let error = during.await.unwrap_err();
    assert!(error.is_transient() && error.to_string().contains(&place), "{error}");
    let error = Stores::open(config(url)).await.unwrap_err();
    assert!(error.is_transient() && error.to_string().contains(&place), "{error}");
    assert!(!std::path::Path::new(&place).exists(), "the server's folder is gone with it");
}
