//! Opening the platform store and the store of each person.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    str::FromStr,
    sync::Arc,
    time::Duration,
};

use sqlx::{
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::{
    Database, Scope, ServerSecret, StoreError,
    database::Pools,
    migrations::{self, Migration},
};

/// A person, who is also a tenant.
pub type PersonId = Uuid;

/// Where the stores are and how to open them.
#[derive(Debug, Clone)]
pub struct StoresConfig {
    /// `embedded`, or `postgres://user:password@host/database`.
    pub url: String,
    /// Folder of the embedded stores, their secret and people's files.
    pub data: PathBuf,
    /// Whether to bring older schemas up to date when opening; otherwise they are an error.
    pub migrate: bool,
    /// Connections to PostgreSQL, or readers of one embedded store.
    pub connections: u32,
}

/// Every store of an installation.
#[derive(Debug)]
pub struct Stores {
    config: StoresConfig,
    platform: Database,
    secret: Option<ServerSecret>,
    people: Mutex<HashMap<PersonId, Database>>,
}

impl Stores {
    /// Opens (and, on first use, creates) the platform store. People's stores are opened when first asked for.
    pub async fn open(config: StoresConfig) -> Result<Self, StoreError> {
        if config.url == "embedded" {
            return Self::open_embedded(config).await;
        }
        if !config.url.starts_with("postgres://") && !config.url.starts_with("postgresql://") {
            return Err(bad_url(&config.url, "the scheme is not known"));
        }
        Self::open_postgres(config).await
    }

    async fn open_embedded(config: StoresConfig) -> Result<Self, StoreError> {
        let io = |source| StoreError::Io { path: config.data.clone(), source };
        fs::create_dir_all(&config.data).map_err(io)?;
        let platform_path = config.data.join("platform.db");
        let users = config.data.join("users");
        let is_new = !platform_path.exists() && !users.exists();
        let secret = ServerSecret::load_or_create(&config.data.join("secret.key"), &config.data, is_new)?;
        let platform =
            open_sqlite(&platform_path, &secret, "platform", &config, migrations::SQLITE_PLATFORM, Scope::Platform)
                .await?;
        Ok(Self { config, platform, secret: Some(secret), people: Mutex::new(HashMap::new()) })
    }

    async fn open_postgres(config: StoresConfig) -> Result<Self, StoreError> {
        let options =
            PgConnectOptions::from_str(&config.url).map_err(|error| bad_url(&config.url, &error.to_string()))?;
        let place = format!("{}:{}", options.get_host(), options.get_port());
        let pool = PgPoolOptions::new()
            .max_connections(config.connections.max(2))
            .acquire_timeout(Duration::from_secs(10))
            .connect_with(options)
            .await?;
        let platform = Database::new(Arc::new(Pools::Postgres { pool, place }), Scope::Platform);
        migrations::migrate(&platform, migrations::POSTGRES, config.migrate).await?;
        Ok(Self { config, platform, secret: None, people: Mutex::new(HashMap::new()) })
    }

    /// Accounts and the posting catalogue.
    pub fn platform(&self) -> &Database {
        &self.platform
    }

    /// Folder of people's files and embedded stores.
    pub fn data(&self) -> &Path {
        &self.config.data
    }

    /// Where a person's files lie.
    pub fn person_folder(&self, person: PersonId) -> PathBuf {
        self.config.data.join("users").join(person.to_string())
    }

    /// The store of one person, created at first use.
    pub async fn person(&self, person: PersonId) -> Result<Database, StoreError> {
        let Some(secret) = &self.secret else {
            return Ok(self.platform.scoped(Scope::Person(person)));
        };
        let mut people = self.people.lock().await;
        if let Some(database) = people.get(&person) {
            return Ok(database.clone());
        }
        let folder = self.person_folder(person);
        fs::create_dir_all(&folder).map_err(|source| StoreError::Io { path: folder.clone(), source })?;
        let database = open_sqlite(
            &folder.join("store.db"),
            secret,
            &person.to_string(),
            &self.config,
            migrations::SQLITE_PERSON,
            Scope::Person(person),
        )
        .await?;
        people.insert(person, database.clone());
        Ok(database)
    }

    /// On PostgreSQL, the scope in which workers claim anybody's tasks; on SQLite there is none, since every store has
    /// a task table of its own.
    pub fn worker(&self) -> Option<Database> {
        self.secret.is_none().then(|| self.platform.scoped(Scope::Worker))
    }

    /// Closes every connection; open transactions are waited for.
    pub async fn close(&self) {
        let people: Vec<Database> = self.people.lock().await.drain().map(|(_, database)| database).collect();
        for database in people.iter().chain([&self.platform]) {
            match database.pools() {
                Pools::Sqlite { writer, readers, .. } => {
                    readers.close().await;
                    writer.close().await;
                }
                Pools::Postgres { pool, .. } => pool.close().await,
            }
        }
    }
}

async fn open_sqlite(
    path: &Path,
    secret: &ServerSecret,
    purpose: &str,
    config: &StoresConfig,
    schema: &[Migration],
    scope: Scope,
) -> Result<Database, StoreError> {
    let key = secret.sqlcipher_key(purpose);
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        // sqlx sends the key before every other pragma.
        .pragma("key", format!("\"{key}\""))
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(5))
        .pragma("temp_store", "memory")
        .statement_cache_capacity(256);
    let reopened = |error: sqlx::Error| match StoreError::from(error) {
        // SQLCipher cannot tell a wrong key from a damaged first page; an intact length speaks for the key.
        StoreError::Corrupt { detail, .. } if first_page_is_whole(path) => {
            let _ = detail;
            StoreError::WrongKey { path: path.to_owned(), secret_hint: secret.path().display().to_string() }
        }
        StoreError::Corrupt { detail, .. } => StoreError::Corrupt { path: path.to_owned(), detail },
        StoreError::DiskFull { .. } => StoreError::DiskFull { place: path.display().to_string() },
        other => other,
    };
    let writer = SqlitePoolOptions::new()
        .max_connections(1)
        .acquire_timeout(Duration::from_secs(30))
        .connect_with(options.clone())
        .await
        .map_err(reopened)?;
    // Without this a wrong key shows only at the first real query.
    sqlx::query("select count(*) from sqlite_master").fetch_one(&writer).await.map_err(reopened)?;
    let readers = SqlitePoolOptions::new()
        .min_connections(0)
        .max_connections(config.connections.max(1))
        .idle_timeout(Duration::from_secs(60))
        .acquire_timeout(Duration::from_secs(30))
        .connect_lazy_with(options.read_only(true));
    let pools = Pools::Sqlite { writer, readers, path: path.to_owned() };
    let database = Database::new(Arc::new(pools), scope);
    migrations::migrate(&database, schema, config.migrate).await?;
    Ok(database)
}

/// Whether the file's length is a whole number of pages, as SQLite always leaves it.
fn first_page_is_whole(path: &Path) -> bool {
    const PAGE: u64 = 4096;
    fs::metadata(path).is_ok_and(|metadata| metadata.len() >= PAGE && metadata.len() % PAGE == 0)
}

fn bad_url(url: &str, reason: &str) -> StoreError {
    // A password may stand between the last ':' and the '@'.
    let shown = match (url.find("://"), url.rfind('@')) {
        (Some(scheme), Some(at)) if at > scheme => format!("{}://…{}", &url[..scheme], &url[at..]),
        _ => url.to_owned(),
    };
    StoreError::BadUrl { url: shown, reason: reason.to_owned() }
}
