//! `DeletionService`.

use aerie_proto::pipeline::v1::{self as pb, deletion_service_server::DeletionService};
use aerie_rpc::RpcError;
use aerie_store::{Engine, deletions::Rows};
use tonic::{Request, Response, Status};

use super::{caller, errors};
use crate::{core::Core, deletion};

pub(crate) struct DeletionApi {
    pub(crate) core: Core,
}

#[tonic::async_trait]
impl DeletionService for DeletionApi {
    async fn preview_deletion(
        &self,
        request: Request<pb::PreviewDeletionRequest>,
    ) -> Result<Response<pb::PreviewDeletionResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let rows = self.core.inner.stores.count_rows(caller.person).await.map_err(errors::store)?;
        Ok(Response::new(pb::PreviewDeletionResponse {
            tables: tables(&rows),
            confirmation: deletion::confirmation(caller.person),
            can_back_up: caller.database.engine() == Engine::Sqlite,
        }))
    }

    async fn delete_everything(
        &self,
        request: Request<pb::DeleteEverythingRequest>,
    ) -> Result<Response<pb::DeleteEverythingResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        if request.get_ref().confirmation.trim() != deletion::confirmation(caller.person) {
            let problem = "is not what PreviewDeletion gave for this account; nothing was deleted";
            return Err(RpcError::invalid_field("confirmation", problem).into());
        }
        let deleted = deletion::delete(&self.core, caller.person, &caller.database).await.map_err(errors::queue)?;
        Ok(Response::new(pb::DeleteEverythingResponse {
            tables: tables(&deleted.rows),
            is_complete: deleted.is_complete,
        }))
    }
}

fn tables(rows: &Rows) -> Vec<pb::TableRows> {
    let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    rows.iter().map(|(table, count)| pb::TableRows { table: table.clone(), rows: number(*count) }).collect()
}
