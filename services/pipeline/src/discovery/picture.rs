//! A posting from a screenshot: a model that sees writes down its text, which is then read like any other text.

use aerie_boards::article;
use aerie_postings::{RawPosting, text::clean_field};
use aerie_store::{Database, PersonId, materials as rows};
use aerie_tasks::{KindPolicy, NewTask, Outcome, QueueError, Step, TaskContext, TaskError, TaskHandler};
use serde::{Deserialize, Serialize};
use url::Url;
use uuid::Uuid;

use super::{
    adding::{MANUAL, UrlReport, queue_raw},
    extraction,
};
use crate::{
    core::Core,
    models::{self, Question},
    rescore,
    scoring::Which,
};

const READING: &str = "Transcribe the job posting in the picture as plain text: first a line with the job title, then a line with the \
    employer, then a line with the place, then everything else. Write nothing that is not in the picture.";

/// Longest transcription in tokens.
const MOST_TOKENS: u32 = 2_000;

/// Longest title or employer that is taken from the first lines, in characters.
const LONGEST_LINE: usize = 120;

/// Which picture is to be read.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PicturePayload {
    /// Its id.
    pub picture_id: Uuid,
    /// Address of the page that it shows.
    pub url: Option<String>,
}

/// Runs `discovery.picture` tasks.
pub struct PictureTask {
    /// Shared parts.
    pub core: Core,
}

/// Keeps a picture, and asks for it to be read; returns the task.
pub(crate) async fn start(
    core: &Core,
    database: &Database,
    person: PersonId,
    content: Vec<u8>,
    url: Option<&str>,
) -> Result<String, QueueError> {
    let picture_id = Uuid::now_v7();
    let mut tx = database.begin().await?;
    rows::save_picture(&mut tx, picture_id, content, core.now()).await?;
    let task = NewTask::new::<PictureTask>(&PicturePayload { picture_id, url: url.map(str::to_owned) })?
        .with_key(picture_id.to_string())
        .with_trace_context(aerie_telemetry::current_traceparent());
    let submitted = core.inner.queue.submit(&mut tx, task).await?;
    core.inner.queue.commit(tx, person).await?;
    Ok(submitted.id.to_string())
}

impl TaskHandler for PictureTask {
    const KIND: &'static str = "discovery.picture";
    type Payload = PicturePayload;
    type Output = UrlReport;

    fn policy() -> KindPolicy {
        KindPolicy { max_attempts: Some(5), ..KindPolicy::default() }
    }

    async fn run(&self, context: TaskContext, payload: PicturePayload) -> Result<Outcome<UrlReport>, TaskError> {
        let mut tx = context.database().read().await?;
        let picture = rows::picture(&mut tx, payload.picture_id).await?;
        drop(tx);
        let Some(content) = picture else {
            return Ok(Outcome::Fail { reason: "the picture is gone".to_owned() });
        };
        context.stage("reading the screenshot", Some(0.1)).await?;
        let question = Question {
            chain: "vision",
            system: READING,
            prompt: "Transcribe the posting.".to_owned(),
            image: Some(content),
            max_tokens: MOST_TOKENS,
        };
        let text = match models::ask_once(&self.core, &context, "text", question).await? {
            Ok(Some(written)) => written.text,
            Ok(None) => {
                let reason = "no model here can look at pictures: import the posting's address or text instead, or start a \
                              model with `aerie vision up`";
                return self.end(&context, payload.picture_id, Outcome::Fail { reason: reason.to_owned() }).await;
            }
            Err(error) => return Ok(error.outcome()),
        };
        context.stage("finding the posting", Some(0.6)).await?;
        let address = match payload.url.as_deref().map(Url::parse) {
            Some(Ok(url)) => url,
            // It needs some address, and this one is certain to lead nowhere (RFC 2606).
            _ => {
                let placeholder = format!("https://screenshot.invalid/{}", payload.picture_id);
                Url::parse(&placeholder).map_err(TaskError::work)?
            }
        };
        let extractor = extraction::extractor(&self.core, context.person(), false);
        let extracted = article::postings_in(&text, Some(&address), &*extractor).await;
        let mut raw: Vec<RawPosting> = extracted.postings;
        if let [only] = raw.as_mut_slice() {
            // One posting fills the picture: all of the text is about it.
            only.description_text = Some(text.clone());
        }
        if raw.is_empty() {
            raw.extend(by_position(&text, &address));
        }
        if raw.is_empty() {
            let reason = "no posting was found in the picture; import its address or text instead".to_owned();
            return self.end(&context, payload.picture_id, Outcome::Fail { reason }).await;
        }
        let report = UrlReport { notes: extracted.notes, ..queue_raw(&self.core, &context, raw).await? };
        rescore::score(&self.core, &context, Which::Unscored).await?;
        self.end(&context, payload.picture_id, Outcome::Done(report)).await
    }
}

impl PictureTask {
    /// The picture is needed no longer.
    async fn end(
        &self,
        context: &TaskContext,
        picture: Uuid,
        outcome: Outcome<UrlReport>,
    ) -> Result<Outcome<UrlReport>, TaskError> {
        if let Step::Open(mut step) = context.begin_step::<()>("forget the picture").await? {
            rows::delete_picture(step.tx(), picture).await?;
            step.finish(()).await?;
        }
        Ok(outcome)
    }
}

/// What the transcription was asked to begin with: title, employer, place.
fn by_position(text: &str, address: &Url) -> Option<RawPosting> {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let mut line = || lines.next().filter(|line| line.chars().count() <= LONGEST_LINE);
    let title = clean_field(line()?.trim_start_matches(['#', '*', ' ']), LONGEST_LINE);
    let company = line().map(|line| clean_field(line, LONGEST_LINE));
    Some(RawPosting {
        source: MANUAL.to_owned(),
        title: Some(title),
        company,
        url: Some(address.to_string()),
        description_text: Some(text.to_owned()),
        ..RawPosting::default()
    })
}
