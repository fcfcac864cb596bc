//! Likely questions, made by a task.

use aerie_store::materials::Material;
use aerie_tasks::{KindPolicy, Outcome, TaskContext, TaskError, TaskHandler};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    about, prompt,
    questions::{self, Likely, Topic},
};
use crate::{
    core::Core,
    letters::{Applicant, fence, vocabulary},
    materials::{self, Kind, Making, MaterialError, Materials, RULES},
    models::{self, Question},
};

/// Longest answer of a model, in tokens.
const MOST_TOKENS: u32 = 1_500;

/// Most questions that are taken from a model.
const MOST_QUESTIONS: usize = 12;

/// Longest question, in characters.
const MOST_CHARACTERS: usize = 400;

const RULES_FOR_MODEL: &str = "You list the questions that an interviewer will probably ask this applicant.\n\
    Rules:\n\
    - One question a line, as \"topic | question | why it is likely\". The topic is one of background, skill, behaviour, gap, \
    motivation; a gap is something that the posting asks for and the applicant did not do.\n\
    - After the questions, lines \"ask | question\" with at most five questions for the applicant to ask.\n\
    - At most twelve questions, no other text.";

/// Questions for the employer that rules suggest.
const TO_ASK: [&str; 4] = [
    "What would you want the new person to have achieved after six months?",
    "How is the team put together, and who would I work with most?",
    "What is the hardest part of this role?",
    "What are the next steps, and when do you decide?",
];

/// Likely questions, as they are stored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct PreparationDocument {
    pub(crate) questions: Vec<Likely>,
    pub(crate) questions_to_ask: Vec<String>,
}

/// Which preparation is to be made.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PreparationPayload {
    /// Its id.
    pub material_id: Uuid,
}

/// What was made.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PreparationReport {
    /// How many questions.
    pub questions: usize,
    /// A model, or "rules".
    pub written_by: String,
}

/// Runs `interview.prepare` tasks.
pub struct PreparationTask {
    /// Shared parts.
    pub core: Core,
}

impl TaskHandler for PreparationTask {
    const KIND: &'static str = "interview.prepare";
    type Payload = PreparationPayload;
    type Output = PreparationReport;

    fn policy() -> KindPolicy {
        KindPolicy { max_attempts: Some(5), ..KindPolicy::default() }
    }

    async fn run(
        &self,
        context: TaskContext,
        payload: PreparationPayload,
    ) -> Result<Outcome<PreparationReport>, TaskError> {
        let making = Making { core: &self.core, context: &context };
        let Some((material, job)) = making.read(payload.material_id).await? else { return Ok(materials::deleted()) };
        let posting = &job.snapshot.posting;
        let mut tx = context.database().read().await?;
        let applicant = Applicant::read(&mut tx).await?;
        drop(tx);
        context.stage("thinking of questions", Some(0.3)).await?;
        let fence = fence();
        let prompt = prompt(RULES_FOR_MODEL, about(posting, &applicant, &fence), &fence);
        let question = Question {
            chain: "research",
            system: &prompt.system,
            prompt: prompt.user,
            image: None,
            max_tokens: MOST_TOKENS,
        };
        let (mut document, by) = match models::ask_once(&self.core, &context, "questions", question).await? {
            Ok(Some(written)) => (read_answer(&written.text, &applicant), written.by),
            Ok(None) => (PreparationDocument::default(), String::new()),
            Err(error) => return making.give_up(material, error).await,
        };
        let by = if document.questions.is_empty() {
            document.questions = questions::likely(posting, &applicant, &vocabulary());
            RULES.to_owned()
        } else {
            by
        };
        if document.questions_to_ask.is_empty() {
            document.questions_to_ask = TO_ASK.map(str::to_owned).to_vec();
        }
        let report = PreparationReport { questions: document.questions.len(), written_by: by.clone() };
        making.finish(Material { document: materials::written(&document)?, ..material }, by).await?;
        Ok(Outcome::Done(report))
    }
}

/// Reads a model's lines; notes are always the person's own points.
fn read_answer(answer: &str, applicant: &Applicant) -> PreparationDocument {
    let mut document = PreparationDocument::default();
    let cut = |text: &str| -> String { text.trim().chars().take(MOST_CHARACTERS).collect() };
    for line in answer.lines() {
        let mut parts = line.trim().trim_start_matches(['-', '*']).split('|').map(str::trim);
        let (Some(topic), Some(question)) = (parts.next(), parts.next().filter(|question| !question.is_empty())) else {
            continue;
        };
        let topic = match topic.to_ascii_lowercase().as_str() {
            "background" => Topic::Background,
            "skill" => Topic::Skill,
            "behaviour" | "behavior" => Topic::Behaviour,
            "gap" => Topic::Gap,
            "motivation" => Topic::Motivation,
            "ask" => {
                document.questions_to_ask.push(cut(question));
                continue;
            }
            _ => continue,
        };
        let notes = questions::notes_for(applicant, question);
        let (question, reason) = (cut(question), cut(parts.next().unwrap_or("")));
        document.questions.push(Likely { question, topic, reason, notes });
    }
    document.questions.truncate(MOST_QUESTIONS);
    document.questions_to_ask.truncate(5);
    document
}

impl Materials<'_> {
    /// Begins likely questions.
    pub(crate) async fn prepare(&self, job: Uuid) -> Result<String, MaterialError> {
        self.request::<PreparationTask>(Kind::Preparation, job, |material_id| PreparationPayload { material_id }).await
    }

    /// A job's likely questions.
    pub(crate) async fn preparation(&self, job: Uuid) -> Result<(Material, PreparationDocument), MaterialError> {
        let material = self.newest(Kind::Preparation, job).await?;
        let material = material.ok_or(MaterialError::None(Kind::Preparation, job))?;
        let document = materials::document(&material)?;
        Ok((material, document))
    }
}
