//! A real IMAP server for tests: Debian's Dovecot, with its own configuration, certificate and mail in a temporary folder.
//!
//! It listens on two free ports of 127.0.0.1. As with PostgreSQL, a shell that reads from the test process stops the
//! server and removes the folder when that process ends, however it ends. Mail is delivered by writing files: Dovecot
//! keeps it as Maildir, so a test can also see whether a flag was changed, in the file's name.

use std::{
    fs, io,
    net::{TcpListener, TcpStream},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use crate::postgres::is_required;

/// The only user.
pub const USER: &str = "robin";

/// The user's password: with characters that need care in a command.
pub const PASSWORD: &str = "p\"ä\\ss wörd";

static DELIVERED: AtomicU32 = AtomicU32::new(0);

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum DovecotError {
    /// Its programs are not there.
    #[error("Dovecot is not installed (apt-get install dovecot-imapd)")]
    NotInstalled,
    /// One of its programs failed.
    #[error("{program} failed: {detail}")]
    Failed {
        /// Which one.
        program: &'static str,
        /// What it said.
        detail: String,
    },
    /// A file operation failed.
    #[error("Dovecot's temporary folder: {0}")]
    Io(#[from] io::Error),
}

/// A mail server with one user; stopped and removed when dropped.
#[derive(Debug)]
pub struct DovecotServer {
    folder: PathBuf,
    watch: Child,
    owner: Option<(u32, u32)>,
    /// Port that begins in the clear and takes STARTTLS.
    pub port: u16,
    /// Port with TLS from the first byte.
    pub tls_port: u16,
}

impl DovecotServer {
    /// Starts a server with an empty INBOX. Prints why and gives `None` when Dovecot is not installed.
    ///
    /// # Errors
    /// When the server cannot be started, and, where servers are required, when it is not installed.
    pub fn start() -> Result<Option<Self>, DovecotError> {
        let installed = Path::new("/usr/sbin/dovecot").exists() && Path::new("/usr/lib/dovecot/imap").exists();
        match installed {
            true => Self::launch().map(Some),
            false if is_required() => Err(DovecotError::NotInstalled),
            false => {
                eprintln!("skipped: {}", DovecotError::NotInstalled);
                Ok(None)
            }
        }
    }

    fn launch() -> Result<Self, DovecotError> {
        let folder = tempfile::Builder::new().prefix("aerie-dovecot-").tempdir()?.keep();
        let started = Self::launch_in(&folder);
        if started.is_err() {
            let _ = fs::remove_dir_all(&folder);
        }
        started
    }

    fn launch_in(folder: &Path) -> Result<Self, DovecotError> {
        // As root everything runs as "nobody": a mailbox of root is refused.
        let owner = match number("-u", "")? {
            0 => Some((number("-u", "nobody")?, number("-g", "nobody")?)),
            _ => None,
        };
        let (user, group) = if owner.is_some() {
            (name("-un", "nobody")?, name("-gn", "nobody")?)
        } else {
            (name("-un", "")?, name("-gn", "")?)
        };
        make_certificate(folder)?;
        for part in ["run", "mail", "mail/cur", "mail/new", "mail/tmp"] {
            fs::create_dir_all(folder.join(part))?;
        }
        let (port, tls_port) = (free_port()?, free_port()?);
        fs::write(folder.join("users"), format!("{USER}:{{PLAIN}}{PASSWORD}::::::\n"))?;
        fs::write(folder.join("dovecot.conf"), settings(folder, port, tls_port, &user, &group))?;
        give(folder, owner)?;
        let script = "/usr/sbin/dovecot -F -c \"$1/dovecot.conf\" >\"$1/out\" 2>&1 & \
                      server=$!; read -r _; kill -TERM $server; wait $server; rm -rf \"$1\"";
        let mut watch = match owner {
            None => Command::new("sh"),
            Some((user, group)) => {
                let mut command = Command::new("setpriv");
                command.args([format!("--reuid={user}"), format!("--regid={group}"), "--clear-groups".to_owned()]);
                command.args(["--", "sh"]).current_dir("/");
                command
            }
        };
        watch.args(["-c", script, "sh"]).arg(folder).process_group(0);
        let watch = watch.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let server = Self { folder: folder.to_owned(), watch, owner, port, tls_port };
        server.wait_until_ready()?;
        Ok(server)
    }

    fn wait_until_ready(&self) -> Result<(), DovecotError> {
        let deadline = Instant::now() + Duration::from_secs(30);
        while TcpStream::connect(("127.0.0.1", self.port)).is_err()
            || TcpStream::connect(("127.0.0.1", self.tls_port)).is_err()
        {
            if Instant::now() > deadline {
                let read = |file: &str| fs::read_to_string(self.folder.join(file)).unwrap_or_default();
                return Err(DovecotError::Failed { program: "dovecot", detail: read("out") + &read("log") });
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// The server's own certificate, in PEM.
    ///
    /// # Errors
    /// When the file is gone.
    pub fn certificate(&self) -> io::Result<Vec<u8>> {
        fs::read(self.folder.join("certificate.pem"))
    }

    /// Folder of a mailbox, by its name on the wire (`INBOX`, `Sent`, `Entw&APw-rfe`).
    pub fn mailbox_folder(&self, wire_name: &str) -> PathBuf {
        let mail = self.folder.join("mail");
        if wire_name == "INBOX" { mail } else { mail.join(format!(".{wire_name}")) }
    }

    /// Creates a mailbox, by its name on the wire.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn create_mailbox(&self, wire_name: &str) -> io::Result<()> {
        let folder = self.mailbox_folder(wire_name);
        for part in ["cur", "new", "tmp"] {
            fs::create_dir_all(folder.join(part))?;
        }
        fs::write(folder.join("maildirfolder"), "")?;
        give(&folder, self.owner)
    }

    /// Puts an unread message into a mailbox.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn deliver(&self, wire_name: &str, message: &[u8]) -> io::Result<()> {
        let number = DELIVERED.fetch_add(1, Ordering::Relaxed);
        let folder = self.mailbox_folder(wire_name);
        let name = format!("{}.{number:08}.test", 1_700_000_000 + number);
        let written = folder.join("tmp").join(&name);
        fs::write(&written, message)?;
        give(&written, self.owner)?;
        fs::rename(&written, folder.join("cur").join(format!("{name}:2,")))
    }

    /// Names of a mailbox's message files; a message that was read has an `S` at the end of its name.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn message_files(&self, wire_name: &str) -> io::Result<Vec<String>> {
        let entries = fs::read_dir(self.mailbox_folder(wire_name).join("cur"))?;
        let mut names: Vec<String> =
            entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort();
        Ok(names)
    }

    /// Makes the server number a mailbox anew, as after a restored backup.
    ///
    /// # Errors
    /// When the files cannot be removed.
    pub fn renumber(&self, wire_name: &str) -> io::Result<()> {
        for entry in fs::read_dir(self.mailbox_folder(wire_name))?.flatten() {
            let name = entry.file_name();
            if name.to_string_lossy().starts_with("dovecot") {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }
}

impl Drop for DovecotServer {
    fn drop(&mut self) {
        drop(self.watch.stdin.take());
        let _ = self.watch.wait();
    }
}

fn settings(folder: &Path, port: u16, tls_port: u16, user: &str, group: &str) -> String {
    let folder = folder.display();
    format!(
        "base_dir = {folder}/run\nstate_dir = {folder}/run\nlog_path = {folder}/log\nprotocols = imap\n\
         listen = 127.0.0.1\ndefault_internal_user = {user}\ndefault_internal_group = {group}\n\
         default_login_user = {user}\nfirst_valid_uid = 1\nfirst_valid_gid = 1\nmail_location = maildir:{folder}/mail\n\
         mail_fsync = never\nssl = yes\nssl_cert = <{folder}/certificate.pem\nssl_key = <{folder}/key.pem\n\
         disable_plaintext_auth = no\nauth_mechanisms = plain\n\
         passdb {{\n  driver = passwd-file\n  args = scheme=PLAIN username_format=%u {folder}/users\n}}\n\
         userdb {{\n  driver = static\n  args = uid={user} gid={group} home={folder}/mail\n}}\n\
         namespace inbox {{\n  inbox = yes\n  separator = .\n  mailbox Ausgang {{\n    auto = create\n    special_use = \\Sent\n  }}\n}}\n\
         service imap-login {{\n  chroot =\n  inet_listener imap {{\n    port = {port}\n  }}\n  inet_listener imaps {{\n    port = {tls_port}\n    ssl = yes\n  }}\n}}\n\
         service anvil {{\n  chroot =\n}}\nservice stats {{\n  chroot =\n}}\n"
    )
}

pub(crate) fn make_certificate(folder: &Path) -> Result<(), DovecotError> {
    let mut openssl = Command::new("openssl");
    openssl.args([
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "30",
    ]);
    openssl.args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]);
    openssl.args(["-addext", "basicConstraints=critical,CA:FALSE"]);
    openssl.arg("-keyout").arg(folder.join("key.pem")).arg("-out").arg(folder.join("certificate.pem"));
    finish(&mut openssl, "openssl").map(drop)
}

fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// Makes files belong to whoever the server runs as.
fn give(path: &Path, owner: Option<(u32, u32)>) -> io::Result<()> {
    let Some((user, group)) = owner else { return Ok(()) };
    std::os::unix::fs::chown(path, Some(user), Some(group))?;
    if path.is_dir() {
        for entry in fs::read_dir(path)?.flatten() {
            give(&entry.path(), owner)?;
        }
    }
    Ok(())
}

fn number(flag: &str, user: &str) -> Result<u32, DovecotError> {
    let printed = name(flag, user)?;
    printed.parse().map_err(|_| DovecotError::Failed { program: "id", detail: printed })
}

fn name(flag: &str, user: &str) -> Result<String, DovecotError> {
    let mut id = Command::new("id");
    id.arg(flag);
    if !user.is_empty() {
        id.arg(user);
    }
    Ok(finish(&mut id, "id")?.trim().to_owned())
}

fn finish(command: &mut Command, program: &'static str) -> Result<String, DovecotError> {
    let output = command.stdin(Stdio::null()).output()?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(DovecotError::Failed { program, detail: String::from_utf8_lossy(&output.stderr).trim().to_owned() })
}
