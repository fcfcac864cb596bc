//! A real PgBouncer in transaction mode in front of a test's PostgreSQL, on a Unix socket in a temporary folder. A shell
//! that reads from the test process stops it when that process ends, however it ends.

use std::{
    fs,
    os::unix::{net::UnixStream, process::CommandExt},
    path::Path,
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use crate::postgres::{
    PASSWORD, PostgresError, ROLE, TestPostgres, is_required, is_root, number_of_user, unprivileged,
};

const PROGRAM: &str = "/usr/sbin/pgbouncer";
/// Names the socket's file; nothing listens on the port itself.
const PORT: u16 = 6432;

/// A pooler; stopped and removed when dropped.
#[derive(Debug)]
pub struct PgBouncer {
    folder: tempfile::TempDir,
    watch: Child,
    url: String,
}

impl PgBouncer {
    /// Starts a pooler with `connections` to the server of `postgres`, however many clients there are. Prints why and
    /// gives `None` when PgBouncer is not installed.
    ///
    /// # Errors
    /// When it does not come up, and, where servers are required, when it is not installed.
    pub fn start(postgres: &TestPostgres, connections: u32) -> Result<Option<Self>, PostgresError> {
        if !Path::new(PROGRAM).is_file() {
            let missing = PostgresError::Failed {
                program: "pgbouncer".to_owned(),
                detail: "it is not installed (apt-get install pgbouncer)".to_owned(),
            };
            if is_required() {
                return Err(missing);
            }
            eprintln!("skipped: {missing}");
            return Ok(None);
        }
        let folder = tempfile::Builder::new().prefix("aerie-pgbouncer-").tempdir()?;
        let path = folder.path();
        fs::write(path.join("users"), format!("\"{ROLE}\" \"{PASSWORD}\"\n"))?;
        fs::write(path.join("ini"), settings(path, postgres.socket_folder(), connections))?;
        if is_root() {
            // It refuses to run as root.
            let user = number_of_user("postgres")?;
            std::os::unix::fs::chown(path, Some(user), None)?;
        }
        let script = "\"$1\" \"$2/ini\" >\"$2/log\" 2>&1 & server=$!; read -r _; kill -INT $server; wait $server";
        let mut watch = unprivileged(Path::new("sh"));
        watch.args(["-c", script, "sh", PROGRAM]).arg(path).process_group(0);
        let watch = watch.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let (database, host) = (postgres.database(), path.display());
        let url = format!("postgres://{ROLE}:{PASSWORD}@localhost:{PORT}/{database}?host={host}");
        let pooler = Self { folder, watch, url };
        pooler.wait_until_ready()?;
        Ok(Some(pooler))
    }

    /// Address of the test's database behind the pooler.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    fn wait_until_ready(&self) -> Result<(), PostgresError> {
        let deadline = Instant::now() + Duration::from_secs(30);
        while UnixStream::connect(self.folder.path().join(format!(".s.PGSQL.{PORT}"))).is_err() {
            if Instant::now() > deadline {
                let detail = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
                return Err(PostgresError::Failed { program: "pgbouncer".to_owned(), detail });
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        drop(self.watch.stdin.take());
        let _ = self.watch.wait();
    }
}

fn settings(folder: &Path, server: &Path, connections: u32) -> String {
    let (folder, server) = (folder.display(), server.display());
    format!(
        "[databases]\n* = host={server} port=5432\n[pgbouncer]\nlisten_addr =\nlisten_port = {PORT}\n\
         unix_socket_dir = {folder}\nauth_type = plain\nauth_file = {folder}/users\npool_mode = transaction\n\
         default_pool_size = {connections}\nmax_client_conn = 200\n"
    )
}
