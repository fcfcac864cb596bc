//! `EventsService`.

use std::{pin::Pin, sync::Arc};

use aerie_events::{Delivery, Event, EventError, SubscribeOptions};
use aerie_proto::pipeline::v1::{self as pb, events_service_server::EventsService};
use aerie_rpc::RpcError;
use aerie_store::Database;
use futures::{Stream, StreamExt};
use tonic::{Request, Response, Status};

use super::{caller, convert, validation};
use crate::{core::Core, deletion};

pub(crate) struct EventsApi {
    pub(crate) core: Core,
}

type EventStream = Pin<Box<dyn Stream<Item = Result<pb::SubscribeResponse, Status>> + Send>>;

#[tonic::async_trait]
impl EventsService for EventsApi {
    type SubscribeStream = EventStream;

    async fn subscribe(&self, request: Request<pb::SubscribeRequest>) -> Result<Response<EventStream>, Status> {
        let caller = caller(&self.core, &request).await?;
        let request = request.into_inner();
        let mut check = validation(&self.core);
        check.texts("kinds", &request.kinds);
        check.require(request.after_sequence.is_none_or(|after| after >= 0), "after_sequence", "is negative");
        check.finish()?;
        let bus = Arc::clone(self.core.inner.queue.bus());
        // Known before the answer begins: whoever sees that must not miss what happens next.
        let after = match request.after_sequence {
            Some(after) => after,
            None => present_end(&caller.database).await.map_err(RpcError::internal)?,
        };
        let stream = aerie_events::subscribe(caller.database, bus, Some(after), SubscribeOptions::default());
        // Whoever was deleted is told to read afresh, and then there is nothing more to tell.
        let (core, person) = (self.core.clone(), caller.person);
        let stream = stream.take_until(deletion::deleted(core.clone(), core.inner.people.subscribe(), person));
        let farewell = futures::stream::once(async move { core.inner.stores.is_deleted(person) });
        let farewell = farewell.filter_map(async |is_deleted| {
            is_deleted.then(|| Ok(pb::SubscribeResponse { resync: true, ..Default::default() }))
        });
        let kinds = request.kinds;
        let stream = stream.filter_map(move |delivery| {
            let response = match delivery {
                Ok(Delivery::Event(event)) => is_wanted(&kinds, &event.kind).then(|| Ok(to_wire(&event))),
                Ok(Delivery::Resync { latest }) => {
                    Some(Ok(pb::SubscribeResponse { sequence: latest, resync: true, ..Default::default() }))
                }
                Err(error) => Some(Err(RpcError::internal(error).into())),
            };
            std::future::ready(response)
        });
        Ok(Response::new(Box::pin(stream.chain(farewell))))
    }
}

/// Number of the last event so far.
async fn present_end(database: &Database) -> Result<i64, EventError> {
    let mut tx = database.read().await?;
    let last = aerie_events::bounds(&mut tx).await?.last;
    tx.rollback().await?;
    Ok(last)
}

/// Whether a kind has one of the wanted beginnings.
fn is_wanted(kinds: &[String], kind: &str) -> bool {
    kinds.is_empty() || kinds.iter().any(|wanted| kind.starts_with(wanted.as_str()))
}

fn to_wire(event: &Event) -> pb::SubscribeResponse {
    pb::SubscribeResponse {
        sequence: event.sequence,
        kind: event.kind.clone(),
        subject_id: event.subject_id.map(|id| id.to_string()).unwrap_or_default(),
        time: Some(convert::timestamp(event.at)),
        data: convert::json_struct(&event.data),
        resync: false,
    }
}
