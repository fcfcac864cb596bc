//! The daily digest: what comes next, what is to be done, what moved.

use aerie_integrations::{Digest, DigestSection, Topic};
use aerie_store::{Database, Tx, integrations as rows, jobs, tracking};
use aerie_tasks::{KindPolicy, NewSchedule, NewTask, Outcome, QueueError, TaskContext, TaskError, TaskHandler};
use chrono::{NaiveDate, NaiveTime, TimeDelta};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{IntegrationError, asking};
use crate::{core::Core, status::JobStatus, tracking::calendar::local_time};

/// Name of the schedule.
const SCHEDULE: &str = "integration.digest";

/// How far ahead the digest looks.
const AHEAD: TimeDelta = TimeDelta::days(7);

/// Most lines of a section.
const MOST_LINES: usize = 30;

/// Nothing: a digest takes everything from the store.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct DigestPayload {}

/// What a digest leaves.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DigestReport {
    /// Whether there was anything to say.
    pub pushed: bool,
}

/// Runs `integration.digest` tasks.
pub struct DigestTask {
    /// Shared parts.
    pub core: Core,
}

impl TaskHandler for DigestTask {
    const KIND: &'static str = "integration.digest";
    type Payload = DigestPayload;
    type Output = DigestReport;

    fn policy() -> KindPolicy {
        KindPolicy { max_attempts: Some(5), ..KindPolicy::default() }
    }

    async fn run(&self, context: TaskContext, _: DigestPayload) -> Result<Outcome<DigestReport>, TaskError> {
        let day = self.core.now().date_naive();
        let mut tx = context.database().begin().await?;
        let digest = write(&self.core, &mut tx, day).await.map_err(TaskError::work)?;
        let pushed = !digest.sections.is_empty();
        if pushed {
            asking::digest_due(&self.core, &mut tx, day).await.map_err(TaskError::work)?;
        }
        self.core.inner.queue.commit(tx, context.person()).await?;
        Ok(Outcome::Done(DigestReport { pushed }))
    }
}

/// Makes sure that the digest comes every day as long as an integration wants it.
pub(super) async fn schedule(core: &Core, tx: &mut Tx) -> Result<(), QueueError> {
    let enabled = rows::enabled(tx).await?;
    let is_wanted = enabled.iter().any(|(_, _, topics)| topics.iter().any(|topic| topic == Topic::Digests.as_str()));
    if !is_wanted {
        return core.inner.queue.remove_schedule(tx, SCHEDULE).await.map(drop);
    }
    let task = NewTask::new::<DigestTask>(&DigestPayload {})?.with_key("daily");
    let cron = core.inner.integrations.digest_schedule.clone();
    core.inner.queue.put_schedule(tx, &NewSchedule { name: SCHEDULE.to_owned(), cron, task }).await
}

/// The same for a person's store as it is opened: the settings may name another time than before.
pub(crate) async fn schedule_at_start(core: &Core, database: &Database) -> Result<(), QueueError> {
    let mut tx = database.begin().await?;
    schedule(core, &mut tx).await?;
    Ok(tx.commit().await?)
}

/// The digest of a day, up to now. Sections with nothing in them are left out.
pub(super) async fn write(core: &Core, tx: &mut Tx, day: NaiveDate) -> Result<Digest, IntegrationError> {
    let now = core.now();
    let midnight = day.and_time(NaiveTime::MIN).and_utc();
    let appointments = tracking::appointments(tx, now, Some(now + AHEAD)).await?;
    let reminders = tracking::reminders(tx, false).await?;
    let mut moves = Vec::new();
    jobs::each_move(tx, |one| {
        if one.at >= midnight - TimeDelta::days(1) && one.from != JobStatus::Pending.as_str() {
            moves.push(one);
        }
        Ok(())
    })
    .await?;
    moves.sort_by_key(|one| one.at);
    let waiting = jobs::count_by_status(tx).await?.get(JobStatus::Pending.as_str()).copied().unwrap_or_default();
    let ids = appointments.iter().map(|one| one.job_id);
    let ids = ids.chain(reminders.iter().map(|one| one.job_id)).chain(moves.iter().map(|one| one.job_id));
    let names = jobs::names(tx, ids.collect()).await?;
    let name = |id: Uuid| {
        let found = names.iter().find(|one| one.id == id);
        found.map(|one| format!("{}, {}", one.title, one.company)).unwrap_or_default()
    };
    let mut sections = Vec::new();
    let mut section = |title: &str, lines: Vec<String>| {
        if !lines.is_empty() {
            sections.push(DigestSection { title: title.to_owned(), lines });
        }
    };
    let coming = appointments.iter().take(MOST_LINES);
    section(
        "Coming up",
        coming
            .map(|one| format!("{}: {} ({})", local_time(one.starts_at, &one.zone), one.title, name(one.job_id)))
            .collect(),
    );
    let due = reminders.iter().filter(|one| one.due_at < midnight + TimeDelta::days(2)).take(MOST_LINES);
    section("To do", due.map(|one| format!("{} ({})", one.text, name(one.job_id))).collect());
    let moved = moves.iter().take(MOST_LINES);
    section("Moved", moved.map(|one| format!("{}: {}", name(one.job_id), one.to.replace('_', " "))).collect());
    if waiting > 0 {
        section("Review", vec![format!("{waiting} openings wait for your decision")]);
    }
    Ok(Digest { day, sections })
}
