//! Through PgBouncer in transaction mode.

use std::sync::Arc;

use aerie_store::{ServerOptions, Stores, StoresConfig, jobs};
use aerie_testkit::{pgbouncer::PgBouncer, postgres::TestPostgres};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::fixture::{day, new_job, posting};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_stay_apart_on_shared_sessions() {
    let Some(postgres) = TestPostgres::start().await.unwrap() else { return };
    let Some(pooler) = PgBouncer::start(&postgres, 2).unwrap() else { return };
    let folder = tempfile::tempdir().unwrap();
    let config = StoresConfig {
        url: pooler.url().to_owned(),
        migrate: false,
        connections: 20,
        ..postgres.stores_config(folder.path())
    };
    let options = ServerOptions { pooled: true, ..ServerOptions::default() };
    let stores = Arc::new(Stores::open_with(config, options).await.unwrap());
    let mut work = JoinSet::new();
    for number in 0..20 {
        let stores = Arc::clone(&stores);
        work.spawn(async move {
            let database = stores.person(Uuid::now_v7()).await.unwrap();
            for round in 0..10 {
                let mut tx = database.begin().await.unwrap();
                let job = new_job(posting(number * 100 + round));
                jobs::insert_many_if_new(&mut tx, vec![job], day(1)).await.unwrap();
                tx.commit().await.unwrap();
                let mut tx = database.read().await.unwrap();
                let found = jobs::count_by_status(&mut tx).await.unwrap()["pending"];
                assert_eq!(found, i64::from(round) + 1, "rows of somebody else, or none");
                tx.commit().await.unwrap();
                // Nobody's scope is left behind on the session.
                let mut tx = stores.platform().read().await.unwrap();
                assert!(jobs::count_by_status(&mut tx).await.unwrap().is_empty());
                tx.commit().await.unwrap();
            }
        });
    }
    work.join_all().await;
    let sessions = postgres
        .administer("select count(*) from pg_stat_activity where datname = current_database() and usename = 'aerie'")
        .unwrap();
    assert!(sessions.trim().parse::<u32>().unwrap() <= 2, "{sessions} sessions");
}
