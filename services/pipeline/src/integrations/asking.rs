//! Asking for pushes, within the transaction of the change that causes them.
//!
//! Nothing here lets a change fail that a person makes: where the queue of pushes is full, the record of deliveries
//! says so, and the job moves all the same.

use aerie_integrations::{AppointmentChange, JobName, Kind, Move, Style, Topic, by_name};
use aerie_store::{
    StoreError, Tx,
    integrations::{self as rows, Delivery, File},
    jobs::{self, Job},
    tracking,
};
use aerie_tasks::{NewTask, QueueError};
use uuid::Uuid;

use super::{
    IntegrationError, items,
    push::{Gone, PushPayload, PushTask, Subject, WAITING},
};
use crate::{core::Core, status::JobStatus};

/// One thing to push.
pub(super) struct Wanted {
    pub(super) subject: Subject,
    pub(super) file: Option<File>,
    pub(super) headline: String,
    pub(super) key: String,
    /// A person asked for it, whether the integration is switched on or not.
    pub(super) by_hand: bool,
}

/// Asks for a push to one integration; while the same one is under way, that one is returned.
pub(super) async fn ask_one(
    core: &Core,
    tx: &mut Tx,
    integration: Uuid,
    kind: &Kind,
    wanted: &Wanted,
) -> Result<(Delivery, Uuid), IntegrationError> {
    let now = core.now();
    let mut delivery = Delivery {
        id: Uuid::now_v7(),
        integration,
        topic: wanted.subject.topic().as_str().to_owned(),
        subject: wanted.subject.name(),
        key: wanted.key.clone(),
        headline: wanted.headline.chars().take(300).collect(),
        state: WAITING.to_owned(),
        detail: String::new(),
        attempts: 0,
        created_at: now,
        updated_at: now,
    };
    let payload = PushPayload { delivery_id: delivery.id, subject: wanted.subject.clone(), by_hand: wanted.by_hand };
    let task = NewTask::new::<PushTask>(&payload)?
        .with_key(format!("{integration}:{}", wanted.key))
        .with_trace_context(aerie_telemetry::current_traceparent());
    match core.inner.queue.submit(tx, task).await {
        Ok(submitted) if submitted.created => {
            rows::insert_delivery(tx, &delivery, wanted.file.as_ref()).await?;
            Ok((delivery, submitted.id))
        }
        Ok(submitted) => {
            let newest = rows::deliveries(tx, Some(integration), 200).await?;
            let same = newest.into_iter().find(|one| one.key == wanted.key);
            Ok((same.unwrap_or(delivery), submitted.id))
        }
        Err(error @ QueueError::QueueFull { .. }) if !wanted.by_hand => {
            let name = kind.info.name;
            tracing::warn!(integration.kind = name, integration.id = %integration, "a push to {name} was left out: {error}");
            delivery.state = "failed".to_owned();
            delivery.detail = error.to_string();
            rows::insert_delivery(tx, &delivery, None).await?;
            Ok((delivery, Uuid::nil()))
        }
        Err(error) => Err(error.into()),
    }
}

/// The integrations that are switched on and want a topic.
async fn wanting(tx: &mut Tx, topic: Topic) -> Result<Vec<(Uuid, &'static Kind)>, StoreError> {
    let enabled = rows::enabled(tx).await?;
    let wanting = enabled.into_iter().filter(|(_, _, topics)| topics.iter().any(|known| known == topic.as_str()));
    Ok(wanting.filter_map(|(id, kind, _)| Some((id, by_name(&kind)?))).collect())
}

fn is_record(kind: &Kind) -> bool {
    kind.info.style == Style::Record
}

/// Asks for pushes of a subject. `subject` says how a kind wants it: as a record, or as the event that happened.
async fn ask(
    core: &Core,
    tx: &mut Tx,
    topic: Topic,
    file: Option<&File>,
    subject: impl Fn(bool) -> Subject,
) -> Result<(), IntegrationError> {
    for (integration, kind) in wanting(tx, topic).await? {
        let subject = subject(is_record(kind));
        let Some(found) = items::read(core, tx, &subject, file).await? else { continue };
        let headline = found.item.headline();
        let wanted = Wanted { subject, file: file.cloned(), headline, key: found.key, by_hand: false };
        ask_one(core, tx, integration, kind, &wanted).await?;
    }
    Ok(())
}

/// A job was moved. What a review turned down is nobody else's business.
pub(crate) async fn job_moved(
    core: &Core,
    tx: &mut Tx,
    job: &Job,
    from: &str,
    to: &str,
    reverted: bool,
) -> Result<(), IntegrationError> {
    let outside = |status: &str| {
        [JobStatus::Pending, JobStatus::Rejected, JobStatus::Archived].iter().any(|known| known.as_str() == status)
    };
    if outside(from) && outside(to) {
        return jobs_changed(core, tx, &[job.summary.id]).await;
    }
    let (id, version) = (job.summary.id, job.summary.version);
    let moved = Move { from: from.to_owned(), to: to.to_owned(), reverted };
    ask(core, tx, Topic::Jobs, None, |record| Subject::Job {
        id,
        version: (!record).then_some(version),
        moved: (!record).then(|| moved.clone()),
    })
    .await
}

/// Jobs changed together: those that stand somewhere as a record are brought up to date there.
pub(crate) async fn jobs_changed(core: &Core, tx: &mut Tx, ids: &[Uuid]) -> Result<(), IntegrationError> {
    let integrations: Vec<(Uuid, &Kind)> =
        wanting(tx, Topic::Jobs).await?.into_iter().filter(|(_, kind)| is_record(kind)).collect();
    if integrations.is_empty() || ids.is_empty() {
        return Ok(());
    }
    let subjects = ids.iter().map(|id| format!("job:{id}")).collect();
    for subject in rows::delivered_subjects(tx, subjects).await? {
        let Some(id) = subject.strip_prefix("job:").and_then(|id| Uuid::parse_str(id).ok()) else { continue };
        for (integration, kind) in &integrations {
            if rows::link(tx, *integration, &subject).await?.is_none() {
                continue;
            }
            let subject = Subject::Job { id, version: None, moved: None };
            let Some(found) = items::read(core, tx, &subject, None).await? else { continue };
            let headline = found.item.headline();
            let wanted = Wanted { subject, file: None, headline, key: found.key, by_hand: false };
            ask_one(core, tx, *integration, kind, &wanted).await?;
        }
    }
    Ok(())
}

/// An appointment was made or changed.
pub(crate) async fn appointment_saved(
    core: &Core,
    tx: &mut Tx,
    one: &tracking::Appointment,
    is_new: bool,
) -> Result<(), IntegrationError> {
    let change = if is_new { AppointmentChange::Scheduled } else { AppointmentChange::Changed };
    let (id, version) = (one.id, one.updated_at.timestamp_micros());
    ask(core, tx, Topic::Appointments, None, |record| Subject::Appointment {
        id,
        change,
        version: (!record).then_some(version),
        gone: None,
    })
    .await
}

/// An appointment takes place no more; it may be deleted already.
pub(crate) async fn appointment_cancelled(
    core: &Core,
    tx: &mut Tx,
    one: &tracking::Appointment,
) -> Result<(), IntegrationError> {
    if wanting(tx, Topic::Appointments).await?.is_empty() {
        return Ok(());
    }
    let name = jobs::names(tx, [one.job_id].into()).await?.into_iter().next();
    let job =
        name.map_or_else(JobName::default, |name| JobName { title: name.title, company: name.company, url: name.url });
    let gone = Gone::new(one, job);
    let id = one.id;
    ask(core, tx, Topic::Appointments, None, |_| Subject::Appointment {
        id,
        change: AppointmentChange::Cancelled,
        version: None,
        gone: Some(gone.clone()),
    })
    .await
}

/// The appointments to come of jobs, before these are deleted.
pub(crate) async fn appointments_to_come(
    core: &Core,
    tx: &mut Tx,
    statuses: &[String],
) -> Result<Vec<tracking::Appointment>, IntegrationError> {
    if wanting(tx, Topic::Appointments).await?.is_empty() {
        return Ok(Vec::new());
    }
    let mut kept = Vec::new();
    for one in tracking::appointments(tx, core.now(), None).await? {
        if jobs::get(tx, one.job_id).await?.is_some_and(|job| statuses.contains(&job.summary.status)) {
            kept.push(one);
        }
    }
    Ok(kept)
}

/// The appointments of a job are shown with another job from now on.
pub(crate) async fn appointments_of_job_changed(core: &Core, tx: &mut Tx, job: Uuid) -> Result<(), IntegrationError> {
    for one in tracking::appointments_of(tx, job).await? {
        if one.ends_at >= core.now() {
            appointment_saved(core, tx, &one, false).await?;
        }
    }
    Ok(())
}

/// The digest of a day is due.
pub(super) async fn digest_due(core: &Core, tx: &mut Tx, day: chrono::NaiveDate) -> Result<(), IntegrationError> {
    ask(core, tx, Topic::Digests, None, |_| Subject::Digest { day }).await
}
