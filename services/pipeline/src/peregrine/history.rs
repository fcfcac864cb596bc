//! `staging.db`: jobs with their stages, letters, questions, briefs, surveys and people.

use std::collections::{BTreeMap, HashMap};

use aerie_documents::content::LetterContent;
use aerie_postings::{Posting, RawDate, RawPlace, RawPosting, RawSalary, RemoteKind, normalise};
use aerie_store::{
    Tx, foreign,
    jobs::{self as job_rows, Job, Moved, Transition},
    materials::{self as material_rows, Material, Version},
    surveys::{self as survey_rows, Survey},
    tracking::{self, Appointment, Contact},
};
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};
use serde_json::Value as Json;
use uuid::Uuid;

use super::{File, FileReport, Importer, PeregrineError};
use crate::{
    discovery::{
        ingest::ingest,
        queueing::{self, Finder},
    },
    jobs::jobs_added,
    letters::{LetterDocument, MOST_VERSIONS, questions::QuestionDocument},
    materials::{self, Kind, State},
    profile::SearchProfile,
    profiles,
    research::{BriefSection, ResearchDocument, Statement},
    scoring::{Which, embed_postings, score_jobs},
    status::JobStatus,
};

/// Who wrote what comes from there.
const WRITER: &str = "Peregrine";

/// Most rows of one table.
const MOST_ROWS: u32 = 50_000;

const TABLES: [&str; 4] = ["jobs", "job_contacts", "company_research", "survey_responses"];

type Row = BTreeMap<String, String>;

fn cell<'a>(row: &'a Row, column: &str) -> &'a str {
    row.get(column).map_or("", |text| text.trim())
}

impl Importer<'_> {
    /// Takes over the jobs and what belongs to them. Jobs that are known already stay as they are.
    pub(super) async fn take_history(&self, file: &File) -> Result<FileReport, PeregrineError> {
        let mut report = FileReport::of(&file.name);
        let folder = self.core.inner.stores.person_folder(self.person);
        std::fs::create_dir_all(&folder).map_err(PeregrineError::File)?;
        let path = folder.join(format!("import-{}.db", Uuid::now_v7()));
        std::fs::write(&path, &file.content).map_err(PeregrineError::File)?;
        let read = foreign::read(&path, &TABLES, MOST_ROWS).await;
        std::fs::remove_file(&path).map_err(PeregrineError::File)?;
        let tables = match read {
            Ok(tables) => tables,
            Err(error) => {
                report.left(format!("it is no SQLite database that can be read: {error}"));
                return Ok(report);
            }
        };
        let rows = |table: &str| tables.get(table).map_or(&[][..], Vec::as_slice);
        if rows("jobs").is_empty() {
            report.left("it has no jobs");
            return Ok(report);
        }
        let now = self.core.now();
        let (mut postings, mut of_row, mut unreadable) = (Vec::<Posting>::new(), Vec::<&Row>::new(), 0);
        for row in rows("jobs") {
            match normalise(raw(row), now) {
                Ok(posting) => {
                    postings.push(posting);
                    of_row.push(row);
                }
                Err(_) => unreadable += 1,
            }
        }
        if unreadable > 0 {
            report.left(format!("{unreadable} jobs without a title or a web address"));
        }
        let ingested = ingest(self.core.platform(), postings, None, now).await?;
        embed_postings(self.core, &ingested.ids, &ingested.changed).await?;
        let stored = profiles::read(self.database).await?;
        let search = SearchProfile::default();
        let finder = Finder { search: &search, profile: &stored.profile, surfaced_by: "peregrine", filters: false };
        let change = queueing::prepare(self.core, self.database, &finder, &ingested.ids, &ingested.changed).await?;

        let mut tx = self.database.begin().await?;
        let new = change.apply(&mut tx, now).await?;
        let jobs = job_rows::get_by_postings(&mut tx, &ingested.ids).await?;
        let mut of_id: HashMap<&str, Uuid> = HashMap::new();
        let (mut moved, mut counts) = (0, Counts::default());
        for (row, posting) in of_row.iter().zip(&ingested.ids) {
            let Some(job) = jobs.get(posting).filter(|job| new.contains(&job.id)) else { continue };
            // Two rows there may be one job here.
            if of_id.values().any(|known| *known == job.id) {
                continue;
            }
            of_id.insert(cell(row, "id"), job.id);
            let full = job_rows::get(&mut tx, job.id).await?;
            let Some(full) = full else { continue };
            moved += usize::from(take_stages(&mut tx, &full, row, now).await?);
            counts.letters += usize::from(take_letter(&mut tx, &full, row, now).await?);
            counts.questions += take_questions(&mut tx, job.id, row, now).await?;
            counts.appointments += usize::from(take_interview(&mut tx, job.id, row, now).await?);
        }
        for row in rows("company_research") {
            if let Some(job) = of_id.get(cell(row, "job_id")) {
                counts.briefs += usize::from(take_brief(&mut tx, *job, row, now).await?);
            }
        }
        for row in rows("survey_responses") {
            if let Some(job) = of_id.get(cell(row, "job_id")) {
                counts.surveys += usize::from(take_survey(&mut tx, *job, row, now).await?);
            }
        }
        let mut people = std::collections::HashSet::new();
        for row in rows("job_contacts").iter().filter(|row| cell(row, "direction") == "inbound") {
            let Some(job) = of_id.get(cell(row, "job_id")) else { continue };
            if let Some(contact) = contact_of(*job, cell(row, "from_addr"), now)
                && people.insert((*job, contact.email.to_lowercase()))
            {
                counts.contacts += usize::from(tracking::save_contact(&mut tx, &contact).await?);
            }
        }
        aerie_events::append_all(&mut tx, jobs_added(&new, "peregrine", now).into_iter().collect()).await?;
        self.core.inner.queue.commit(tx, self.person).await?;
        score_jobs(self.core, self.database, Which::Unscored, None).await?;

        report.took_many(of_id.len(), "jobs");
        report.took_many(moved, "of them with their stages");
        report.took_many(counts.letters, "letters");
        report.took_many(counts.questions, "answers to questions");
        report.took_many(counts.briefs, "briefs on employers");
        report.took_many(counts.surveys, "surveys");
        report.took_many(counts.appointments, "interview dates");
        report.took_many(counts.contacts, "contacts");
        let known = of_row.len() - of_id.len();
        if known > 0 {
            report.left(format!("{known} jobs that were known already, or are the same opening as another one"));
        }
        if rows("job_contacts").iter().any(|row| !cell(row, "body").is_empty()) {
            report.left("the texts of mails: they are read again from the mailbox (`aerie mail add`)");
        }
        Ok(report)
    }
}

/// How many of what were taken.
#[derive(Default)]
struct Counts {
    letters: usize,
    questions: usize,
    briefs: usize,
    surveys: usize,
    appointments: usize,
    contacts: usize,
}

fn raw(row: &Row) -> RawPosting {
    let given = |column: &str| Some(cell(row, column).to_owned()).filter(|text| !text.is_empty());
    RawPosting {
        source: given("source").unwrap_or_else(|| "peregrine".to_owned()),
        title: given("title"),
        company: given("company"),
        url: given("url"),
        places: given("location")
            .map(|text| RawPlace { text: Some(text), ..RawPlace::default() })
            .into_iter()
            .collect(),
        remote: (cell(row, "is_remote") == "1").then_some(RemoteKind::Remote),
        salary: given("salary").map(|text| RawSalary { text: Some(text), ..RawSalary::default() }),
        description_text: given("description"),
        posted: time(cell(row, "date_found")).map(RawDate::At),
        ..RawPosting::default()
    }
}

/// A time as Peregrine writes it: a day, or ISO 8601 with or without an offset, which then is meant in UTC.
fn time(text: &str) -> Option<DateTime<Utc>> {
    let text = text.trim();
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.to_utc());
    }
    let plain = text.replace(' ', "T");
    for form in ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M"] {
        if let Ok(time) = NaiveDateTime::parse_from_str(&plain, form) {
            return Some(time.and_utc());
        }
    }
    NaiveDate::parse_from_str(text.get(..10)?, "%Y-%m-%d").ok().map(|day| day.and_time(NaiveTime::MIN).and_utc())
}

/// The stage that a row's status means here.
fn status_of(text: &str) -> Option<JobStatus> {
    match text {
        // Pushed to Notion after applying.
        "synced" => Some(JobStatus::Applied),
        "interview_rejected" => Some(JobStatus::Rejected),
        other => other.parse().ok(),
    }
}

/// Moves a new job through the stages that it went through there, at the times that are known.
async fn take_stages(tx: &mut Tx, job: &Job, row: &Row, now: DateTime<Utc>) -> Result<bool, PeregrineError> {
    let Some(status) = status_of(cell(row, "status")) else { return Ok(false) };
    let mut way: Vec<JobStatus> = vec![JobStatus::Approved, JobStatus::Applied];
    if !cell(row, "survey_at").is_empty() || status == JobStatus::Survey {
        way.push(JobStatus::Survey);
    }
    way.extend([JobStatus::PhoneScreen, JobStatus::Interviewing, JobStatus::Offer, JobStatus::Hired]);
    let reached = match status {
        JobStatus::Pending => 0,
        JobStatus::Rejected | JobStatus::Archived => {
            let stage = status_of(cell(row, "rejection_stage"));
            stage.and_then(|stage| way.iter().position(|one| *one == stage)).map_or(0, |at| at + 1)
        }
        reached => way.iter().position(|one| *one == reached).map_or(0, |at| at + 1),
    };
    way.truncate(reached);
    way.extend([status].into_iter().filter(|end| matches!(end, JobStatus::Rejected | JobStatus::Archived)));
    let (mut from, mut last) = (JobStatus::Pending, time(cell(row, "date_found")).unwrap_or(now).min(now));
    for to in way {
        let column = match to {
            JobStatus::Applied => "applied_at",
            JobStatus::Survey => "survey_at",
            JobStatus::PhoneScreen => "phone_screen_at",
            JobStatus::Interviewing => "interviewing_at",
            JobStatus::Offer => "offer_at",
            JobStatus::Hired => "hired_at",
            _ => "",
        };
        if from.check_move(to).is_err() {
            break;
        }
        // A stage without a time happened some time after the one before.
        last = time(cell(row, column)).unwrap_or(last).max(last).min(now);
        let change = Transition {
            job_id: job.summary.id,
            expected_version: None,
            from: from.as_str().to_owned(),
            to: to.as_str().to_owned(),
            at: last,
            rejection_stage: (to == JobStatus::Rejected).then(|| from.as_str().to_owned()),
        };
        if !matches!(job_rows::transition(tx, &change).await?, Moved::Done { .. }) {
            break;
        }
        from = to;
    }
    Ok(from != JobStatus::Pending)
}

async fn take_letter(tx: &mut Tx, job: &Job, row: &Row, now: DateTime<Utc>) -> Result<bool, PeregrineError> {
    let text = cell(row, "cover_letter");
    let paragraphs: Vec<String> =
        text.split("\n\n").map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect();
    if paragraphs.is_empty() {
        return Ok(false);
    }
    // The text has salutation and closing of its own.
    let content = LetterContent {
        recipient: vec![job.summary.company.clone()],
        title: format!("{} – {}", job.summary.company, job.summary.title),
        paragraphs,
        ..LetterContent::default()
    };
    let document = materials::written(&LetterDocument { content, left_out: vec![] })?;
    let material = Material { chosen: 1, ..ready(Kind::Letter, job.summary.id, "{}".to_owned(), now) };
    material_rows::insert(tx, &material).await?;
    let version = Version { number: 0, document, written_by: WRITER.to_owned(), note: String::new(), created_at: now };
    material_rows::add_version(tx, material.id, &version, MOST_VERSIONS).await?;
    Ok(true)
}

fn ready(kind: Kind, job: Uuid, document: String, now: DateTime<Utc>) -> Material {
    Material {
        state: State::Ready.as_str().to_owned(),
        document,
        written_by: WRITER.to_owned(),
        ..materials::new_material(kind, job, now)
    }
}

/// Questions with answers: a list of objects, or an object of texts.
async fn take_questions(tx: &mut Tx, job: Uuid, row: &Row, now: DateTime<Utc>) -> Result<usize, PeregrineError> {
    let pairs: Vec<(String, String)> = match serde_json::from_str(cell(row, "application_qa")) {
        Ok(Json::Array(entries)) => {
            let field = |entry: &Json, key: &str| entry[key].as_str().unwrap_or_default().to_owned();
            entries.iter().map(|entry| (field(entry, "question"), field(entry, "answer"))).collect()
        }
        Ok(Json::Object(fields)) => fields
            .iter()
            .map(|(question, answer)| (question.clone(), answer.as_str().unwrap_or_default().to_owned()))
            .collect(),
        _ => vec![],
    };
    let mut count = 0;
    for (question, answer) in pairs.into_iter().filter(|(question, answer)| !question.is_empty() && !answer.is_empty())
    {
        let document = materials::written(&QuestionDocument { question, answer })?;
        material_rows::insert(tx, &ready(Kind::Question, job, document, now)).await?;
        count += 1;
    }
    Ok(count)
}

/// The date of an interview. Peregrine keeps a day, or a time without a zone; the person sees to it that it is right.
async fn take_interview(tx: &mut Tx, job: Uuid, row: &Row, now: DateTime<Utc>) -> Result<bool, PeregrineError> {
    let Some(starts_at) = time(cell(row, "interview_date")) else { return Ok(false) };
    let appointment = Appointment {
        id: Uuid::now_v7(),
        job_id: job,
        kind: "interview".to_owned(),
        title: "Interview".to_owned(),
        starts_at,
        ends_at: starts_at + TimeDelta::hours(1),
        zone: "UTC".to_owned(),
        location: String::new(),
        notes: "Taken over from Peregrine, which keeps no time zone: check the time.".to_owned(),
        updated_at: now,
    };
    Ok(tracking::save_appointment(tx, &appointment).await?)
}

/// A brief. Peregrine keeps no link of a statement, so each counts as its writer's own.
async fn take_brief(tx: &mut Tx, job: Uuid, row: &Row, now: DateTime<Utc>) -> Result<bool, PeregrineError> {
    let heads = [
        ("company_brief", "Company overview"),
        ("ceo_brief", "Leadership and culture"),
        ("tech_brief", "Tech stack and product"),
        ("funding_brief", "Funding and market position"),
        ("accessibility_brief", "Inclusion and accessibility"),
        ("red_flags", "Red flags and watch-outs"),
        ("talking_points", "Talking points"),
    ];
    let sections: Vec<BriefSection> = heads
        .iter()
        .map(|(column, title)| {
            let lines = cell(row, column).lines().map(|line| line.trim().trim_start_matches(['-', '*', '•']).trim());
            let statements = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
            let statements = statements.map(|text| Statement { text: text.to_owned(), sources: vec![] }).collect();
            BriefSection { title: (*title).to_owned(), statements }
        })
        .filter(|section| !section.statements.is_empty())
        .collect();
    if sections.is_empty() {
        return Ok(false);
    }
    let has_web_sources = cell(row, "scrape_used") == "1";
    let document = materials::written(&ResearchDocument { sections, sources: vec![], has_web_sources })?;
    Ok(material_rows::insert(tx, &ready(Kind::Research, job, document, now)).await?)
}

async fn take_survey(tx: &mut Tx, job: Uuid, row: &Row, now: DateTime<Utc>) -> Result<bool, PeregrineError> {
    let (questions, answers) = (cell(row, "raw_input"), cell(row, "llm_output"));
    if questions.is_empty() && answers.is_empty() {
        return Ok(false);
    }
    let created_at = time(cell(row, "received_at")).or_else(|| time(cell(row, "created_at"))).unwrap_or(now);
    let name = match cell(row, "survey_name") {
        "" => created_at.format("%Y-%m-%d").to_string(),
        name => name.to_owned(),
    };
    let survey = Survey {
        id: Uuid::now_v7(),
        job_id: job,
        name,
        mode: cell(row, "mode").to_owned(),
        state: "answered".to_owned(),
        from_screenshot: false,
        questions: questions.to_owned(),
        answers: answers.to_owned(),
        answered_by: WRITER.to_owned(),
        problem: String::new(),
        reported_score: cell(row, "reported_score").to_owned(),
        created_at,
        updated_at: now,
    };
    Ok(survey_rows::insert(tx, &survey, None).await?)
}

/// "Ines Okafor <ines@example.com>" as a contact.
fn contact_of(job: Uuid, from: &str, now: DateTime<Utc>) -> Option<Contact> {
    let (name, email) = match from.split_once('<') {
        Some((name, rest)) => (name.trim().trim_matches('"').trim(), rest.trim_end_matches('>').trim()),
        None => ("", from.trim()),
    };
    let local = email.split('@').next().unwrap_or("").to_ascii_lowercase();
    let is_machine = ["no-reply", "noreply", "donotreply", "do-not-reply", "notifications", "mailer"]
        .iter()
        .any(|word| local.contains(word));
    if !email.contains('@') || is_machine {
        return None;
    }
    let name = if name.is_empty() { email } else { name };
    Some(Contact {
        id: Uuid::now_v7(),
        job_id: job,
        name: name.to_owned(),
        role: String::new(),
        email: email.to_owned(),
        phone: String::new(),
        notes: String::new(),
        updated_at: now,
    })
}
