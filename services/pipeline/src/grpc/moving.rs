//! `MovingService`.

use std::{path::PathBuf, pin::Pin};

use aerie_proto::pipeline::v1::{self as pb, moving_service_server::MovingService};
use aerie_rpc::{ErrorCode, RpcError};
use aerie_store::backup::{BackupError, BackupReport};
use futures::Stream;
use tokio::{
    fs::File,
    io::{AsyncReadExt, AsyncWriteExt},
};
use tonic::{Request, Response, Status, Streaming};
use uuid::Uuid;

use super::{Caller, caller, convert, errors, validation};
use crate::{
    core::Core,
    peregrine::{self, Importer},
};

/// Bytes of one piece of a backup.
const PIECE: usize = 256 << 10;

/// Largest backup that is taken: far more than a person's store ever has.
const MOST_BYTES: u64 = 16 << 30;

/// Most files of one import.
const MOST_FILES: usize = 50;

pub(crate) struct MovingApi {
    pub(crate) core: Core,
}

/// A file of ours that goes when it is no longer needed.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.0)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(path = %self.0.display(), %error, "a temporary file stays behind");
        }
    }
}

impl MovingApi {
    /// A name beside the person's store that nobody else has.
    fn temporary(&self, caller: &Caller) -> Temporary {
        let folder = self.core.inner.stores.person_folder(caller.person);
        Temporary(folder.join(format!("backup-{}.part", Uuid::now_v7())))
    }
}

fn io(error: std::io::Error) -> Status {
    match error.kind() {
        std::io::ErrorKind::StorageFull => {
            RpcError::new(ErrorCode::ResourceExhausted, "DISK_FULL", "the disk is full; free some space and try again")
                .into()
        }
        _ => RpcError::internal(error).into(),
    }
}

fn backup(error: BackupError) -> Status {
    let message = error.to_string();
    let new = |code, reason| Status::from(RpcError::new(code, reason, message.clone()));
    match error {
        BackupError::NotEmbedded => new(ErrorCode::FailedPrecondition, "NOT_EMBEDDED"),
        BackupError::WeakPassphrase => new(ErrorCode::InvalidArgument, "WEAK_PASSPHRASE"),
        BackupError::DoesNotOpen => new(ErrorCode::InvalidArgument, "BACKUP_DOES_NOT_OPEN"),
        BackupError::NoBackup | BackupError::Damaged(_) => new(ErrorCode::InvalidArgument, "NO_BACKUP"),
        BackupError::NewerFormat { .. } => new(ErrorCode::FailedPrecondition, "BACKUP_TOO_NEW"),
        BackupError::NotEmpty { .. } => new(ErrorCode::FailedPrecondition, "STORE_NOT_EMPTY"),
        BackupError::Io { source, .. } => io(source),
        BackupError::Store(error) => errors::store(error),
    }
}

fn tables(report: &BackupReport) -> Vec<pb::TableRows> {
    let rows = |rows: u64| i64::try_from(rows).unwrap_or(i64::MAX);
    report.rows.iter().map(|(table, count)| pb::TableRows { table: table.clone(), rows: rows(*count) }).collect()
}

#[tonic::async_trait]
impl MovingService for MovingApi {
    async fn import_peregrine(
        &self,
        request: Request<pb::ImportPeregrineRequest>,
    ) -> Result<Response<pb::ImportPeregrineResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let files = request.into_inner().files;
        let mut check = validation(&self.core);
        check.require(!files.is_empty(), "files", "is empty; send the files of Peregrine's configuration folder");
        check.require(files.len() <= MOST_FILES, "files", "has more than 50 entries; send those of one folder");
        for (index, file) in files.iter().enumerate().take(MOST_FILES) {
            let plain = !file.name.contains(['/', '\\']) && !file.name.is_empty();
            check.require(plain, &format!("files[{index}].name"), "is no plain name of a file");
        }
        check.finish()?;
        let files: Vec<peregrine::File> =
            files.into_iter().map(|file| peregrine::File { name: file.name, content: file.content }).collect();
        let importer = Importer { core: &self.core, database: &caller.database, person: caller.person };
        let reports = importer.import(&files).await.map_err(errors::peregrine)?;
        let reports = reports.into_iter().map(|report| pb::ForeignFileReport {
            name: report.name,
            taken: report.taken,
            left: report.left,
        });
        Ok(Response::new(pb::ImportPeregrineResponse { reports: reports.collect() }))
    }

    type CreateBackupStream = Pin<Box<dyn Stream<Item = Result<pb::CreateBackupResponse, Status>> + Send>>;

    async fn create_backup(
        &self,
        request: Request<pb::CreateBackupRequest>,
    ) -> Result<Response<Self::CreateBackupStream>, Status> {
        let caller = caller(&self.core, &request).await?;
        let passphrase = request.into_inner().passphrase;
        let temporary = self.temporary(&caller);
        let stores = &self.core.inner.stores;
        stores.back_up(caller.person, &passphrase, &temporary.0, self.core.now()).await.map_err(backup)?;
        let file = File::open(&temporary.0).await.map_err(io)?;
        let pieces = futures::stream::try_unfold((file, temporary), |(mut file, temporary)| async move {
            let mut content = vec![0; PIECE];
            let read = file.read(&mut content).await.map_err(io)?;
            content.truncate(read);
            let piece = (read > 0).then_some(pb::CreateBackupResponse { content });
            Ok(piece.map(|piece| (piece, (file, temporary))))
        });
        Ok(Response::new(Box::pin(pieces)))
    }

    async fn restore_backup(
        &self,
        request: Request<Streaming<pb::RestoreBackupRequest>>,
    ) -> Result<Response<pb::RestoreBackupResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let mut pieces = request.into_inner();
        let temporary = self.temporary(&caller);
        let mut file = File::create_new(&temporary.0).await.map_err(io)?;
        let mut head: Option<(String, bool)> = None;
        let mut size: u64 = 0;
        while let Some(piece) = pieces.message().await? {
            size += piece.content.len() as u64;
            if size > MOST_BYTES {
                return Err(
                    RpcError::invalid_field("content", "has more than 16 GiB; this is no backup of ours").into()
                );
            }
            file.write_all(&piece.content).await.map_err(io)?;
            head.get_or_insert((piece.passphrase, piece.replace));
        }
        file.flush().await.map_err(io)?;
        drop(file);
        let (passphrase, replace) = head.ok_or_else(|| RpcError::invalid_field("content", "is empty"))?;
        let stores = &self.core.inner.stores;
        let report = stores.restore(caller.person, &passphrase, &temporary.0, replace).await.map_err(backup)?;
        let mut tx = caller.database.begin().await.map_err(errors::store)?;
        let restored = aerie_events::NewEvent {
            kind: "store.restored".to_owned(),
            subject_id: None,
            data: serde_json::json!({}),
            at: self.core.now(),
        };
        aerie_events::append(&mut tx, restored).await.map_err(RpcError::internal)?;
        self.core.inner.queue.commit(tx, caller.person).await.map_err(errors::queue)?;
        Ok(Response::new(pb::RestoreBackupResponse {
            tables: tables(&report),
            backup_time: Some(convert::timestamp(report.made_at)),
        }))
    }
}
