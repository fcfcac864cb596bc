//! A file system of a few hundred megabytes for tests that fill it.
//!
//! It lies in memory, and mounting it takes root. As with the servers, a shell that reads from the test process takes it away
//! when that process ends, however it ends.

use std::{
    fs::{self, File},
    io::{self, BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;

/// Written at once; small, so that hardly anything is left when the disk is full.
static CHUNK: [u8; 64 << 10] = [b'x'; 64 << 10];

/// A mounted file system; gone when dropped.
#[derive(Debug)]
pub struct SmallDisk {
    folder: TempDir,
    watch: Child,
}

impl SmallDisk {
    /// Mounts one of this many megabytes. Prints why and gives `None` where mounting is not allowed.
    ///
    /// # Errors
    /// No folder or process can be had.
    pub fn mount(megabytes: u64) -> io::Result<Option<Self>> {
        let folder = tempfile::Builder::new().prefix("aerie-disk-").tempdir()?;
        let script =
            "mount -t tmpfs -o \"size=$2m,mode=1777\" tmpfs \"$1\" && echo mounted; read -r _; umount -l \"$1\"";
        let mut watch = Command::new("sh");
        watch.args(["-c", script, "sh"]).arg(folder.path()).arg(megabytes.to_string());
        // In a group of its own: an interrupt of the terminal ends the test first.
        std::os::unix::process::CommandExt::process_group(&mut watch, 0);
        let mut watch = watch.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let mut said = String::new();
        if let Some(stdout) = watch.stdout.take() {
            BufReader::new(stdout).read_line(&mut said)?;
        }
        let disk = Self { folder, watch };
        if said.trim() == "mounted" {
            return Ok(Some(disk));
        }
        eprintln!("skipped: a disk of its own to fill (mounting takes root)");
        Ok(None)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Fills it to the last byte.
    ///
    /// # Errors
    /// Something else than the end of the space.
    pub fn fill(&self) -> io::Result<()> {
        let mut ballast = File::create(self.ballast())?;
        loop {
            match ballast.write_all(&CHUNK) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::StorageFull => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }

    /// Makes room again.
    ///
    /// # Errors
    /// It was not filled.
    pub fn make_room(&self) -> io::Result<()> {
        fs::remove_file(self.ballast())
    }

    fn ballast(&self) -> PathBuf {
        self.folder.path().join("ballast")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        drop(self.watch.stdin.take());
        let _ = self.watch.wait();
    }
}
