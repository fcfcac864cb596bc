//! `IntegrationsService`.

use std::collections::HashMap;

use aerie_integrations::{FieldType, FileName, Kind, PushError, Topic};
use aerie_proto::pipeline::v1::{self as pb, integrations_service_server::IntegrationsService, push_item_request};
use aerie_rpc::RpcError;
use aerie_store::integrations::{Delivery, File, Integration};
use tonic::{Request, Response, Status};

use super::{Caller, caller, convert, errors, id, optional_id, validation};
use crate::{
    core::Core,
    integrations::{Change, Integrations, MOST_FILE_BYTES, push::Subject},
};

/// Deliveries of a list when none are asked for, and at most.
const DELIVERIES: u32 = 50;
const MOST_DELIVERIES: i32 = 500;

pub(crate) struct IntegrationsApi {
    pub(crate) core: Core,
}

impl IntegrationsApi {
    fn integrations<'a>(&'a self, caller: &'a Caller) -> Integrations<'a> {
        Integrations { core: &self.core, database: &caller.database, person: caller.person }
    }
}

const TOPICS: [(Topic, pb::IntegrationTopic); 4] = [
    (Topic::Jobs, pb::IntegrationTopic::Jobs),
    (Topic::Appointments, pb::IntegrationTopic::Appointments),
    (Topic::Digests, pb::IntegrationTopic::Digests),
    (Topic::Documents, pb::IntegrationTopic::Documents),
];

fn topic_to_wire(name: &str) -> i32 {
    TOPICS.iter().find(|(topic, _)| topic.as_str() == name).map_or(0, |(_, wire)| *wire as i32)
}

fn topics(wire: &[i32]) -> Result<Vec<Topic>, RpcError> {
    let one = |number: &i32| {
        let known = TOPICS.iter().find(|(_, wire)| *wire as i32 == *number);
        known.map(|(topic, _)| *topic).ok_or_else(|| {
            RpcError::invalid_field("topics", "holds one that is not known; use JOBS, APPOINTMENTS, DIGESTS, DOCUMENTS")
        })
    };
    wire.iter().map(one).collect()
}

/// What a request asks to make or change.
fn change(
    core: &Core,
    name: &str,
    settings: HashMap<String, String>,
    wanted: &[i32],
    enabled: Option<bool>,
) -> Result<Change, RpcError> {
    let mut check = validation(core);
    check.text("name", name);
    check.require(settings.len() <= 50, "settings", "holds more than 50 entries; see the kind's settings");
    check.list("topics", wanted);
    check.finish()?;
    Ok(Change {
        name: Some(name.trim().to_owned()).filter(|name| !name.is_empty()),
        settings: settings.into_iter().collect(),
        topics: topics(wanted)?,
        enabled,
    })
}

fn kind_to_wire(kind: &Kind) -> pb::IntegrationKind {
    let field = |field: &aerie_integrations::Field| {
        let (kind, choices): (_, &[&str]) = match field.kind {
            FieldType::Text => (pb::IntegrationFieldType::Text, &[]),
            FieldType::Document => (pb::IntegrationFieldType::Document, &[]),
            FieldType::Address => (pb::IntegrationFieldType::Address, &[]),
            FieldType::Port => (pb::IntegrationFieldType::Port, &[]),
            FieldType::Choice(choices) => (pb::IntegrationFieldType::Choice, choices),
        };
        pb::IntegrationField {
            name: field.name.to_owned(),
            r#type: kind as i32,
            about: field.about.to_owned(),
            required: field.required,
            secret: field.secret,
            default_value: field.default.unwrap_or_default().to_owned(),
            choices: choices.iter().map(|choice| (*choice).to_owned()).collect(),
        }
    };
    pb::IntegrationKind {
        name: kind.info.name.to_owned(),
        label: kind.info.label.to_owned(),
        about: kind.info.about.to_owned(),
        topics: kind.info.topics.iter().map(|topic| topic_to_wire(topic.as_str())).collect(),
        fields: kind.info.fields.iter().map(field).collect(),
        starts_enabled: kind.info.starts_on,
    }
}

fn to_wire(one: &Integration, last: Option<&Delivery>) -> pb::Integration {
    pb::Integration {
        id: one.id.to_string(),
        kind: one.kind.clone(),
        name: one.name.clone(),
        settings: one.settings.clone().into_iter().collect(),
        secrets_set: one.secret_names.clone(),
        topics: one.topics.iter().map(|topic| topic_to_wire(topic)).collect(),
        enabled: one.enabled,
        last_delivery: last.map(delivery_to_wire),
        create_time: Some(convert::timestamp(one.created_at)),
        update_time: Some(convert::timestamp(one.updated_at)),
    }
}

fn delivery_to_wire(one: &Delivery) -> pb::Delivery {
    let state = match one.state.as_str() {
        "waiting" => pb::DeliveryState::Waiting,
        "sending" => pb::DeliveryState::Sending,
        "retrying" => pb::DeliveryState::Retrying,
        "delivered" => pb::DeliveryState::Delivered,
        "failed" => pb::DeliveryState::Failed,
        _ => pb::DeliveryState::Unspecified,
    };
    pb::Delivery {
        id: one.id.to_string(),
        integration_id: one.integration.to_string(),
        topic: topic_to_wire(&one.topic),
        subject: one.subject.clone(),
        headline: one.headline.clone(),
        state: state as i32,
        detail: one.detail.clone(),
        attempts: i32::try_from(one.attempts).unwrap_or(i32::MAX),
        create_time: Some(convert::timestamp(one.created_at)),
        update_time: Some(convert::timestamp(one.updated_at)),
    }
}

fn tested_to_wire(tested: Result<String, PushError>) -> pb::TestIntegrationResponse {
    let error = match tested {
        Ok(message) => return pb::TestIntegrationResponse { works: true, message, ..Default::default() },
        Err(error) => error,
    };
    let mut response = pb::TestIntegrationResponse { message: error.to_string(), ..Default::default() };
    let problem = match error {
        PushError::Again { after, .. } => {
            response.retry_after = after.and_then(|after| prost_types::Duration::try_from(after).ok());
            pb::IntegrationProblem::Later
        }
        PushError::Credentials { .. } => pb::IntegrationProblem::Credentials,
        PushError::Settings { field, .. } => {
            response.field = field.to_owned();
            pb::IntegrationProblem::Settings
        }
        PushError::Refused { .. } => pb::IntegrationProblem::Refused,
        PushError::Uncertain { .. } => pb::IntegrationProblem::Later,
    };
    response.problem = problem as i32;
    response
}

/// What a request asks to push.
fn subject(core: &Core, item: Option<push_item_request::Item>) -> Result<(Subject, Option<File>), RpcError> {
    use push_item_request::Item;
    Ok(match item {
        Some(Item::JobId(job)) => (Subject::Job { id: id("job_id", &job)?, version: None, moved: None }, None),
        Some(Item::AppointmentId(one)) => {
            let id = id("appointment_id", &one)?;
            let change = aerie_integrations::AppointmentChange::Scheduled;
            (Subject::Appointment { id, change, version: None, gone: None }, None)
        }
        Some(Item::Digest(_)) => (Subject::Digest { day: core.now().date_naive() }, None),
        Some(Item::File(file)) => {
            let name =
                FileName::new(&file.name).map_err(|error| RpcError::invalid_field("file.name", error.to_string()))?;
            if file.content.is_empty() || file.content.len() > MOST_FILE_BYTES {
                let words = "is empty or has more than 8 MiB; push a smaller file";
                return Err(RpcError::invalid_field("file.content", words));
            }
            let plain = |character: char| character.is_ascii_graphic() || character == ' ';
            if file.media_type.len() > 200 || !file.media_type.chars().all(plain) {
                return Err(RpcError::invalid_field(
                    "file.media_type",
                    "is no media type; write one such as application/pdf",
                ));
            }
            let media_type = match file.media_type.trim() {
                "" => "application/octet-stream",
                given => given,
            };
            let stored = File { name: name.to_string(), media_type: media_type.to_owned(), content: file.content };
            (Subject::Document { name: name.to_string() }, Some(stored))
        }
        None => {
            let words = "is missing; name a job, an appointment, the digest or a file";
            return Err(RpcError::invalid_field("item", words));
        }
    })
}

#[tonic::async_trait]
impl IntegrationsService for IntegrationsApi {
    async fn list_integration_kinds(
        &self,
        request: Request<pb::ListIntegrationKindsRequest>,
    ) -> Result<Response<pb::ListIntegrationKindsResponse>, Status> {
        caller(&self.core, &request).await?;
        let kinds = aerie_integrations::all().iter().map(kind_to_wire).collect();
        Ok(Response::new(pb::ListIntegrationKindsResponse { kinds }))
    }

    async fn list_integrations(
        &self,
        request: Request<pb::ListIntegrationsRequest>,
    ) -> Result<Response<pb::ListIntegrationsResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let found = self.integrations(&caller).list().await.map_err(errors::integration)?;
        let integrations = found.iter().map(|(one, last)| to_wire(one, last.as_ref())).collect();
        Ok(Response::new(pb::ListIntegrationsResponse { integrations }))
    }

    async fn create_integration(
        &self,
        request: Request<pb::CreateIntegrationRequest>,
    ) -> Result<Response<pb::CreateIntegrationResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let request = request.into_inner();
        let change = change(&self.core, &request.name, request.settings, &request.topics, request.enabled)?;
        let made = self.integrations(&caller).create(&request.kind, change).await.map_err(errors::integration)?;
        Ok(Response::new(pb::CreateIntegrationResponse { integration: Some(to_wire(&made, None)) }))
    }

    async fn update_integration(
        &self,
        request: Request<pb::UpdateIntegrationRequest>,
    ) -> Result<Response<pb::UpdateIntegrationResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let request = request.into_inner();
        let change = change(&self.core, &request.name, request.settings, &request.topics, request.enabled)?;
        let id = id("integration_id", &request.integration_id)?;
        let integrations = self.integrations(&caller);
        let changed = integrations.update(id, change).await.map_err(errors::integration)?;
        let last = integrations.deliveries(Some(id), 1).await.map_err(errors::integration)?.pop();
        Ok(Response::new(pb::UpdateIntegrationResponse { integration: Some(to_wire(&changed, last.as_ref())) }))
    }

    async fn delete_integration(
        &self,
        request: Request<pb::DeleteIntegrationRequest>,
    ) -> Result<Response<pb::DeleteIntegrationResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let id = id("integration_id", &request.into_inner().integration_id)?;
        self.integrations(&caller).delete(id).await.map_err(errors::integration)?;
        Ok(Response::new(pb::DeleteIntegrationResponse {}))
    }

    async fn test_integration(
        &self,
        request: Request<pb::TestIntegrationRequest>,
    ) -> Result<Response<pb::TestIntegrationResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let id = id("integration_id", &request.into_inner().integration_id)?;
        let tested = self.integrations(&caller).test(id).await.map_err(errors::integration)?;
        Ok(Response::new(tested_to_wire(tested)))
    }

    async fn push_item(&self, request: Request<pb::PushItemRequest>) -> Result<Response<pb::PushItemResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let request = request.into_inner();
        let id = id("integration_id", &request.integration_id)?;
        let (subject, file) = subject(&self.core, request.item)?;
        let (delivery, task) = self.integrations(&caller).push(id, subject, file).await.map_err(errors::integration)?;
        Ok(Response::new(pb::PushItemResponse {
            delivery: Some(delivery_to_wire(&delivery)),
            task_id: task.to_string(),
        }))
    }

    async fn list_deliveries(
        &self,
        request: Request<pb::ListDeliveriesRequest>,
    ) -> Result<Response<pb::ListDeliveriesResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let request = request.into_inner();
        let mut check = validation(&self.core);
        check.require((0..=MOST_DELIVERIES).contains(&request.page_size), "page_size", "must be 0 to 500");
        check.finish()?;
        let limit = u32::try_from(request.page_size).ok().filter(|limit| *limit > 0).unwrap_or(DELIVERIES);
        let id = optional_id("integration_id", &request.integration_id)?;
        let found = self.integrations(&caller).deliveries(id, limit).await.map_err(errors::integration)?;
        Ok(Response::new(pb::ListDeliveriesResponse { deliveries: found.iter().map(delivery_to_wire).collect() }))
    }
}
