//! What is delivered, read from the store when it is delivered: the newest state, not that of the change.

use aerie_integrations::{Appointment, AppointmentChange, Document, FileName, Item, Job, JobName};
use aerie_postings::{PayPeriod, Place, Posting, RemoteKind, Salary};
use aerie_store::{Tx, integrations::File, jobs, tracking};
use chrono_tz::Tz;

use super::{IntegrationError, digest, push::Subject};
use crate::{core::Core, zones};

/// An item with the key of its present state.
pub(super) struct Found {
    pub(super) item: Item,
    pub(super) key: String,
}

/// Reads a subject; `None` when it is gone.
pub(super) async fn read(
    core: &Core,
    tx: &mut Tx,
    subject: &Subject,
    file: Option<&File>,
) -> Result<Option<Found>, IntegrationError> {
    let name = subject.name();
    let found = |item, state: String| Ok(Some(Found { item, key: format!("{name}:{state}") }));
    match subject {
        Subject::Job { id, version, moved } => {
            let Some(job) = jobs::get(tx, *id).await? else { return Ok(None) };
            // An event is the one that happened; a record is what the job is now.
            let state = version.unwrap_or(job.summary.version);
            let item = Job { moved: moved.clone(), ..job_item(&job) };
            found(Item::Job(item), state.to_string())
        }
        Subject::Appointment { id, change, version, gone } => {
            let known = tracking::appointment(tx, *id).await?;
            let (one, change) = match (known, gone) {
                (_, Some(gone)) => (gone.row(*id), AppointmentChange::Cancelled),
                (Some(known), None) => (known, *change),
                (None, None) => return Ok(None),
            };
            let names = jobs::names(tx, [one.job_id].into()).await?;
            let job = names.into_iter().next().map_or_else(
                || gone.as_ref().map(|gone| gone.job.clone()).unwrap_or_default(),
                |name| JobName { title: name.title, company: name.company, url: name.url },
            );
            let state = match (change, version) {
                (AppointmentChange::Cancelled, _) => "cancelled".to_owned(),
                (_, Some(version)) => version.to_string(),
                (_, None) => one.updated_at.timestamp_micros().to_string(),
            };
            let item = Appointment {
                id: one.id,
                change,
                title: one.title,
                starts_at: one.starts_at,
                ends_at: one.ends_at,
                zone: zones::parse(&one.zone).unwrap_or(Tz::UTC),
                location: one.location,
                notes: one.notes,
                job,
            };
            found(Item::Appointment(item), state)
        }
        Subject::Digest { day } => {
            let digest = digest::write(core, tx, *day).await?;
            found(Item::Digest(digest), "1".to_owned())
        }
        Subject::Document { name: file_name } => {
            let Some(file) = file else { return Ok(None) };
            let document = Document {
                name: FileName::new(file_name).map_err(|error| IntegrationError::Unreadable(error.to_string()))?,
                media_type: file.media_type.clone(),
                content: file.content.clone().into(),
            };
            let state = xxhash_rust::xxh3::xxh3_128(&document.content);
            found(Item::Document(document), format!("{state:032x}"))
        }
    }
}

fn job_item(job: &jobs::Job) -> Job {
    let posting = &job.snapshot.posting;
    Job {
        id: job.summary.id,
        name: JobName {
            title: job.summary.title.clone(),
            company: job.summary.company.clone(),
            url: job.summary.url.clone(),
        },
        status: job.summary.status.clone(),
        place: place_words(posting),
        salary: posting.salary.as_ref().map(salary_words).unwrap_or_default(),
        source: job.summary.source.clone(),
        score: job.summary.score,
        moved: None,
    }
}

fn place_words(posting: &Posting) -> String {
    let words = |place: &Place| {
        let parts = [&place.city, &place.region, &place.country];
        parts.into_iter().flatten().cloned().collect::<Vec<_>>().join(", ")
    };
    let mut all: Vec<String> = posting.places.iter().take(3).map(words).collect();
    match posting.remote {
        RemoteKind::Remote => all.push("remote".to_owned()),
        RemoteKind::Hybrid => all.push("hybrid".to_owned()),
        RemoteKind::OnSite | RemoteKind::Unknown => {}
    }
    all.join("; ")
}

fn salary_words(salary: &Salary) -> String {
    let range = match (salary.min, salary.max) {
        (Some(low), Some(high)) if low < high => format!("{low:.0}–{high:.0}"),
        (Some(one), _) | (None, Some(one)) => format!("{one:.0}"),
        (None, None) => return String::new(),
    };
    let period = match salary.period {
        PayPeriod::Hour => " an hour",
        PayPeriod::Day => " a day",
        PayPeriod::Week => " a week",
        PayPeriod::Month => " a month",
        PayPeriod::Year => " a year",
    };
    let currency = salary.currency.as_deref().map(|currency| format!(" {currency}")).unwrap_or_default();
    format!("{range}{currency}{period}")
}
