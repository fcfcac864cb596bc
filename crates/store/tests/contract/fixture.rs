//! Stores of either engine, and postings to put in.

use aerie_postings::{Posting, RemoteKind, TextExtent};
use aerie_store::{
    Database, PersonId, Stores, StoresConfig,
    catalogue::{Blocks, DedupeForm, NewPosting},
    jobs::{JobSnapshot, NewJob},
};
use aerie_testkit::postgres::TestPostgres;
use chrono::{DateTime, Duration, Utc};
use tempfile::TempDir;
use uuid::Uuid;

/// Stores, one person in them, and what must outlive them.
pub struct Fixture {
    pub stores: Stores,
    pub person: PersonId,
    pub database: Database,
    pub postgres: Option<TestPostgres>,
    folder: TempDir,
}

impl Fixture {
    pub async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config =
            StoresConfig { url: "embedded".into(), data: folder.path().to_owned(), migrate: true, connections: 4 };
        Self::open(config, folder, None).await
    }

    /// `None` where PostgreSQL is not installed.
    pub async fn postgres() -> Option<Self> {
        let postgres = TestPostgres::start().await.unwrap()?;
        let folder = tempfile::tempdir().unwrap();
        let config = postgres.stores_config(folder.path());
        Some(Self::open(config, folder, Some(postgres)).await)
    }

    async fn open(config: StoresConfig, folder: TempDir, postgres: Option<TestPostgres>) -> Self {
        let stores = Stores::open(config).await.unwrap();
        let person = Uuid::now_v7();
        let database = stores.person(person).await.unwrap();
        Self { stores, person, database, postgres, folder }
    }

    /// The same stores as another process has them.
    pub async fn opened_again(&self) -> Stores {
        let config = match &self.postgres {
            Some(postgres) => postgres.stores_config(self.folder.path()),
            None => StoresConfig {
                url: "embedded".into(),
                data: self.folder.path().to_owned(),
                migrate: true,
                connections: 4,
            },
        };
        Stores::open(config).await.unwrap()
    }

    /// The platform store.
    pub fn platform(&self) -> &Database {
        self.stores.platform()
    }
}

/// Noon of a day of March 2026.
pub fn day(day: i64) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339("2026-03-01T12:00:00Z").unwrap().to_utc() + Duration::days(day - 1)
}

pub fn posting(number: u32) -> Posting {
    Posting {
        source: "greenhouse".into(),
        source_id: Some(number.to_string()),
        title: format!("Engineer {number}"),
        company: "Larkspur Instruments".into(),
        url: format!("https://boards.example.com/larkspur/{number}"),
        apply_url: None,
        places: vec![],
        remote: RemoteKind::Hybrid,
        remote_scope: None,
        employment: vec![],
        seniority: None,
        salary: None,
        description_html: "<p>Build gauges.</p>".into(),
        description_text: "Build gauges.".into(),
        extent: TextExtent::FullText,
        department: None,
        tags: vec![],
        language: None,
        posted_at: Some(day(1)),
        updated_at: None,
        expires_at: None,
        closed: false,
    }
}

/// A block and a band that every [`new_posting`] has.
pub const OF_ALL: i64 = 1_000_000;

/// Blocks of home 0, a band for each, and what is compared.
pub fn found_at(blocks: &[i64], features: &[u8]) -> DedupeForm {
    let blocks = Blocks { home: 0, blocks: blocks.to_vec(), bands: blocks.to_vec(), fingerprint: 7 };
    DedupeForm { blocks, features: features.to_vec() }
}

pub fn new_posting(number: u32) -> NewPosting {
    NewPosting {
        id: Uuid::now_v7(),
        posting: posting(number),
        board: Some("larkspur".into()),
        keys: vec![format!("greenhouse:{number}")],
        dedupe: found_at(&[i64::from(number), OF_ALL], &number.to_le_bytes()),
        match_features: vec![1, 2, 3],
        embedding: None,
    }
}

pub fn new_job(posting: Posting) -> NewJob {
    NewJob {
        id: Uuid::now_v7(),
        posting_id: Uuid::now_v7(),
        status: "pending".into(),
        snapshot: JobSnapshot { posting, links: vec![] },
        surfaced_by: Some("greenhouse".into()),
        search_profile_id: None,
        score: None,
    }
}

/// No ids.
pub const NONE: [Uuid; 0] = [];
