//! Briefs on employers: what the posting, the employer's own pages and a search engine say, each statement with where it
//! comes from.

mod brief;
mod rules;
pub(crate) mod web;

use aerie_store::{PersonId, materials as rows, materials::Material};
use aerie_tasks::{KindPolicy, Outcome, TaskContext, TaskError, TaskHandler};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use self::web::Source;
pub(crate) use self::{
    brief::{BriefSection, ResearchDocument, Statement, masked_points},
    web::Web,
};
use crate::{
    core::Core,
    letters::{Applicant, fence, vocabulary},
    materials::{self, Kind, Making, MaterialError, Materials, RULES, State},
    models::{self, Question},
};

/// Longest answer of a model, in tokens.
const MOST_TOKENS: u32 = 3_000;

/// Which brief is to be written.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ResearchPayload {
    /// The brief.
    pub material_id: Uuid,
}

/// What was found.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ResearchReport {
    /// Pages read, the posting included.
    pub sources: usize,
    /// A model, or "rules".
    pub written_by: String,
}

/// Runs `research.company` tasks.
pub struct ResearchTask {
    /// Shared parts.
    pub core: Core,
}

impl TaskHandler for ResearchTask {
    const KIND: &'static str = "research.company";
    type Payload = ResearchPayload;
    type Output = ResearchReport;

    fn policy() -> KindPolicy {
        KindPolicy { max_attempts: Some(5), ..KindPolicy::default() }
    }

    async fn run(&self, context: TaskContext, payload: ResearchPayload) -> Result<Outcome<ResearchReport>, TaskError> {
        let making = Making { core: &self.core, context: &context };
        let Some((material, job)) = making.read(payload.material_id).await? else { return Ok(materials::deleted()) };
        let posting = &job.snapshot.posting;
        context.stage("reading about the employer", Some(0.1)).await?;
        let web = &self.core.inner.web;
        let sources: Vec<Source> = context.step("sources", || async { Ok(web.sources_on(posting).await) }).await?;
        let has_web_sources = sources.iter().any(Source::is_web);
        let mut tx = context.database().read().await?;
        let applicant = Applicant::read(&mut tx).await?;
        drop(tx);

        context.stage("writing the brief", Some(0.6)).await?;
        let prompt = brief::prompt(posting, &applicant, &sources, &fence());
        let question = Question {
            chain: "research",
            system: &prompt.system,
            prompt: prompt.user,
            image: None,
            max_tokens: MOST_TOKENS,
        };
        let (sections, by) = match models::ask_once(&self.core, &context, "brief", question).await? {
            Ok(Some(written)) => (brief::read_answer(&written.text, &sources), written.by),
            Ok(None) => (vec![], String::new()),
            Err(error) => return making.give_up(material, error).await,
        };
        let (sections, by) = if sections.is_empty() {
            (rules::brief(posting, &applicant, &sources, &vocabulary()), RULES.to_owned())
        } else {
            (sections, by)
        };
        let report = ResearchReport { sources: sources.len(), written_by: by.clone() };
        let sources = sources.into_iter().map(Source::into_reference).collect();
        let document = ResearchDocument { sections, sources, has_web_sources };
        making.finish(Material { document: materials::written(&document)?, ..material }, by).await?;
        Ok(Outcome::Done(report))
    }
}

impl Materials<'_> {
    /// Begins a brief.
    pub(crate) async fn research(&self, job: Uuid) -> Result<String, MaterialError> {
        self.request::<ResearchTask>(Kind::Research, job, |material_id| ResearchPayload { material_id }).await
    }

    /// A job's brief.
    pub(crate) async fn brief(&self, job: Uuid) -> Result<(Material, ResearchDocument), MaterialError> {
        let material = self.newest(Kind::Research, job).await?.ok_or(MaterialError::None(Kind::Research, job))?;
        let document = materials::document(&material)?;
        Ok((material, document))
    }
}

/// Begins the brief that a talk needs, unless there is one.
pub(crate) async fn begin_for_talk(core: &Core, tx: &mut aerie_store::Tx, job: Uuid) -> Result<(), MaterialError> {
    let known = rows::of_job(tx, job, Kind::Research.as_str()).await?;
    if known.iter().any(|material| State::of(&material.state) != State::Failed) {
        return Ok(());
    }
    let payload = |material_id| ResearchPayload { material_id };
    materials::request_in::<ResearchTask>(core, tx, Kind::Research, job, payload).await.map(|_| ())
}

/// Makes briefs again that were made without the web, now that there is a search engine to ask. Returns how many.
pub(crate) async fn refresh(core: &Core, person: PersonId) -> Result<usize, MaterialError> {
    if !core.inner.web.can_search().await {
        return Ok(0);
    }
    let database = core.person(person).await?;
    let mut tx = database.begin().await?;
    let mut count = 0;
    for material in rows::of_kind(&mut tx, Kind::Research.as_str()).await? {
        let document: ResearchDocument = materials::document(&material)?;
        if State::of(&material.state) != State::Ready || document.has_web_sources {
            continue;
        }
        let payload = |material_id| ResearchPayload { material_id };
        materials::request_in::<ResearchTask>(core, &mut tx, Kind::Research, material.job_id, payload).await?;
        count += 1;
    }
    core.inner.queue.commit(tx, person).await?;
    Ok(count)
}
