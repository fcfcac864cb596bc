//! Whether any other process works on the tasks of an embedded installation.
//!
//! Every process that runs tasks holds a shared lock on one file of the data folder for as long as it lives; the
//! operating system takes it back however the process ends. Whoever gets the file for itself when it starts knows that
//! all earlier workers are dead and need not wait for their leases ([`Queue::take_over`](crate::Queue::take_over)). A
//! process that is only paused still holds its lock, and a lease that was given away stays fenced by its token.

use std::{
    fs::{File, TryLockError},
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use aerie_store::StoreError;
use tokio::time::{Instant, sleep};

/// Name of the file within the data folder. Nothing is written into it.
pub const PRESENCE_FILE: &str = "workers.lock";

/// How long another process may take to start.
const LONGEST_START: Duration = Duration::from_secs(30);
/// Time between two tries.
const PAUSE: Duration = Duration::from_millis(10);

/// That this process works here, until it is dropped.
#[derive(Debug)]
pub struct Presence {
    file: File,
    path: PathBuf,
    alone: bool,
}

impl Presence {
    /// Announces this process. While it is alone nobody else can enter: call [`Presence::share`] soon.
    ///
    /// # Errors
    /// The file cannot be made, or another process has been starting for too long.
    pub async fn enter(folder: &Path) -> Result<Self, StoreError> {
        let path = folder.join(PRESENCE_FILE);
        let opened = File::options().read(true).write(true).create(true).truncate(false).open(&path);
        let file = opened.map_err(|source| StoreError::Io { path: path.clone(), source })?;
        let mut presence = Self { file, path, alone: false };
        let deadline = Instant::now() + LONGEST_START;
        loop {
            if presence.try_exclusive()? {
                presence.alone = true;
                return Ok(presence);
            }
            if presence.try_shared()? {
                return Ok(presence);
            }
            presence.pause_until(deadline).await?;
        }
    }

    /// Whether no other process works here.
    pub fn is_alone(&self) -> bool {
        self.alone
    }

    /// Lets others in; before this process claims its first task.
    ///
    /// # Errors
    /// The lock cannot be had.
    pub async fn share(&mut self) -> Result<(), StoreError> {
        if !self.alone {
            return Ok(());
        }
        // Nobody is wronged who enters in between: this process has no tasks yet.
        self.alone = false;
        self.file.unlock().map_err(|source| self.failed(source))?;
        let deadline = Instant::now() + LONGEST_START;
        while !self.try_shared()? {
            self.pause_until(deadline).await?;
        }
        Ok(())
    }

    fn try_exclusive(&self) -> Result<bool, StoreError> {
        self.outcome(self.file.try_lock(), false)
    }

    /// On a file system without locks everybody counts as present and nobody as alone; leases run out there.
    fn try_shared(&self) -> Result<bool, StoreError> {
        self.outcome(self.file.try_lock_shared(), true)
    }

    fn outcome(&self, tried: Result<(), TryLockError>, without_locks: bool) -> Result<bool, StoreError> {
        match tried {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => Ok(without_locks),
            Err(TryLockError::Error(source)) => Err(self.failed(source)),
        }
    }

    fn failed(&self, source: io::Error) -> StoreError {
        StoreError::Io { path: self.path.clone(), source }
    }

    async fn pause_until(&self, deadline: Instant) -> Result<(), StoreError> {
        if Instant::now() >= deadline {
            let seconds = LONGEST_START.as_secs();
            let place = self.path.display();
            return Err(StoreError::Unavailable {
                detail: format!("{place}: another Aerie has been starting on this folder for {seconds} s; stop it"),
            });
        }
        sleep(PAUSE).await;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[tokio::test]
    async fn only_the_first_is_alone() {
        let folder = tempfile::tempdir().unwrap();
        let mut first = Presence::enter(folder.path()).await.unwrap();
        assert!(first.is_alone());
        first.share().await.unwrap();
        assert!(!first.is_alone());
        let second = Presence::enter(folder.path()).await.unwrap();
        assert!(!second.is_alone());
        drop(first);
        let third = Presence::enter(folder.path()).await.unwrap();
        assert!(!third.is_alone(), "the second is still there");
        drop((second, third));
        assert!(Presence::enter(folder.path()).await.unwrap().is_alone());
    }

    #[tokio::test]
    async fn nobody_enters_before_the_one_that_is_alone_lets_them() {
        let folder = tempfile::tempdir().unwrap();
        let mut first = Presence::enter(folder.path()).await.unwrap();
        let mut second = std::pin::pin!(Presence::enter(folder.path()));
        assert!(futures::poll!(&mut second).is_pending());
        first.share().await.unwrap();
        assert!(!second.await.unwrap().is_alone());
    }

    #[tokio::test]
    async fn a_folder_that_cannot_be_used_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let error = Presence::enter(&folder.path().join("gone")).await.unwrap_err();
        assert!(error.to_string().contains(PRESENCE_FILE), "{error}");
    }
}
