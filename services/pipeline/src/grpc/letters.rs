//! `LettersService`.

use aerie_documents::{
    claims::{self, CheckedSentence, TextKind},
    tailoring::GapPlace,
    versions::{self, diff},
};
use aerie_proto::pipeline::v1::{self as pb, letters_service_server::LettersService};
use aerie_rpc::RpcError;
use aerie_store::materials::{Material, Version};
use aerie_typesetting::Kind as TemplateKind;
use tonic::{Request, Response, Status};

use super::{Caller, caller, convert, errors, id, optional_id, resume::int, validation};
use crate::{
    core::Core,
    letters::{
        FullLetter, LetterDocument,
        questions::{FullQuestion, QuestionDocument},
        rendering::{FileFormat, Look, paper},
    },
    materials::{self, Kind, Materials, PERSON, RULES, State, TEMPLATE},
};

/// Longest letter or answer that is taken, in characters.
const MOST_CHARACTERS: usize = 40_000;

/// Most bytes of a posting's text that one piece of evidence shows.
const EVIDENCE_WORDS: usize = 60;

pub(crate) struct LettersApi {
    pub(crate) core: Core,
}

impl LettersApi {
    fn materials<'a>(&'a self, caller: &'a Caller) -> Materials<'a> {
        Materials { core: &self.core, database: &caller.database, person: caller.person }
    }

    async fn letter(&self, caller: &Caller, job: uuid::Uuid) -> Result<pb::Letter, Status> {
        let letter = self.materials(caller).letter(job).await.map_err(errors::material)?;
        Ok(letter_to_wire(job, letter))
    }
}

pub(super) fn state(material: &Material) -> pb::MaterialState {
    match State::of(&material.state) {
        State::Waiting => pb::MaterialState::Waiting,
        State::Ready => pb::MaterialState::Ready,
        State::Failed => pb::MaterialState::Failed,
    }
}

fn author(by: &str) -> pb::Author {
    match by {
        "" => pb::Author::Unspecified,
        PERSON => pb::Author::Person,
        RULES | TEMPLATE => pb::Author::Template,
        _ => pb::Author::Model,
    }
}

fn claims_to_wire(sentences: &[CheckedSentence]) -> Vec<pb::UnsupportedClaim> {
    let claims = sentences.iter().flat_map(|sentence| sentence.unsupported.iter().map(move |claim| (sentence, claim)));
    claims
        .map(|(sentence, claim)| pb::UnsupportedClaim {
            kind: claim_kind(claim.kind) as i32,
            words: claim.words.clone(),
            reason: claim.reason.clone(),
            sentence_start: int(sentence.span.start),
            sentence_end: int(sentence.span.end),
            start: int(claim.span.start),
            end: int(claim.span.end),
        })
        .collect()
}

fn claim_kind(kind: claims::ClaimKind) -> pb::ClaimKind {
    match kind {
        claims::ClaimKind::Name => pb::ClaimKind::Name,
        claims::ClaimKind::Title => pb::ClaimKind::Title,
        claims::ClaimKind::Date => pb::ClaimKind::Date,
        claims::ClaimKind::Number => pb::ClaimKind::Number,
        claims::ClaimKind::Degree => pb::ClaimKind::Degree,
        claims::ClaimKind::Certificate => pb::ClaimKind::Certificate,
        claims::ClaimKind::Skill => pb::ClaimKind::Skill,
        claims::ClaimKind::Language => pb::ClaimKind::Language,
        claims::ClaimKind::Distinction => pb::ClaimKind::Distinction,
    }
}

fn version_to_wire(version: Version, document: LetterDocument, unsupported: usize) -> pb::LetterVersion {
    pb::LetterVersion {
        number: i32::try_from(version.number).unwrap_or(i32::MAX),
        text: document.content.body(),
        paragraphs: document.content.paragraphs,
        author: author(&version.written_by) as i32,
        written_by: version.written_by,
        wish: version.note,
        unsupported_sentences: int(unsupported),
        left_out: document.left_out,
        create_time: Some(convert::timestamp(version.created_at)),
    }
}

fn letter_to_wire(job: uuid::Uuid, letter: FullLetter) -> pb::Letter {
    let Some(material) = letter.material else {
        return pb::Letter { job_id: job.to_string(), ..pb::Letter::default() };
    };
    pb::Letter {
        job_id: job.to_string(),
        state: state(&material) as i32,
        chosen_version: i32::try_from(material.chosen).unwrap_or(i32::MAX),
        unsupported: claims_to_wire(&letter.unsupported),
        versions: letter
            .versions
            .into_iter()
            .map(|(version, document, unsupported)| version_to_wire(version, document, unsupported))
            .collect(),
        language: letter.language,
        update_time: Some(convert::timestamp(material.updated_at)),
        problem: material.problem,
    }
}

fn question_to_wire(material: Material, document: QuestionDocument, unsupported: &[CheckedSentence]) -> pb::Question {
    pb::Question {
        id: material.id.to_string(),
        job_id: material.job_id.to_string(),
        question: document.question,
        answer: document.answer,
        state: state(&material) as i32,
        author: author(&material.written_by) as i32,
        unsupported: claims_to_wire(unsupported),
        create_time: Some(convert::timestamp(material.created_at)),
        update_time: Some(convert::timestamp(material.updated_at)),
        problem: material.problem,
        written_by: material.written_by,
    }
}

/// A line of the text around a place in it.
fn evidence(text: &str, span: aerie_documents::resume::Span) -> String {
    let before = text.get(..span.start).unwrap_or("");
    let after = text.get(span.end..).unwrap_or("");
    let begin = before.rfind(['\n', '.', ';', '!', '?']).map_or(0, |at| at + 1);
    let end = after.find(['\n', '.', ';', '!', '?']).map_or(text.len(), |at| span.end + at);
    let line = text.get(begin..end).unwrap_or("").split_whitespace().take(EVIDENCE_WORDS);
    line.collect::<Vec<_>>().join(" ")
}

#[tonic::async_trait]
impl LettersService for LettersApi {
    async fn generate_letter(
        &self,
        request: Request<pb::GenerateLetterRequest>,
    ) -> Result<Response<pb::GenerateLetterResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let request = request.into_inner();
        let known =
            request.language.is_empty() || aerie_documents::content::Language::from_code(&request.language).is_some();
        let mut check = validation(&self.core);
        check.require(known, "language", "is not known; letters are written in en, de, fr and es");
        check.finish()?;
        let job = id("job_id", &request.job_id)?;
        let materials = self.materials(&caller);
        let task = materials.write_letter(job, &request.language, request.template_only).await;
        Ok(Response::new(pb::GenerateLetterResponse { task_id: task.map_err(errors::material)? }))
    }

    async fn refine_letter(
        &self,
        request: Request<pb::RefineLetterRequest>,
    ) -> Result<Response<pb::RefineLetterResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let request = request.into_inner();
        let mut check = validation(&self.core);
        check.required_text("wish", &request.wish);
        check.require(request.version >= 0, "version", "is negative; write 0 for the chosen one");
        check.finish()?;
        let job = id("job_id", &request.job_id)?;
        let materials = self.materials(&caller);
        let task = materials.refine_letter(job, &request.wish, i64::from(request.version)).await;
        Ok(Response::new(pb::RefineLetterResponse { task_id: task.map_err(errors::material)? }))
    }

    async fn save_letter(
        &self,
        request: Request<pb::SaveLetterRequest>,
    ) -> Result<Response<pb::SaveLetterResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let request = request.into_inner();
        let mut check = validation(&self.core);
        check.require(!request.text.trim().is_empty(), "text", "is empty");
        let fits = request.text.chars().count() <= MOST_CHARACTERS;
        check.require(fits, "text", "has more than 40000 characters; a letter has a page or two");
        check.finish()?;
        let job = id("job_id", &request.job_id)?;
        self.materials(&caller).save_letter(job, &request.text).await.map_err(errors::material)?;
        Ok(Response::new(pb::SaveLetterResponse { letter: Some(self.letter(&caller, job).await?) }))
    }

    async fn get_letter(
        &self,
        request: Request<pb::GetLetterRequest>,
    ) -> Result<Response<pb::GetLetterResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let job = id("job_id", &request.into_inner().job_id)?;
        Ok(Response::new(pb::GetLetterResponse { letter: Some(self.letter(&caller, job).await?) }))
    }

    async fn diff_letter(
        &self,
        request: Request<pb::DiffLetterRequest>,
    ) -> Result<Response<pb::DiffLetterResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let request = request.into_inner();
        let job = id("job_id", &request.job_id)?;
        let mut check = validation(&self.core);
        check.require(request.from_version > 0, "from_version", "must be a number from 1");
        check.require(request.to_version > 0, "to_version", "must be a number from 1");
        check.finish()?;
        let materials = self.materials(&caller);
        let (_, older) = materials.letter_version(job, request.from_version.into()).await.map_err(errors::material)?;
        let (_, newer) = materials.letter_version(job, request.to_version.into()).await.map_err(errors::material)?;
        let changes = diff(&older.content.body(), &newer.content.body());
        let kind = |kind: versions::ChangeKind| match kind {
            versions::ChangeKind::Kept => pb::ChangeKind::Kept,
            versions::ChangeKind::Added => pb::ChangeKind::Added,
            versions::ChangeKind::Removed => pb::ChangeKind::Removed,
        };
        let changes =
            changes.into_iter().map(|change| pb::TextChange { kind: kind(change.kind) as i32, text: change.text });
        Ok(Response::new(pb::DiffLetterResponse { changes: changes.collect() }))
    }

    async fn choose_letter_version(
        &self,
        request: Request<pb::ChooseLetterVersionRequest>,
    ) -> Result<Response<pb::ChooseLetterVersionResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let request = request.into_inner();
        let job = id("job_id", &request.job_id)?;
        self.materials(&caller).choose_letter(job, request.version.into()).await.map_err(errors::material)?;
        Ok(Response::new(pb::ChooseLetterVersionResponse { letter: Some(self.letter(&caller, job).await?) }))
    }

    async fn check_claims(
        &self,
        request: Request<pb::CheckClaimsRequest>,
    ) -> Result<Response<pb::CheckClaimsResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let request = request.into_inner();
        let mut check = validation(&self.core);
        let fits = request.text.chars().count() <= MOST_CHARACTERS;
        check.require(fits, "text", "has more than 40000 characters; check it in parts");
        check.finish()?;
        let job = id("job_id", &request.job_id)?;
        let kind = if request.resume { TextKind::Resume } else { TextKind::Letter };
        let found = self.materials(&caller).check_claims(job, &request.text, kind).await.map_err(errors::material)?;
        Ok(Response::new(pb::CheckClaimsResponse { unsupported: claims_to_wire(&found) }))
    }

    async fn delete_letter(
        &self,
        request: Request<pb::DeleteLetterRequest>,
    ) -> Result<Response<pb::DeleteLetterResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let job = id("job_id", &request.into_inner().job_id)?;
        let materials = self.materials(&caller);
        if let Some(letter) = materials.newest(Kind::Letter, job).await.map_err(errors::material)? {
            materials.delete(Kind::Letter, letter.id).await.map_err(errors::material)?;
        }
        Ok(Response::new(pb::DeleteLetterResponse {}))
    }

    async fn ask_question(
        &self,
        request: Request<pb::AskQuestionRequest>,
    ) -> Result<Response<pb::AskQuestionResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let request = request.into_inner();
        let mut check = validation(&self.core);
        check.required_text("question", &request.question);
        check.finish()?;
        let job = id("job_id", &request.job_id)?;
        let asked = self.materials(&caller).ask_question(job, &request.question).await;
        let (material, task_id) = asked.map_err(errors::material)?;
        let document = materials::document(&material).map_err(errors::store)?;
        let question = Some(question_to_wire(material, document, &[]));
        Ok(Response::new(pb::AskQuestionResponse { question, task_id }))
    }

    async fn list_questions(
        &self,
        request: Request<pb::ListQuestionsRequest>,
    ) -> Result<Response<pb::ListQuestionsResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let job = id("job_id", &request.into_inner().job_id)?;
        let found = self.materials(&caller).questions(job).await.map_err(errors::material)?;
        let questions = found
            .into_iter()
            .map(|FullQuestion { material, document, unsupported }| question_to_wire(material, document, &unsupported));
        Ok(Response::new(pb::ListQuestionsResponse { questions: questions.collect() }))
    }

    async fn update_question(
        &self,
        request: Request<pb::UpdateQuestionRequest>,
    ) -> Result<Response<pb::UpdateQuestionResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let request = request.into_inner();
        let mut check = validation(&self.core);
        let fits = request.answer.chars().count() <= MOST_CHARACTERS;
        check.require(fits, "answer", "has more than 40000 characters");
        check.finish()?;
        let id = id("question_id", &request.question_id)?;
        let materials = self.materials(&caller);
        let material = materials.answer_question(id, &request.answer).await.map_err(errors::material)?;
        let document: QuestionDocument = materials::document(&material).map_err(errors::store)?;
        let checked = materials.check_claims(material.job_id, &document.answer, TextKind::Letter).await;
        let question = question_to_wire(material, document, &checked.map_err(errors::material)?);
        Ok(Response::new(pb::UpdateQuestionResponse { question: Some(question) }))
    }

    async fn delete_question(
        &self,
        request: Request<pb::DeleteQuestionRequest>,
    ) -> Result<Response<pb::DeleteQuestionResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let id = id("question_id", &request.into_inner().question_id)?;
        self.materials(&caller).delete(Kind::Question, id).await.map_err(errors::material)?;
        Ok(Response::new(pb::DeleteQuestionResponse {}))
    }

    async fn get_gap_report(
        &self,
        request: Request<pb::GetGapReportRequest>,
    ) -> Result<Response<pb::GetGapReportResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let job = id("job_id", &request.into_inner().job_id)?;
        let (job, report) = self.materials(&caller).gaps(job).await.map_err(errors::material)?;
        let text = &job.snapshot.posting.description_text;
        let place = |place: GapPlace| match place {
            GapPlace::Skills => pb::GapPlace::Skills,
            GapPlace::Experience => pb::GapPlace::Experience,
            GapPlace::Summary => pb::GapPlace::Summary,
        };
        let gaps = report.gaps.into_iter().map(|gap| pb::SkillGap {
            skill: gap.skill,
            evidence: gap.evidence.into_iter().map(|span| evidence(text, span)).collect(),
            optional: gap.optional,
            place: place(gap.place) as i32,
        });
        let shown = report
            .shown
            .into_iter()
            .map(|shown| pb::ShownSkill { skill: shown.skill, only_in_text: shown.only_in_text });
        Ok(Response::new(pb::GetGapReportResponse {
            gaps: gaps.collect(),
            shown: shown.collect(),
            coverage: report.coverage,
        }))
    }

    async fn tailor_resume(
        &self,
        request: Request<pb::TailorResumeRequest>,
    ) -> Result<Response<pb::TailorResumeResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let request = request.into_inner();
        let job = id("job_id", &request.job_id)?;
        let task = self.materials(&caller).tailor(job, request.template_only).await.map_err(errors::material)?;
        Ok(Response::new(pb::TailorResumeResponse { task_id: task }))
    }

    async fn get_tailored_resume(
        &self,
        request: Request<pb::GetTailoredResumeRequest>,
    ) -> Result<Response<pb::GetTailoredResumeResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let job = id("job_id", &request.into_inner().job_id)?;
        let materials = self.materials(&caller);
        let (material, document) = materials.tailored(job).await.map_err(errors::material)?;
        let look = Look { format: FileFormat::Markdown, template: "", paper: None };
        let markdown = match State::of(&material.state) {
            State::Ready => materials.resume_file(Some(job), &look).await.map_err(errors::material)?.content,
            State::Waiting | State::Failed => vec![],
        };
        let rephrased = document.rephrased.into_iter().map(|point| pb::RephrasedPoint {
            before: point.before,
            after: point.after,
            refused: point.refused,
        });
        let resume = pb::TailoredResume {
            job_id: job.to_string(),
            state: state(&material) as i32,
            markdown: String::from_utf8(markdown).unwrap_or_default(),
            rephrased: rephrased.collect(),
            author: author(&material.written_by) as i32,
            update_time: Some(convert::timestamp(material.updated_at)),
            problem: material.problem,
            written_by: material.written_by,
        };
        Ok(Response::new(pb::GetTailoredResumeResponse { resume: Some(resume) }))
    }

    async fn list_templates(
        &self,
        request: Request<pb::ListTemplatesRequest>,
    ) -> Result<Response<pb::ListTemplatesResponse>, Status> {
        caller(&self.core, &request).await?;
        let templates = self.core.inner.typesetter.templates();
        let names = |kind| templates.names(kind).into_iter().map(str::to_owned).collect();
        Ok(Response::new(pb::ListTemplatesResponse {
            letter_templates: names(TemplateKind::Letter),
            resume_templates: names(TemplateKind::Resume),
        }))
    }

    async fn render_document(
        &self,
        request: Request<pb::RenderDocumentRequest>,
    ) -> Result<Response<pb::RenderDocumentResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let request = request.into_inner();
        let mut check = validation(&self.core);
        check.require(request.version >= 0, "version", "is negative; write 0 for the chosen one");
        let known = request.paper.is_empty() || paper(&request.paper).is_some();
        check.require(known, "paper", "is not known; write a4 or us-letter");
        check.finish()?;
        let format = match request.format() {
            pb::DocumentFormat::Unspecified | pb::DocumentFormat::Pdf => FileFormat::Pdf,
            pb::DocumentFormat::Docx => FileFormat::Docx,
            pb::DocumentFormat::Markdown => FileFormat::Markdown,
            pb::DocumentFormat::JsonResume => FileFormat::JsonResume,
        };
        let look = Look { format, template: &request.template, paper: paper(&request.paper) };
        let job = optional_id("job_id", &request.job_id)?;
        let materials = self.materials(&caller);
        let file = match (request.kind(), job) {
            (pb::DocumentKind::Letter, Some(job)) => materials.letter_file(job, request.version.into(), &look).await,
            (pb::DocumentKind::Letter, None) => {
                return Err(RpcError::invalid_field("job_id", "is empty; a letter belongs to a job").into());
            }
            (pb::DocumentKind::Resume, job) => materials.resume_file(job, &look).await,
            (pb::DocumentKind::Unspecified, _) => {
                return Err(RpcError::invalid_field("kind", "is not given; write LETTER or RESUME").into());
            }
        };
        let file = file.map_err(errors::material)?;
        Ok(Response::new(pb::RenderDocumentResponse {
            content: file.content,
            file_name: file.name,
            media_type: format.media_type().to_owned(),
            pages: int(file.pages),
            missing_characters: file.missing.into_iter().map(String::from).collect(),
        }))
    }
}
