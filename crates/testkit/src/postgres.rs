//! A real PostgreSQL for tests: one server for each test process, one fresh database for each test.
//!
//! The server listens on a Unix socket in its own temporary folder only, so nothing can collide and nobody else can
//! reach it. A shell that reads from the test process watches over it: when the process ends, however it ends, the
//! pipe closes, and the shell stops the server and removes the folder.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use aerie_store::{Stores, StoresConfig};
use tokio::sync::OnceCell;

/// Set to `1` where a missing server must fail a test rather than skip it.
pub const REQUIRE_SERVERS: &str = "AERIE_REQUIRE_SERVERS";

/// The role that tests connect as. It owns its database and nothing else, is no superuser and cannot bypass row-level
/// security: what it cannot see, an installation's own role cannot see either.
pub const ROLE: &str = "aerie";

pub(crate) const PASSWORD: &str = "sesame";
const TEMPLATE: &str = "aerie_template";

static SHARED: OnceLock<Result<PostgresServer, Arc<PostgresError>>> = OnceLock::new();
static MIGRATED: OnceCell<()> = OnceCell::const_new();
static DATABASES: AtomicU32 = AtomicU32::new(0);

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum PostgresError {
    /// Its programs are not there.
    #[error("PostgreSQL is not installed (apt-get install postgresql)")]
    NotInstalled,
    /// One of its programs failed.
    #[error("{program} failed: {detail}")]
    Failed {
        /// Which one.
        program: String,
        /// What it said.
        detail: String,
    },
    /// A file operation failed.
    #[error("PostgreSQL's temporary folder: {0}")]
    Io(#[from] io::Error),
    /// The schema could not be made.
    #[error("the template database: {0}")]
    Store(#[from] aerie_store::StoreError),
}

/// A database of its own, with the current schema, on the shared server; removed when dropped.
#[derive(Debug)]
pub struct TestPostgres {
    server: &'static PostgresServer,
    database: String,
}

impl TestPostgres {
    /// A fresh database. Prints why and gives `None` when PostgreSQL is not installed, so that a test can return.
    ///
    /// # Errors
    /// When the server cannot be started, and, with [`REQUIRE_SERVERS`], when it is not installed.
    pub async fn start() -> Result<Option<Self>, Arc<PostgresError>> {
        let server = match SHARED.get_or_init(|| PostgresServer::start().map_err(Arc::new)) {
            Ok(server) => server,
            Err(error) if matches!(**error, PostgresError::NotInstalled) && !is_required() => {
                eprintln!("skipped: {error}");
                return Ok(None);
            }
            Err(error) => return Err(Arc::clone(error)),
        };
        Self::create(server).await.map(Some).map_err(Arc::new)
    }

    async fn create(server: &'static PostgresServer) -> Result<Self, PostgresError> {
        MIGRATED.get_or_try_init(|| server.create_template()).await?;
        let database = format!("test_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
        server.administer(&format!("create database {database} template {TEMPLATE} owner {ROLE}"))?;
        Ok(Self { server, database })
    }

    /// Address for [`StoresConfig::url`], as the role of an installation.
    pub fn url(&self) -> String {
        self.server.url(&self.database)
    }

    /// The same as another role with a password of its own.
    pub fn url_as(&self, role: &str, password: &str) -> String {
        self.url().replace(&format!("{ROLE}:{PASSWORD}@"), &format!("{role}:{password}@"))
    }

    /// Name of the database.
    pub fn database(&self) -> &str {
        &self.database
    }

    /// Folder of the server's socket, for programs that are given a host.
    pub fn socket_folder(&self) -> &Path {
        &self.server.folder
    }

    /// Opens the stores of this database; `data` is the folder of people's files.
    pub fn stores_config(&self, data: &Path) -> StoresConfig {
        StoresConfig { url: self.url(), data: data.to_owned(), migrate: true, connections: 8 }
    }

    /// Runs a statement in this database as the superuser, for whom row-level security does not count, and returns
    /// the output of `psql`: columns parted by `|`, one line a row.
    pub fn administer(&self, sql: &str) -> Result<String, PostgresError> {
        self.server.psql(&self.database, sql)
    }
}

impl Drop for TestPostgres {
    fn drop(&mut self) {
        let _ = self.server.administer(&format!("drop database if exists {} with (force)", self.database));
    }
}

pub(crate) fn is_required() -> bool {
    std::env::var(REQUIRE_SERVERS).is_ok_and(|value| value == "1")
}

/// A PostgreSQL server of its own; stopped and removed when dropped. For tests that stop it; all others share one
/// through [`TestPostgres`].
#[derive(Debug)]
pub struct PostgresServer {
    programs: PathBuf,
    folder: PathBuf,
    watch: Child,
}

impl PostgresServer {
    /// Starts a server with the role [`ROLE`] and no database of its own.
    pub fn start() -> Result<Self, PostgresError> {
        Self::start_on(&std::env::temp_dir())
    }

    /// As [`Self::start`], with all of its files within a folder.
    pub fn start_on(disk: &Path) -> Result<Self, PostgresError> {
        let programs = find_programs().ok_or(PostgresError::NotInstalled)?;
        let folder = tempfile::Builder::new().prefix("aerie-postgres-").tempdir_in(disk)?.keep();
        match Self::start_in(programs, &folder) {
            Ok(server) => Ok(server),
            Err(error) => {
                let _ = fs::remove_dir_all(&folder);
                Err(error)
            }
        }
    }

    fn start_in(programs: PathBuf, folder: &Path) -> Result<Self, PostgresError> {
        let data = folder.join("data");
        if is_root() {
            // The server refuses to run as root.
            let user = number_of_user("postgres")?;
            std::os::unix::fs::chown(folder, Some(user), None)?;
        }
        let mut initdb = unprivileged(&programs.join("initdb"));
        initdb.args(["--auth=trust", "--username=postgres", "--no-sync", "--encoding=UTF8", "--locale=C.UTF-8"]);
        finish(initdb.arg("--pgdata").arg(&data), "initdb")?;
        fs::write(data.join("pg_hba.conf"), "local all postgres trust\nlocal all all scram-sha-256\n")?;
        fs::write(data.join("postgresql.auto.conf"), settings(folder))?;

        // Started again whenever it ends, as an operator's system does, until the test is over.
        let script = "(while [ ! -e \"$2/over\" ]; do \"$1/postgres\" -D \"$2/data\" >>\"$2/log\" 2>&1; sleep 0.1; done) & \
                      loop=$!; read -r _; touch \"$2/over\"; kill -INT $(head -n 1 \"$2/data/postmaster.pid\"); \
                      wait $loop; rm -rf \"$2\"";
        let mut watch = unprivileged(Path::new("sh"));
        watch.args(["-c", script, "sh"]).arg(&programs).arg(folder);
        // In a group of its own: an interrupt of the terminal ends the test first and the server through the pipe.
        std::os::unix::process::CommandExt::process_group(&mut watch, 0);
        let watch = watch.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let server = Self { programs, folder: folder.to_owned(), watch };
        server.wait_until_ready()?;
        server.administer(&format!("create role {ROLE} login password '{PASSWORD}' nosuperuser nobypassrls"))?;
        Ok(server)
    }

    /// Waits until the server takes connections.
    pub fn wait_until_ready(&self) -> Result<(), PostgresError> {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let mut ready = Command::new(self.programs.join("pg_isready"));
            if ready.arg("-q").arg("-h").arg(&self.folder).status()?.success() {
                return Ok(());
            }
            if Instant::now() > deadline {
                let detail = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
                return Err(PostgresError::Failed { program: "postgres".to_owned(), detail });
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Address of one of its databases, as [`ROLE`].
    pub fn url(&self, database: &str) -> String {
        format!("postgres://{ROLE}:{PASSWORD}@localhost/{database}?host={}", self.folder.display())
    }

    /// Creates an empty database that belongs to [`ROLE`].
    pub fn create_database(&self, name: &str) -> Result<(), PostgresError> {
        self.administer(&format!("create database {name} owner {ROLE}")).map(drop)
    }

    async fn create_template(&self) -> Result<(), PostgresError> {
        self.create_database(TEMPLATE)?;
        let data = self.folder.clone();
        let config = StoresConfig { url: self.url(TEMPLATE), data, migrate: true, connections: 1 };
        Stores::open(config).await?.close().await;
        Ok(())
    }

    /// Runs a statement as the superuser outside every test's database.
    pub fn administer(&self, sql: &str) -> Result<String, PostgresError> {
        self.psql("postgres", sql)
    }

    /// Runs a statement in one of its databases as the superuser, for whom row-level security does not count.
    pub fn psql(&self, database: &str, sql: &str) -> Result<String, PostgresError> {
        let mut psql = Command::new(self.programs.join("psql"));
        psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-d", database, "-c", sql]);
        finish(psql.arg("-h").arg(&self.folder), "psql")
    }

    /// Commits reach the log before they are answered, so that nothing is lost when the server crashes.
    pub fn make_durable(&self) -> Result<(), PostgresError> {
        self.administer("alter system set synchronous_commit = on")?;
        self.administer("select pg_reload_conf()").map(drop)
    }

    /// Stops the server at once, as a crash does, and waits until it is there again.
    pub fn crash(&self) -> Result<(), PostgresError> {
        let running = || fs::read_to_string(self.folder.join("data/postmaster.pid")).unwrap_or_default();
        let before = running().lines().next().unwrap_or_default().to_owned();
        finish(unprivileged(Path::new("kill")).args(["-QUIT", &before]), "kill")?;
        let deadline = Instant::now() + Duration::from_secs(60);
        while running().lines().next().is_none_or(|now| now == before) {
            if Instant::now() > deadline {
                return Err(PostgresError::Failed { program: "postgres".to_owned(), detail: running() });
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        self.wait_until_ready()
    }

    /// Folder of the server's programs (`pgbench` and so on).
    pub fn programs(&self) -> &Path {
        &self.programs
    }

    /// Folder of the socket, for programs that are given a host.
    pub fn socket_folder(&self) -> &Path {
        &self.folder
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        drop(self.watch.stdin.take());
        let _ = self.watch.wait();
    }
}

/// What a test needs is speed; nobody misses the data after a power cut.
fn settings(folder: &Path) -> String {
    format!(
        "listen_addresses = ''\nunix_socket_directories = '{}'\nmax_connections = 200\nshared_buffers = '64MB'\n\
         fsync = off\nsynchronous_commit = off\nfull_page_writes = off\nautovacuum_naptime = '10s'\n\
         log_min_messages = warning\n",
        folder.display()
    )
}

/// The newest version that Debian installed, else what the path has.
fn find_programs() -> Option<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .filter(|(_, programs)| has_server(programs))
        .collect();
    versions.sort();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let newest = versions.pop().map(|(_, programs)| programs);
    newest.or_else(|| std::env::split_paths(&path).find(|programs| has_server(programs)))
}

fn has_server(programs: &Path) -> bool {
    programs.join("initdb").is_file() && programs.join("postgres").is_file()
}

pub(crate) fn is_root() -> bool {
    number_of_user("").is_ok_and(|user| user == 0)
}

/// The number of a user, or of whoever runs this when `name` is empty.
pub(crate) fn number_of_user(name: &str) -> Result<u32, PostgresError> {
    let mut id = Command::new("id");
    id.arg("-u");
    if !name.is_empty() {
        id.arg(name);
    }
    let printed = finish(&mut id, "id")?;
    printed.trim().parse().map_err(|_| PostgresError::Failed { program: "id".to_owned(), detail: printed })
}

/// A command that runs as the user `postgres` when this process is root.
pub(crate) fn unprivileged(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--init-groups", "--"]).arg(program).current_dir("/");
    command
}

fn finish(command: &mut Command, program: &str) -> Result<String, PostgresError> {
    let output = command.stdin(Stdio::null()).output()?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let detail = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(PostgresError::Failed { program: program.to_owned(), detail })
}
