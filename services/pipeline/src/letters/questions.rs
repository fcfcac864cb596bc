//! Questions of application forms: an answer is suggested, the person decides.

use aerie_documents::{
    claims::{CheckedSentence, TextKind},
    letters::{self, PersonalFacts},
};
use aerie_postings::RemoteKind;
use aerie_store::materials::{self as rows, Material};
use aerie_tasks::{KindPolicy, Outcome, TaskContext, TaskError, TaskHandler};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Applicant, fence, vocabulary, without_unsupported};
use crate::{
    core::Core,
    materials::{self, Kind, Making, MaterialError, Materials, PERSON, RULES, State},
    models::{self, Question},
    profile::Profile,
};

/// Longest answer of a model, in tokens.
const MOST_TOKENS: u32 = 600;

/// A question with its answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct QuestionDocument {
    pub(crate) question: String,
    pub(crate) answer: String,
}

/// Which question is to be answered.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct QuestionPayload {
    /// Its id.
    pub material_id: Uuid,
}

/// Who answered.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct QuestionReport {
    /// A model, or "rules".
    pub answered_by: String,
}

/// Runs `letter.question` tasks.
pub struct QuestionTask {
    /// Shared parts.
    pub core: Core,
}

impl TaskHandler for QuestionTask {
    const KIND: &'static str = "letter.question";
    type Payload = QuestionPayload;
    type Output = QuestionReport;

    fn policy() -> KindPolicy {
        KindPolicy { max_attempts: Some(5), ..KindPolicy::default() }
    }

    async fn run(&self, context: TaskContext, payload: QuestionPayload) -> Result<Outcome<QuestionReport>, TaskError> {
        let making = Making { core: &self.core, context: &context };
        let Some((material, job)) = making.read(payload.material_id).await? else { return Ok(materials::deleted()) };
        let mut document: QuestionDocument = materials::document(&material)?;
        let mut tx = context.database().read().await?;
        let applicant = Applicant::read(&mut tx).await?;
        drop(tx);
        let posting = &job.snapshot.posting;
        let language = applicant.writing.language_for(posting.language.as_deref());
        let request = applicant.request(posting, &[], language, self.core.now());
        context.stage("suggesting an answer", Some(0.3)).await?;
        let prompt = letters::question_prompt(&request, &document.question, &fence());
        let question = Question {
            chain: "cover_letter",
            system: &prompt.system,
            prompt: prompt.user,
            image: None,
            max_tokens: MOST_TOKENS,
        };
        let by = match models::ask_once(&self.core, &context, "answer", question).await? {
            Ok(Some(written)) => {
                let checker = applicant.checker(posting, self.core.now());
                (document.answer, _) = without_unsupported(&checker, &written.text, TextKind::Letter);
                written.by
            }
            Ok(None) => String::new(),
            Err(error) => return making.give_up(material, error).await,
        };
        let by = if document.answer.is_empty() {
            let facts = facts(&applicant.profile);
            document.answer = letters::answer_by_rules(&request, &facts, &document.question, &vocabulary());
            RULES.to_owned()
        } else {
            by
        };
        if document.answer.is_empty() {
            let reason = "neither résumé nor profile says anything that answers this; write the answer yourself";
            return making.fail(material, reason).await;
        }
        making.finish(Material { document: materials::written(&document)?, ..material }, by.clone()).await?;
        Ok(Outcome::Done(QuestionReport { answered_by: by }))
    }
}

fn facts(profile: &Profile) -> PersonalFacts {
    let salary = profile.salary_minimum.map(|minimum| {
        let currency = &profile.salary_currency;
        format!("at least {minimum:.0} {currency} a year").replace("  ", " ")
    });
    let remote = match profile.remote_preference {
        RemoteKind::Remote => "remote",
        RemoteKind::Hybrid => "hybrid",
        RemoteKind::OnSite => "on-site",
        RemoteKind::Unknown => "",
    };
    PersonalFacts {
        salary: salary.unwrap_or_default(),
        work_permits: profile.work_permits.join(", "),
        remote: remote.to_owned(),
        places: profile.places.join(", "),
    }
}

/// A question as lists show it.
pub(crate) struct FullQuestion {
    pub(crate) material: Material,
    pub(crate) document: QuestionDocument,
    pub(crate) unsupported: Vec<CheckedSentence>,
}

impl Materials<'_> {
    /// Takes a question and asks for an answer.
    pub(crate) async fn ask_question(&self, job: Uuid, question: &str) -> Result<(Material, String), MaterialError> {
        let document = QuestionDocument { question: question.trim().to_owned(), answer: String::new() };
        let mut material = materials::new_material(Kind::Question, job, self.core.now());
        material.document = materials::written(&document)?;
        let payload = QuestionPayload { material_id: material.id };
        let task = self.start::<QuestionTask>(&material, &payload).await?;
        Ok((material, task))
    }

    /// The questions of a job, in the order that they were asked.
    pub(crate) async fn questions(&self, job: Uuid) -> Result<Vec<FullQuestion>, MaterialError> {
        let mut tx = self.database.read().await?;
        let full = materials::job(&mut tx, job).await?;
        let checker = Applicant::read(&mut tx).await?.checker(&full.snapshot.posting, self.core.now());
        let mut found = rows::of_job(&mut tx, job, Kind::Question.as_str()).await?;
        found.reverse();
        let mut questions = Vec::new();
        for material in found {
            let document: QuestionDocument = materials::document(&material)?;
            let unsupported = checker.unsupported(&document.answer, TextKind::Letter);
            questions.push(FullQuestion { material, document, unsupported });
        }
        Ok(questions)
    }

    /// Keeps the person's own answer.
    pub(crate) async fn answer_question(&self, id: Uuid, answer: &str) -> Result<Material, MaterialError> {
        let material = self.get(Kind::Question, id).await?;
        let document = QuestionDocument { answer: answer.trim().to_owned(), ..materials::document(&material)? };
        let material = Material {
            document: materials::written(&document)?,
            state: State::Ready.as_str().to_owned(),
            problem: String::new(),
            written_by: PERSON.to_owned(),
            updated_at: self.core.now(),
            ..material
        };
        self.update::<QuestionTask>(Kind::Question, &material, None).await?;
        Ok(material)
    }
}
