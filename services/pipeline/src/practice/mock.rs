//! Mock interviews: one question at a time, each answer judged, a summary at the end, the transcript kept.

use aerie_store::materials::{self as rows, Material};
use aerie_tasks::{KindPolicy, Outcome, TaskContext, TaskError, TaskHandler};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    about,
    judging::{self, Judged},
    questions,
};
use crate::{
    core::Core,
    letters::{Applicant, fence, vocabulary},
    materials::{self, Kind, Making, MaterialError, Materials, RULES, State},
    models::{self, Question, Written},
};

/// Questions when the person does not say how many.
pub(crate) const USUAL_QUESTIONS: usize = 5;

/// Most questions.
pub(crate) const MOST_QUESTIONS: usize = 20;

/// Longest answer of a model, in tokens.
const MOST_TOKENS: u32 = 700;

/// Longest text that is taken from a model, in characters.
const MOST_CHARACTERS: usize = 2_000;

/// Characters of the talk so far that a model is shown.
const TALK_CHARACTERS: usize = 8_000;

const RULES_FOR_MODEL: &str = "You are the interviewer in a practice talk.\n\
    Rules:\n\
    - If the talk so far ends with an answer, judge it: a line \"SCORE: n\" with n from 1 (poor) to 5 (excellent), then a line \
    \"FEEDBACK:\" with what was good and what was missing, in at most four sentences.\n\
    - Then, unless you were told that it was the last one, a line \"NEXT:\" with one question that was not asked yet and that fits the \
    posting.\n\
    - No other text.";

const RULES_FOR_SUMMARY: &str = "You sum up a practice interview for the applicant, in at most eight sentences: what was strong, what to \
    work on, and one exercise. Speak to them as \"you\".";

/// A mock interview, as it is stored.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct MockDocument {
    pub(crate) count: usize,
    pub(crate) turns: Vec<MockTurn>,
    pub(crate) finished: bool,
    pub(crate) summary: String,
    /// Mean of the scores.
    pub(crate) score: f64,
}

/// One question.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct MockTurn {
    pub(crate) question: String,
    pub(crate) answer: String,
    pub(crate) feedback: String,
    /// 0 before it was judged.
    pub(crate) score: u8,
    pub(crate) written_by: String,
}

impl MockDocument {
    fn scores(&self) -> Vec<(String, u8)> {
        let judged = self.turns.iter().filter(|turn| turn.score > 0);
        judged.map(|turn| (turn.question.clone(), turn.score)).collect()
    }

    /// The talk so far, for a model.
    fn talk(&self) -> String {
        let mut talk = String::new();
        for turn in &self.turns {
            talk.push_str(&format!("Interviewer: {}\n", turn.question));
            if !turn.answer.is_empty() {
                talk.push_str(&format!("Applicant: {}\n", turn.answer));
            }
        }
        // What was said last matters most.
        let over = talk.chars().count().saturating_sub(TALK_CHARACTERS);
        talk.chars().skip(over).collect()
    }
}

/// What is to be thought of.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MockPayload {
    /// The interview.
    pub material_id: Uuid,
    /// End it now.
    #[serde(default)]
    pub finish: bool,
}

/// How far it has come.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MockReport {
    /// Answers that were judged.
    pub answered: usize,
    /// Whether it has ended.
    pub finished: bool,
}

/// Runs `interview.mock` tasks: each judges the last answer and thinks of the next question, or of the summary.
pub struct MockTask {
    /// Shared parts.
    pub core: Core,
}

impl TaskHandler for MockTask {
    const KIND: &'static str = "interview.mock";
    type Payload = MockPayload;
    type Output = MockReport;

    fn policy() -> KindPolicy {
        KindPolicy { max_attempts: Some(5), ..KindPolicy::default() }
    }

    async fn run(&self, context: TaskContext, payload: MockPayload) -> Result<Outcome<MockReport>, TaskError> {
        let making = Making { core: &self.core, context: &context };
        let Some((material, job)) = making.read(payload.material_id).await? else { return Ok(materials::deleted()) };
        let mut document: MockDocument = materials::document(&material)?;
        let mut tx = context.database().read().await?;
        let applicant = Applicant::read(&mut tx).await?;
        drop(tx);
        let posting = &job.snapshot.posting;
        let fence = fence();
        let pieces = || {
            let mut pieces = about(posting, &applicant, &fence);
            pieces.add("the talk so far", &document.talk(), TALK_CHARACTERS + 10);
            pieces
        };
        let is_last = payload.finish || document.turns.len() >= document.count;
        let to_judge = document.turns.last().is_some_and(|turn| !turn.answer.is_empty() && turn.score == 0);

        let mut said: Option<Written> = None;
        if to_judge || !is_last {
            context.stage("thinking", Some(0.3)).await?;
            let rules = if is_last {
                format!("{RULES_FOR_MODEL}\n- This was the last question.")
            } else {
                RULES_FOR_MODEL.to_owned()
            };
            let prompt = super::prompt(&rules, pieces(), &fence);
            said = match ask(&making, "talk", prompt).await? {
                Ok(said) => said,
                Err(error) => return making.give_up(material, error).await,
            };
        }
        let (judged, next) = said.as_ref().map(|said| read_answer(&said.text)).unwrap_or_default();
        let model = said.map(|said| said.by);
        let by_whom = |by_model: bool| match &model {
            Some(model) if by_model => model.clone(),
            _ => RULES.to_owned(),
        };
        if let Some(turn) = document.turns.last_mut().filter(|_| to_judge) {
            turn.written_by = by_whom(judged.is_some());
            let judged = judged.unwrap_or_else(|| judging::judge(&turn.question, &turn.answer));
            (turn.score, turn.feedback) = (judged.score, judged.feedback);
        }
        if !is_last {
            let is_new = |question: &String| !document.turns.iter().any(|turn| turn.question == *question);
            let written_by = by_whom(next.as_ref().is_some_and(is_new));
            let question = next.filter(is_new).or_else(|| {
                let likely = questions::likely(posting, &applicant, &vocabulary());
                // Those that rest on the posting first: a short talk should not be about generalities.
                spread(likely.into_iter().map(|likely| likely.question).collect()).into_iter().find(is_new)
            });
            match question {
                Some(question) => document.turns.push(MockTurn { question, written_by, ..MockTurn::default() }),
                // Nothing is left to ask.
                None => document.count = document.turns.len(),
            }
        }
        if payload.finish || document.turns.iter().all(|turn| turn.score > 0) {
            // A question that was left open belongs to no summary.
            document.turns.retain(|turn| turn.score > 0);
            context.stage("summing up", Some(0.8)).await?;
            let scores = document.scores();
            let total: u32 = scores.iter().map(|(_, score)| u32::from(*score)).sum();
            document.score = f64::from(total) / scores.len().max(1) as f64;
            document.summary = judging::summary(&scores);
            if !scores.is_empty() {
                let mut pieces = about(posting, &applicant, &fence);
                pieces.add("the whole talk", &document.talk(), TALK_CHARACTERS + 10);
                match ask(&making, "summary", super::prompt(RULES_FOR_SUMMARY, pieces, &fence)).await? {
                    Ok(Some(written)) if !written.text.is_empty() => document.summary = cut(&written.text),
                    Ok(_) => {}
                    Err(error) => return making.give_up(material, error).await,
                }
            }
            document.finished = true;
        }
        let report = MockReport { answered: document.scores().len(), finished: document.finished };
        let by = document.turns.last().map(|turn| turn.written_by.clone()).unwrap_or_default();
        making.finish(Material { document: materials::written(&document)?, ..material }, by).await?;
        Ok(Outcome::Done(report))
    }
}

/// The first question, then every other one before the rest: topics take turns even in a short talk.
fn spread(questions: Vec<String>) -> Vec<String> {
    let (even, odd): (Vec<_>, Vec<_>) = questions.into_iter().enumerate().partition(|(index, _)| index % 2 == 0);
    even.into_iter().chain(odd).map(|(_, question)| question).collect()
}

async fn ask(
    making: &Making<'_>,
    step: &str,
    prompt: aerie_documents::letters::Prompt,
) -> Result<Result<Option<Written>, models::ModelError>, TaskError> {
    let question = Question {
        chain: "research",
        system: &prompt.system,
        prompt: prompt.user,
        image: None,
        max_tokens: MOST_TOKENS,
    };
    models::ask_once(making.core, making.context, step, question).await
}

fn cut(text: &str) -> String {
    text.trim().chars().take(MOST_CHARACTERS).collect()
}

/// Score, feedback and next question, as far as the answer has them.
fn read_answer(answer: &str) -> (Option<Judged>, Option<String>) {
    let part = |name: &str| -> Option<&str> {
        let begin = answer.find(name)? + name.len();
        let rest = answer.get(begin..)?;
        let end = ["SCORE:", "FEEDBACK:", "NEXT:"].iter().filter_map(|other| rest.find(other)).min();
        Some(rest.get(..end.unwrap_or(rest.len()))?.trim())
    };
    let digit = part("SCORE:").and_then(|score| score.chars().next()).and_then(|digit| digit.to_digit(10));
    let score = digit.and_then(|digit| u8::try_from(digit).ok()).filter(|score| (1..=5).contains(score));
    let feedback = part("FEEDBACK:").filter(|feedback| !feedback.is_empty());
    let judged = score.zip(feedback).map(|(score, feedback)| Judged { score, feedback: cut(feedback) });
    let next = part("NEXT:").and_then(|next| next.lines().next()).map(cut).filter(|next| !next.is_empty());
    (judged, next)
}

impl Materials<'_> {
    /// Begins a mock interview.
    pub(crate) async fn start_mock(&self, job: Uuid, count: usize) -> Result<(Material, String), MaterialError> {
        let mut material = materials::new_material(Kind::MockInterview, job, self.core.now());
        material.document = materials::written(&MockDocument { count, ..MockDocument::default() })?;
        let payload = MockPayload { material_id: material.id, finish: false };
        let task = self.start::<MockTask>(&material, &payload).await?;
        Ok((material, task))
    }

    /// Answers the open question.
    pub(crate) async fn answer_mock(&self, id: Uuid, answer: &str) -> Result<(Material, String), MaterialError> {
        let (material, mut document) = self.mock(id).await?;
        self.check_turn(&material, &document)?;
        let open = document.turns.last_mut().filter(|turn| turn.answer.is_empty());
        let Some(turn) = open else {
            return Err(MaterialError::Refused("no question is open; end this interview or begin another".to_owned()));
        };
        turn.answer = answer.trim().to_owned();
        self.go_on(material, &document, false).await
    }

    /// Ends a mock interview.
    pub(crate) async fn finish_mock(&self, id: Uuid) -> Result<(Material, String), MaterialError> {
        let (material, document) = self.mock(id).await?;
        self.check_turn(&material, &document)?;
        self.go_on(material, &document, true).await
    }

    fn check_turn(&self, material: &Material, document: &MockDocument) -> Result<(), MaterialError> {
        if document.finished {
            let words = "this mock interview has ended; begin another one".to_owned();
            return Err(MaterialError::Refused(words));
        }
        if State::of(&material.state) == State::Waiting {
            let words = "the interviewer is still thinking; wait for the task to end".to_owned();
            return Err(MaterialError::Refused(words));
        }
        Ok(())
    }

    async fn go_on(
        &self,
        material: Material,
        document: &MockDocument,
        finish: bool,
    ) -> Result<(Material, String), MaterialError> {
        let material = Material {
            document: materials::written(document)?,
            state: State::Waiting.as_str().to_owned(),
            problem: String::new(),
            updated_at: self.core.now(),
            ..material
        };
        let payload = MockPayload { material_id: material.id, finish };
        let task = self.update::<MockTask>(Kind::MockInterview, &material, Some(&payload)).await?;
        Ok((material, task))
    }

    /// A mock interview.
    pub(crate) async fn mock(&self, id: Uuid) -> Result<(Material, MockDocument), MaterialError> {
        let material = self.get(Kind::MockInterview, id).await?;
        let document = materials::document(&material)?;
        Ok((material, document))
    }

    /// The mock interviews of a job, newest first.
    pub(crate) async fn mocks(&self, job: Uuid) -> Result<Vec<(Material, MockDocument)>, MaterialError> {
        let mut tx = self.database.read().await?;
        materials::job(&mut tx, job).await?;
        let found = rows::of_job(&mut tx, job, Kind::MockInterview.as_str()).await?;
        let mut mocks = Vec::new();
        for material in found {
            let document = materials::document(&material)?;
            mocks.push((material, document));
        }
        Ok(mocks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_models_words_are_read_by_their_heads() {
        let (judged, next) = read_answer("SCORE: 4/5\nFEEDBACK: Clear.\nSay the result.\nNEXT: Why us?\nIgnore this.");
        assert_eq!(judged, Some(Judged { score: 4, feedback: "Clear.\nSay the result.".into() }));
        assert_eq!(next.as_deref(), Some("Why us?"));
        assert_eq!(read_answer("SCORE: 9\nFEEDBACK: x"), (None, None));
        assert_eq!(read_answer("What a day!"), (None, None));
    }
}
