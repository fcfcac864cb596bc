//! Opening the platform store and the store of each person.

use std::{
    collections::{HashMap, HashSet},
    fs,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock, PoisonError, RwLock},
    time::Duration,
};

use sqlx::{
    Connection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tokio::{
    sync::{Mutex, OnceCell},
    time::timeout,
};
use uuid::Uuid;

use crate::{
    Database, Scope, ServerOptions, ServerSecret, StoreError,
    database::{Pools, located},
    deletions,
    migrations::{self, Migration},
    postgres::{self, bad_url},
    private::Sealer,
};

/// Pages that the writing connection of a person's store keeps at most, in KiB as SQLite wants it.
const WRITER_CACHE: &str = "-16384";

/// The same of the platform store. Taking in postings touches index pages at random; decrypting each of them again would
/// cost more than the insertion.
const PLATFORM_WRITER_CACHE: &str = "-32768";

/// The same for each reading connection.
const READER_CACHE: &str = "-8192";

/// How long the store of somebody who was deleted is waited for.
const LONGEST_CLOSING: Duration = Duration::from_secs(5);

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
    server: ServerOptions,
    platform: Database,
    secret: Option<ServerSecret>,
    /// On PostgreSQL, read when something is sealed for the first time.
    sealing: OnceLock<ServerSecret>,
    /// Whether the server's rows are known to be sealed with it.
    confirmed: OnceCell<()>,
    people: Mutex<HashMap<PersonId, Database>>,
    deleted: RwLock<HashSet<PersonId>>,
    /// Held while what is left of somebody is removed.
    pub(crate) sweeping: Mutex<()>,
}

impl Stores {
    /// Opens (and, on first use, creates) the platform store. People's stores are opened when first asked for.
    pub async fn open(config: StoresConfig) -> Result<Self, StoreError> {
        Self::open_with(config, ServerOptions::default()).await
    }

    /// [`Stores::open`] with other than the usual ways of using a server.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn open_with(config: StoresConfig, server: ServerOptions) -> Result<Self, StoreError> {
        if config.url == "embedded" {
            return Box::pin(Self::open_embedded(config, server)).await;
        }
        if !config.url.starts_with("postgres://") && !config.url.starts_with("postgresql://") {
            return Err(bad_url(&config.url, "the scheme is not known"));
        }
        let platform = Box::pin(postgres::open(&config, &server)).await?;
        Ok(Self {
            config,
            server,
            platform,
            secret: None,
            sealing: OnceLock::new(),
            confirmed: OnceCell::new(),
            people: Mutex::new(HashMap::new()),
            deleted: RwLock::default(),
            sweeping: Mutex::default(),
        })
    }

    async fn open_embedded(config: StoresConfig, server: ServerOptions) -> Result<Self, StoreError> {
        // SQLCipher's libcrypto would free its state when the process exits, under the feet of connection threads that
        // are still running; this initialises it without that exit handler.
        openssl_sys::init();
        let io = |source| StoreError::Io { path: config.data.clone(), source };
        fs::create_dir_all(&config.data).map_err(io)?;
        let platform_path = config.data.join("platform.db");
        let users = config.data.join("users");
        let is_new = !platform_path.exists() && !users.exists();
        let secret_file = server.secret_file.clone().unwrap_or_else(|| config.data.join("secret.key"));
        let secret = ServerSecret::load_or_create(&secret_file, &config.data, is_new && server.secret_file.is_none())?;
        let fingerprint = config.data.join("secret.fingerprint");
        let confirmed = secret.is_confirmed(&fingerprint, &platform_path)?;
        let file = SqliteFile { path: &platform_path, secret: &secret, purpose: "platform", confirmed };
        let platform = file.open(&config, migrations::SQLITE_PLATFORM, Scope::Platform).await?;
        if !confirmed {
            secret.leave_fingerprint(&fingerprint)?;
        }
        Ok(Self {
            config,
            server,
            platform,
            secret: Some(secret),
            sealing: OnceLock::new(),
            confirmed: OnceCell::new(),
            people: Mutex::new(HashMap::new()),
            deleted: RwLock::default(),
            sweeping: Mutex::default(),
        })
    }

    /// Accounts and the posting catalogue.
    pub fn platform(&self) -> &Database {
        &self.platform
    }

    /// The API keys and sessions of one person (see [`crate::access`]): in the platform store on SQLite, under the person's
    /// own row security on PostgreSQL.
    #[must_use]
    pub fn access(&self, person: PersonId) -> Database {
        match &self.secret {
            Some(_) => self.platform.clone(),
            None => self.platform.scoped(Scope::Person(person)),
        }
    }

    /// Address of the server for what needs a session of its own; nothing useful on an embedded installation.
    pub fn session_url(&self) -> &str {
        self.server.session_url.as_deref().unwrap_or(&self.config.url)
    }

    /// Folder of people's files and embedded stores.
    pub fn data(&self) -> &Path {
        &self.config.data
    }

    /// Where a person's files lie.
    pub fn person_folder(&self, person: PersonId) -> PathBuf {
        self.config.data.join("users").join(person.to_string())
    }

    /// Whether this process knows that a person's account was deleted.
    #[must_use]
    pub fn is_deleted(&self, person: PersonId) -> bool {
        self.deleted.read().unwrap_or_else(PoisonError::into_inner).contains(&person)
    }

    /// Refuses this person from now on. What of theirs is open stays so.
    pub(crate) fn refuse(&self, person: PersonId) {
        self.deleted.write().unwrap_or_else(PoisonError::into_inner).insert(person);
    }

    /// Closes an embedded person's store, if it is open here.
    pub(crate) async fn leave(&self, person: PersonId) {
        let open = self.people.lock().await.remove(&person);
        if let Some(database) = open
            && timeout(LONGEST_CLOSING, close(&database)).await.is_err()
        {
            tracing::warn!(%person, "somebody still holds on to the store of {person}; it goes without them");
        }
    }

    /// The store of one person, created at first use.
    ///
    /// # Errors
    /// [`StoreError::Deleted`] when their account was deleted.
    pub async fn person(&self, person: PersonId) -> Result<Database, StoreError> {
        if self.is_deleted(person) {
            return Err(StoreError::Deleted { person });
        }
        let Some(secret) = &self.secret else {
            // Rare, as opening is below; every call would carry the room for them.
            let secret = Box::pin(self.confirmed_secret()).await?;
            return Ok(self.platform.of_person(person, Sealer::new(secret, person)?));
        };
        let mut people = self.people.lock().await;
        if self.is_deleted(person) {
            return Err(StoreError::Deleted { person });
        }
        if let Some(database) = people.get(&person) {
            return Ok(database.clone());
        }
        if deletions::is_deleted(&mut self.platform.read().await?, person).await? {
            return Err(StoreError::Deleted { person });
        }
        let folder = self.person_folder(person);
        fs::create_dir_all(&folder).map_err(|source| StoreError::Io { path: folder.clone(), source })?;
        let path = folder.join("store.db");
        // The platform store opened with this secret, or there would be no `Stores`.
        let file = SqliteFile { path: &path, secret, purpose: &person.to_string(), confirmed: true };
        let database = Box::pin(file.open(&self.config, migrations::SQLITE_PERSON, Scope::Person(person))).await?;
        people.insert(person, database.clone());
        Ok(database)
    }

    /// How a person's embedded store is opened; nothing on PostgreSQL.
    pub(crate) fn person_options(&self, person: PersonId) -> Result<Option<SqliteConnectOptions>, StoreError> {
        let Some(secret) = &self.secret else { return Ok(None) };
        let path = self.person_folder(person).join("store.db");
        let file = SqliteFile { path: &path, secret, purpose: &person.to_string(), confirmed: true };
        file.options().map(Some)
    }

    /// On PostgreSQL, the scope in which workers claim anybody's tasks; on SQLite there is none, since every store has
    /// a task table of its own.
    pub fn worker(&self) -> Option<Database> {
        self.secret.is_none().then(|| self.platform.scoped(Scope::Worker))
    }

    /// The secret that credentials and, on PostgreSQL, private texts are sealed with: that of the embedded stores, or the
    /// file that the settings name, or one in the data folder. All programs that work on one PostgreSQL share it.
    pub(crate) fn sealing_secret(&self) -> Result<&ServerSecret, StoreError> {
        if let Some(secret) = self.secret.as_ref().or_else(|| self.sealing.get()) {
            return Ok(secret);
        }
        let data = &self.config.data;
        let secret = match &self.server.secret_file {
            // Whoever names a file has put it there: another one would seal what no other program can open.
            Some(file) => ServerSecret::load_or_create(file, data, false)?,
            None => ServerSecret::load_or_create(&data.join("secret.key"), data, true)?,
        };
        Ok(self.sealing.get_or_init(|| secret))
    }

    /// The sealing secret on PostgreSQL, once it is known to be the one that the installation's rows are sealed with. The
    /// first program of all leaves a mark of its own there.
    async fn confirmed_secret(&self) -> Result<&ServerSecret, StoreError> {
        let secret = self.sealing_secret()?;
        let confirm = async {
            let fingerprint = secret.fingerprint()?;
            let mut tx = self.platform.begin().await?;
            tx.execute(
                "insert into installation (secret) values ($1) on conflict (singleton) \
                 do update set secret = coalesce(installation.secret, excluded.secret) where installation.secret is null",
                vec![fingerprint.as_str().into()],
            )
            .await?;
            let found = tx.fetch_one("select secret from installation", vec![]).await?.text("secret")?;
            tx.commit().await?;
            if found == fingerprint {
                Ok(())
            } else {
                Err(StoreError::OtherSecret { place: self.platform.place(), secret: secret.path().to_owned() })
            }
        };
        self.confirmed.get_or_try_init(|| confirm).await?;
        Ok(secret)
    }

    /// Closes every connection; open transactions are waited for.
    pub async fn close(&self) {
        let people: Vec<Database> = self.people.lock().await.drain().map(|(_, database)| database).collect();
        for database in people.iter().chain([&self.platform]) {
            close(database).await;
        }
    }
}

async fn close(database: &Database) {
    match database.pools() {
        Pools::Sqlite { writer, readers, .. } => {
            readers.close().await;
            writer.close().await;
        }
        Pools::Postgres { pool, .. } => pool.close().await,
    }
}

/// A SQLite file with what opens it.
struct SqliteFile<'a> {
    path: &'a Path,
    secret: &'a ServerSecret,
    /// What its key is derived for.
    purpose: &'a str,
    /// Whether the secret is known to be the right one.
    confirmed: bool,
}

impl SqliteFile<'_> {
    async fn open(&self, config: &StoresConfig, schema: &[Migration], scope: Scope) -> Result<Database, StoreError> {
        // A new file holds nothing that a migration could put at risk.
        let migrate = config.migrate || !self.path.exists();
        let options = self.options()?;
        let cache = if scope == Scope::Platform { PLATFORM_WRITER_CACHE } else { WRITER_CACHE };
        let writer = pool(1)
            .connect_with(options.clone().pragma("cache_size", cache))
            .await
            .map_err(|error| self.explain(error))?;
        let readers = pool(config.connections.max(1))
            .min_connections(0)
            .idle_timeout(Duration::from_secs(60))
            .connect_lazy_with(options.read_only(true).pragma("cache_size", READER_CACHE));
        let ready = async {
            // Without this a wrong key shows only at the first real query.
            let first = sqlx::query("select count(*) from sqlite_master").fetch_one(&writer).await;
            first.map_err(|error| self.explain(error))?;
            let pools = Pools::Sqlite { writer: writer.clone(), readers: readers.clone(), path: self.path.to_owned() };
            let database = Database::new(Arc::new(pools), scope);
            migrations::migrate(&database, schema, migrate).await?;
            Ok(database)
        };
        let opened = ready.await;
        if opened.is_err() {
            // A connection that is only dropped leaves its log behind, and with it a changed folder.
            readers.close().await;
            writer.close().await;
        }
        opened
    }

    fn options(&self) -> Result<SqliteConnectOptions, StoreError> {
        let key = self.secret.sqlcipher_key(self.purpose)?;
        Ok(SqliteConnectOptions::new()
            .filename(self.path)
            .create_if_missing(true)
            // sqlx sends the key before every other pragma, and the next ones read the file already. SQLCipher would
            // write what goes wrong there to standard error; it is in our error.
            .pragma("key", format!("\"{key}\"; pragma cipher_log_level = none"))
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(5))
            .pragma("temp_store", "memory")
            // Index pages are written by every batch of an ingest: moving them from the log to the file four times
            // less often than by default spares most of those writes.
            .pragma("wal_autocheckpoint", "4000")
            // A large ingest must not leave a large log behind for good.
            .pragma("journal_size_limit", "16777216")
            // Rows come from a thread of their own; each time the buffer is full the two wake each other.
            .row_buffer_size(1_024)
            .statement_cache_capacity(128))
    }

    /// What an error at opening means. SQLCipher cannot tell a wrong key from a damaged first page; where the secret
    /// is not known to be the right one, an intact length speaks for a wrong key.
    fn explain(&self, error: sqlx::Error) -> StoreError {
        match StoreError::from(error) {
            StoreError::Corrupt { .. } if !self.confirmed && has_whole_pages(self.path) => StoreError::WrongKey {
                path: self.path.to_owned(),
                secret_hint: self.secret.path().display().to_string(),
            },
            other => located(other, &self.path.display().to_string()),
        }
    }
}

/// A pool of SQLite connections.
fn pool(connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(Duration::from_secs(30))
        // SQLite itself rolls back when the disk is full or a read fails. sqlx then still counts a transaction on the
        // connection and would refuse the next one: such a connection is not used again.
        .after_release(|connection, _| {
            Box::pin(async move {
                connection.ping().await?;
                Ok(!connection.is_in_transaction())
            })
        })
}

/// Whether the file's length is a whole number of pages, as SQLite always leaves it.
fn has_whole_pages(path: &Path) -> bool {
    const PAGE: u64 = 4096;
    fs::metadata(path).is_ok_and(|metadata| metadata.len() >= PAGE && metadata.len() % PAGE == 0)
}
