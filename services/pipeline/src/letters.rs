//! Letters: written by a task, kept in all their versions, checked against the résumé.

pub(crate) mod questions;
pub(crate) mod rendering;
pub(crate) mod tailoring;

use std::sync::Arc;

use aerie_documents::{
    Profile as ResumeProfile,
    claims::{CheckedSentence, Checker, Target, TextKind},
    content::{Language, LetterContent},
    letters::{self, Feedback, LetterRequest, PastLetter},
};
use aerie_matching::SkillVocabulary;
use aerie_postings::Posting;
use aerie_store::{
    StoreError, Tx,
    jobs::Job,
    materials::{self as rows, Material, Version},
};
use aerie_tasks::{KindPolicy, Outcome, Step, TaskContext, TaskError, TaskHandler};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    core::Core,
    materials::{self, Kind, Making, MaterialError, Materials, PERSON, State, TEMPLATE},
    models::{self, Question, Written},
    profiles,
    resumes::{self, Writing},
};

/// Versions of a letter that are kept.
pub(crate) const MOST_VERSIONS: u32 = 100;

/// Fewest words of a letter that a model wrote; below, the template's is better.
const FEWEST_WORDS: usize = 40;

/// Longest answer of a model, in tokens.
const MOST_TOKENS: u32 = 1_500;

/// One version of a letter, as it is stored.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct LetterDocument {
    pub(crate) content: LetterContent,
    /// Sentences that a model wrote and nothing supports; they are in no version.
    pub(crate) left_out: Vec<String>,
}

/// What is known of the person, for writing.
pub(crate) struct Applicant {
    pub(crate) resume: ResumeProfile,
    pub(crate) profile: crate::profile::Profile,
    pub(crate) writing: Writing,
}

impl Applicant {
    pub(crate) async fn read(tx: &mut Tx) -> Result<Self, StoreError> {
        let profile = profiles::read_in(tx).await?.profile;
        let (resume, writing) = (resumes::current(tx, &profile).await?, resumes::writing(tx).await?);
        Ok(Self { resume, profile, writing })
    }

    /// Whether there is anything to write from.
    pub(crate) fn is_known(&self) -> bool {
        !self.resume.positions.is_empty() || self.resume.all_skills().next().is_some() || self.resume.summary.is_some()
    }

    pub(crate) fn request<'a>(
        &'a self,
        posting: &'a Posting,
        past: &'a [PastLetter],
        language: Language,
        now: DateTime<Utc>,
    ) -> LetterRequest<'a> {
        LetterRequest {
            profile: &self.resume,
            posting,
            past,
            voice: &self.writing.voice,
            missions: &self.writing.missions,
            confidential: &self.writing.confidential_employers,
            language,
            day: now.date_naive(),
        }
    }

    /// Compares texts for a posting with the résumé. Employers that must not be named count as unknown.
    pub(crate) fn checker(&self, posting: &Posting, now: DateTime<Utc>) -> Checker {
        let masked = letters::mask(&self.resume, &self.writing.confidential_employers, Language::English);
        let target =
            Target { company: &posting.company, title: &posting.title, description: &posting.description_text };
        Checker::new(&masked, target, vocabulary(), materials::month(now))
    }
}

pub(crate) fn vocabulary() -> Arc<SkillVocabulary> {
    SkillVocabulary::built_in()
}

/// The sentences of a letter in which something is unsupported, by their bytes in [`LetterContent::body`].
pub(crate) fn unsupported(checker: &Checker, letter: &LetterContent) -> Vec<CheckedSentence> {
    let shift = if letter.salutation.trim().is_empty() { 0 } else { letter.salutation.len() + 2 };
    let mut found = checker.unsupported(&letter.paragraphs.join("\n\n"), TextKind::Letter);
    for sentence in &mut found {
        let claims = sentence.unsupported.iter_mut().map(|claim| &mut claim.span);
        for span in claims.chain([&mut sentence.span]) {
            span.start += shift;
            span.end += shift;
        }
    }
    found
}

/// The text without the sentences that hold something unsupported, and those sentences.
pub(crate) fn without_unsupported(checker: &Checker, text: &str, kind: TextKind) -> (String, Vec<String>) {
    let (mut kept, mut left_out, mut at) = (String::new(), Vec::new(), 0);
    for sentence in checker.unsupported(text, kind) {
        kept.push_str(text.get(at..sentence.span.start).unwrap_or(""));
        left_out.push(sentence.span.of(text).trim().to_owned());
        at = sentence.span.end;
    }
    kept.push_str(text.get(at..).unwrap_or(""));
    let lines: Vec<String> = kept.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    (lines.join("\n").trim().to_owned(), left_out)
}

/// A mark that no text from outside can know.
pub(crate) fn fence() -> String {
    Uuid::new_v4().simple().to_string()
}

/// What is to be written.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LetterPayload {
    /// The letter.
    pub material_id: Uuid,
    /// Two-letter code; empty follows the person's settings.
    #[serde(default)]
    pub language: String,
    /// By rules even where a model is there.
    #[serde(default)]
    pub template_only: bool,
    /// The wish to follow, and the version to begin from.
    #[serde(default)]
    pub wish: Option<(i64, String)>,
}

/// What was written.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LetterReport {
    /// Number of the new version.
    pub version: i64,
    /// A model, or "template".
    pub written_by: String,
}

/// Runs `letter.write` tasks.
pub struct LetterTask {
    /// Shared parts.
    pub core: Core,
}

impl TaskHandler for LetterTask {
    const KIND: &'static str = "letter.write";
    type Payload = LetterPayload;
    type Output = LetterReport;

    fn policy() -> KindPolicy {
        KindPolicy { max_attempts: Some(5), ..KindPolicy::default() }
    }

    async fn run(&self, context: TaskContext, payload: LetterPayload) -> Result<Outcome<LetterReport>, TaskError> {
        let making = Making { core: &self.core, context: &context };
        let Some((material, job)) = making.read(payload.material_id).await? else { return Ok(materials::deleted()) };
        let posting = &job.snapshot.posting;
        let mut tx = context.database().read().await?;
        let applicant = Applicant::read(&mut tx).await?;
        let past = past_letters(&mut tx, job.summary.id).await?;
        let previous = match &payload.wish {
            Some((number, _)) => rows::version(&mut tx, material.id, *number).await?,
            None => None,
        };
        drop(tx);
        if !applicant.is_known() {
            return making.fail(material, &MaterialError::NoResume.to_string()).await;
        }
        let previous: Option<LetterDocument> =
            previous.map(|version| materials::parse(&version.document)).transpose()?;
        let language = language(&payload.language, previous.as_ref(), &applicant.writing, posting);
        let request = applicant.request(posting, &past, language, self.core.now());
        let work = Work { making: &making, request, checker: applicant.checker(posting, self.core.now()) };
        let wish = payload.wish.as_ref().map(|(_, wish)| wish.as_str());

        let (document, by) = if payload.template_only {
            (work.by_template(), TEMPLATE.to_owned())
        } else {
            let before = previous.as_ref().map(|document| document.content.body());
            let feedback = before.as_deref().zip(wish).map(|(previous, wish)| Feedback { previous, wish });
            match work.by_model(feedback).await? {
                Ok(Some(written)) => written,
                Ok(None) if wish.is_some() => {
                    let reason = "no model here can follow a wish: edit the letter yourself, or connect a model (see \
                                  `aerie backends`)";
                    return making.fail(material, reason).await;
                }
                Ok(None) => (work.by_template(), TEMPLATE.to_owned()),
                Err(error) => return making.give_up(material, error).await,
            }
        };
        context.stage("keeping the letter", Some(0.9)).await?;
        let note = wish.unwrap_or("").to_owned();
        let version = keep_version(&making, material, &document, by.clone(), note).await?;
        Ok(Outcome::Done(LetterReport { version, written_by: by }))
    }
}

/// Adds a version and chooses it, once and only while the task is this run's.
async fn keep_version(
    making: &Making<'_>,
    material: Material,
    document: &LetterDocument,
    by: String,
    note: String,
) -> Result<i64, TaskError> {
    let number = match making.context.begin_step::<i64>("version").await? {
        // The version is there; a crash came before the letter said so.
        Step::Finished(number) => number,
        Step::Open(mut step) => {
            let version = version(document, &by, note, making.core.now())?;
            let number = rows::add_version(step.tx(), material.id, &version, MOST_VERSIONS).await?;
            step.finish(number).await?
        }
    };
    let material = Material { chosen: number, document: letter_document(document)?, ..material };
    making.finish(material, by).await.map(|()| number)
}

fn version(document: &LetterDocument, by: &str, note: String, now: DateTime<Utc>) -> Result<Version, StoreError> {
    let document = materials::written(document)?;
    Ok(Version { number: 0, document, written_by: by.to_owned(), note, created_at: now })
}

/// What the letter itself says beside its versions.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct LetterHead {
    language: String,
}

fn letter_document(document: &LetterDocument) -> Result<String, StoreError> {
    materials::written(&LetterHead { language: document.content.language.code().to_owned() })
}

/// The language asked for, else that of the version to begin from, else the person's or the posting's.
fn language(asked: &str, previous: Option<&LetterDocument>, writing: &Writing, posting: &Posting) -> Language {
    Language::from_code(asked)
        .or_else(|| previous.map(|document| document.content.language))
        .unwrap_or_else(|| writing.language_for(posting.language.as_deref()))
}

/// Chosen letters of other jobs that the person wrote or let stand.
async fn past_letters(tx: &mut Tx, job: Uuid) -> Result<Vec<PastLetter>, TaskError> {
    let mut past = Vec::new();
    for material in rows::of_kind(tx, Kind::Letter.as_str()).await? {
        if material.job_id == job || material.chosen == 0 {
            continue;
        }
        let Some(version) = rows::version(tx, material.id, material.chosen).await? else { continue };
        // A template's words are not the person's way of writing.
        if version.written_by == TEMPLATE {
            continue;
        }
        let document: LetterDocument = materials::parse(&version.document)?;
        let company = document.content.recipient.first().cloned().unwrap_or_default();
        past.push(PastLetter { company, text: document.content.paragraphs.join("\n\n") });
    }
    Ok(past)
}

/// What a running task writes with.
struct Work<'a> {
    making: &'a Making<'a>,
    request: LetterRequest<'a>,
    checker: Checker,
}

type Asked<T> = Result<Result<Option<T>, models::ModelError>, TaskError>;

impl Work<'_> {
    fn by_template(&self) -> LetterDocument {
        LetterDocument { content: letters::write_from_template(&self.request, &vocabulary()), left_out: vec![] }
    }

    /// A model's letter. What it claims and nothing supports is named to it once; what is still there is taken out.
    async fn by_model(&self, feedback: Option<Feedback<'_>>) -> Asked<(LetterDocument, String)> {
        self.making.context.stage("asking a model", Some(0.2)).await?;
        let first = match self.ask("letter", feedback).await? {
            Ok(Some(written)) => written,
            other => return Ok(other.map(|_| None)),
        };
        let mut letter = letters::read_answer(&self.request, &first.text);
        let mut by = first.by;
        let complaints = self.complaints(&letter);
        if !complaints.is_empty() {
            self.making.context.stage("asking again for what the résumé does not say", Some(0.6)).await?;
            let previous = letter.paragraphs.join("\n\n");
            let wish = format!("Take out or put right what the profile does not say:\n{}", complaints.join("\n"));
            if let Ok(Some(second)) =
                self.ask("letter again", Some(Feedback { previous: &previous, wish: &wish })).await?
            {
                let better = letters::read_answer(&self.request, &second.text);
                if words(&better) >= FEWEST_WORDS && self.complaints(&better).len() < complaints.len() {
                    (letter, by) = (better, second.by);
                }
            }
        }
        let mut left_out = Vec::new();
        letter.paragraphs = letter
            .paragraphs
            .iter()
            .map(|paragraph| {
                let (kept, out) = without_unsupported(&self.checker, paragraph, TextKind::Letter);
                left_out.extend(out);
                kept
            })
            .filter(|paragraph| !paragraph.is_empty())
            .collect();
        if words(&letter) < FEWEST_WORDS {
            tracing::info!(left_out = left_out.len(), "too little of a model's letter is left; the template writes it");
            return Ok(Ok(Some((LetterDocument { left_out, ..self.by_template() }, TEMPLATE.to_owned()))));
        }
        Ok(Ok(Some((LetterDocument { content: letter, left_out }, by))))
    }

    async fn ask(&self, step: &str, feedback: Option<Feedback<'_>>) -> Asked<Written> {
        let prompt = letters::prompt(&self.request, feedback, &fence());
        let question = Question {
            chain: "cover_letter",
            system: &prompt.system,
            prompt: prompt.user,
            image: None,
            max_tokens: MOST_TOKENS,
        };
        models::ask_aloud_once(self.making.core, self.making.context, step, question).await
    }

    /// The sentences that hold something unsupported, each with the reasons.
    fn complaints(&self, letter: &LetterContent) -> Vec<String> {
        let text = letter.paragraphs.join("\n\n");
        let found = self.checker.unsupported(&text, TextKind::Letter);
        found
            .iter()
            .map(|sentence| {
                let reasons: Vec<String> =
                    sentence.unsupported.iter().map(|claim| format!("{:?}: {}", claim.words, claim.reason)).collect();
                format!("- {:?} ({})", sentence.span.of(&text).trim(), reasons.join("; "))
            })
            .collect()
    }
}

fn words(letter: &LetterContent) -> usize {
    letter.paragraphs.iter().map(|paragraph| paragraph.split_whitespace().count()).sum()
}

/// A letter with its versions.
pub(crate) struct FullLetter {
    pub(crate) material: Option<Material>,
    pub(crate) language: String,
    /// Newest first, each with how many of its sentences hold something unsupported.
    pub(crate) versions: Vec<(Version, LetterDocument, usize)>,
    /// Of the chosen version.
    pub(crate) unsupported: Vec<CheckedSentence>,
}

impl Materials<'_> {
    /// Begins a letter.
    pub(crate) async fn write_letter(
        &self,
        job: Uuid,
        language: &str,
        template_only: bool,
    ) -> Result<String, MaterialError> {
        let language = language.to_owned();
        // Whoever asks again while one is being written, as after a crash, follows that one.
        self.request::<LetterTask>(Kind::Letter, job, |material_id| LetterPayload {
            material_id,
            language,
            template_only,
            wish: None,
        })
        .await
    }

    /// Begins a version that follows a wish.
    pub(crate) async fn refine_letter(&self, job: Uuid, wish: &str, version: i64) -> Result<String, MaterialError> {
        let material = self.newest(Kind::Letter, job).await?.filter(|letter| letter.chosen > 0);
        let material = material.ok_or(MaterialError::None(Kind::Letter, job))?;
        let from = if version == 0 { material.chosen } else { version };
        let mut tx = self.database.read().await?;
        rows::version(&mut tx, material.id, from).await?.ok_or(MaterialError::NoVersion(from))?;
        drop(tx);
        let wish = wish.to_owned();
        self.request_alone::<LetterTask>(Kind::Letter, job, |material_id| LetterPayload {
            material_id,
            language: String::new(),
            template_only: false,
            wish: Some((from, wish)),
        })
        .await
    }

    /// Keeps the person's own text as a version and chooses it.
    pub(crate) async fn save_letter(&self, job: Uuid, text: &str) -> Result<(), MaterialError> {
        let now = self.core.now();
        let mut tx = self.database.begin().await?;
        let full = materials::job(&mut tx, job).await?;
        let applicant = Applicant::read(&mut tx).await?;
        let posting = &full.snapshot.posting;
        let known = rows::of_job(&mut tx, job, Kind::Letter.as_str()).await?.into_iter().next();
        let before = match &known {
            Some(material) => rows::version(&mut tx, material.id, material.chosen).await?,
            None => None,
        };
        let before: Option<LetterDocument> = before.map(|version| materials::parse(&version.document)).transpose()?;
        let language = language("", before.as_ref(), &applicant.writing, posting);
        let request = applicant.request(posting, &[], language, now);
        let document = LetterDocument { content: letters::read_answer(&request, text), left_out: vec![] };
        if document.content.paragraphs.is_empty() {
            return Err(MaterialError::Refused("the text has no paragraph between salutation and closing".to_owned()));
        }
        let material = match known {
            Some(material) => material,
            None => {
                let new = materials::new_material(Kind::Letter, job, now);
                rows::insert(&mut tx, &new).await?;
                new
            }
        };
        let version = version(&document, PERSON, String::new(), now)?;
        let number = rows::add_version(&mut tx, material.id, &version, MOST_VERSIONS).await?;
        let material = Material {
            chosen: number,
            state: State::Ready.as_str().to_owned(),
            problem: String::new(),
            document: letter_document(&document)?,
            written_by: PERSON.to_owned(),
            updated_at: now,
            ..material
        };
        rows::update(&mut tx, &material).await?;
        self.changed(tx, &material).await
    }

    /// Chooses a version.
    pub(crate) async fn choose_letter(&self, job: Uuid, number: i64) -> Result<(), MaterialError> {
        let material = self.newest(Kind::Letter, job).await?.ok_or(MaterialError::None(Kind::Letter, job))?;
        let mut tx = self.database.begin().await?;
        let version = rows::version(&mut tx, material.id, number).await?.ok_or(MaterialError::NoVersion(number))?;
        let material =
            Material { chosen: number, written_by: version.written_by, updated_at: self.core.now(), ..material };
        rows::update(&mut tx, &material).await?;
        self.changed(tx, &material).await
    }

    /// A job's letter.
    pub(crate) async fn letter(&self, job: Uuid) -> Result<FullLetter, MaterialError> {
        let mut tx = self.database.read().await?;
        let full = materials::job(&mut tx, job).await?;
        let Some(material) = rows::of_job(&mut tx, job, Kind::Letter.as_str()).await?.into_iter().next() else {
            return Ok(FullLetter { material: None, language: String::new(), versions: vec![], unsupported: vec![] });
        };
        let checker = Applicant::read(&mut tx).await?.checker(&full.snapshot.posting, self.core.now());
        let mut versions = Vec::new();
        let mut of_chosen = Vec::new();
        for version in rows::versions(&mut tx, material.id).await? {
            let document: LetterDocument = materials::parse(&version.document)?;
            let found = unsupported(&checker, &document.content);
            let count = found.len();
            if version.number == material.chosen {
                of_chosen = found;
            }
            versions.push((version, document, count));
        }
        let head: LetterHead = materials::document(&material)?;
        Ok(FullLetter { material: Some(material), language: head.language, versions, unsupported: of_chosen })
    }

    /// One version's letter; the chosen one for 0.
    pub(crate) async fn letter_version(&self, job: Uuid, number: i64) -> Result<(Job, LetterDocument), MaterialError> {
        let mut tx = self.database.read().await?;
        let full = materials::job(&mut tx, job).await?;
        let material = rows::of_job(&mut tx, job, Kind::Letter.as_str()).await?.into_iter().next();
        let material = material.filter(|letter| letter.chosen > 0).ok_or(MaterialError::None(Kind::Letter, job))?;
        let number = if number == 0 { material.chosen } else { number };
        let version = rows::version(&mut tx, material.id, number).await?.ok_or(MaterialError::NoVersion(number))?;
        Ok((full, materials::parse(&version.document)?))
    }

    /// What is unsupported in any text for a job.
    pub(crate) async fn check_claims(
        &self,
        job: Uuid,
        text: &str,
        kind: TextKind,
    ) -> Result<Vec<CheckedSentence>, MaterialError> {
        let mut tx = self.database.read().await?;
        let full = materials::job(&mut tx, job).await?;
        let applicant = Applicant::read(&mut tx).await?;
        Ok(applicant.checker(&full.snapshot.posting, self.core.now()).unsupported(text, kind))
    }
}
