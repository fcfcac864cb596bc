//! The résumé cut to a posting: reordered by rules and, with a model, in other words. Nothing is invented.

use aerie_documents::{
    Profile as ResumeProfile,
    claims::{Checker, Target, TextKind},
    letters,
    resume::Sourced,
    tailoring::{Cut, GapReport, gap_report, tailored},
};
use aerie_store::{jobs::Job, materials::Material};
use aerie_tasks::{KindPolicy, Outcome, TaskContext, TaskError, TaskHandler};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Applicant, fence, vocabulary};
use crate::{
    core::Core,
    materials::{self, Kind, Making, MaterialError, Materials, RULES},
    models::{self, Question},
};

/// Most points that a model puts into other words.
const MOST_POINTS: usize = 12;

/// Longest answer of a model, in tokens.
const MOST_TOKENS: u32 = 1_500;

/// A tailored résumé, as it is stored.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct TailoredDocument {
    pub(crate) profile: ResumeProfile,
    pub(crate) rephrased: Vec<Rephrased>,
}

/// A point that a model worked on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Rephrased {
    pub(crate) before: String,
    /// The same as before where the rewrite was refused.
    pub(crate) after: String,
    /// Why it was refused.
    pub(crate) refused: String,
}

/// Which résumé is to be cut.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TailorPayload {
    /// The tailored résumé.
    pub material_id: Uuid,
    /// Reorder only.
    #[serde(default)]
    pub template_only: bool,
}

/// What was done.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TailorReport {
    /// Points in other words.
    pub rephrased: usize,
    /// Rewrites that said what the résumé does not.
    pub refused: usize,
}

/// Runs `resume.tailor` tasks.
pub struct TailorTask {
    /// Shared parts.
    pub core: Core,
}

impl TaskHandler for TailorTask {
    const KIND: &'static str = "resume.tailor";
    type Payload = TailorPayload;
    type Output = TailorReport;

    fn policy() -> KindPolicy {
        KindPolicy { max_attempts: Some(5), ..KindPolicy::default() }
    }

    async fn run(&self, context: TaskContext, payload: TailorPayload) -> Result<Outcome<TailorReport>, TaskError> {
        let making = Making { core: &self.core, context: &context };
        let Some((material, job)) = making.read(payload.material_id).await? else { return Ok(materials::deleted()) };
        let mut tx = context.database().read().await?;
        let applicant = Applicant::read(&mut tx).await?;
        drop(tx);
        if !applicant.is_known() {
            return making.fail(material, &MaterialError::NoResume.to_string()).await;
        }
        let posting = &job.snapshot.posting;
        context.stage("reordering", Some(0.1)).await?;
        let profile = tailored(&applicant.resume, &posting.description_text, &vocabulary(), Cut::default());
        let mut document = TailoredDocument { profile, rephrased: vec![] };
        let mut by = RULES.to_owned();
        let points: Vec<String> =
            points(&document.profile).take(MOST_POINTS).map(|point| point.value.clone()).collect();
        if !payload.template_only && !points.is_empty() {
            context.stage("asking a model for other words", Some(0.3)).await?;
            let language = applicant.writing.language_for(posting.language.as_deref());
            let request = applicant.request(posting, &[], language, self.core.now());
            let texts: Vec<&str> = points.iter().map(String::as_str).collect();
            let prompt = letters::rephrase_prompt(&request, &texts, &fence());
            let question = Question {
                chain: "cover_letter",
                system: &prompt.system,
                prompt: prompt.user,
                image: None,
                max_tokens: MOST_TOKENS,
            };
            match models::ask_once(&self.core, &context, "rephrase", question).await? {
                Ok(Some(written)) => {
                    let lines = letters::numbered_lines(&written.text, points.len());
                    document.rephrased = rephrase(&mut document.profile, &lines, materials::month(self.core.now()));
                    if document.rephrased.iter().any(|point| point.before != point.after) {
                        by = written.by;
                    }
                }
                Ok(None) => {}
                Err(error) => return making.give_up(material, error).await,
            }
        }
        let refused = document.rephrased.iter().filter(|point| !point.refused.is_empty()).count();
        let report = TailorReport { rephrased: document.rephrased.len() - refused, refused };
        making.finish(Material { document: materials::written(&document)?, ..material }, by).await?;
        Ok(Outcome::Done(report))
    }
}

fn points(profile: &ResumeProfile) -> impl Iterator<Item = &Sourced> {
    profile.positions.iter().flat_map(|position| &position.bullets)
}

/// Puts a model's lines in the place of the points that they say again. A line that claims anything that its own
/// position does not say is refused: a skill of another job would be invented here.
fn rephrase(
    profile: &mut ResumeProfile,
    lines: &[Option<String>],
    today: aerie_documents::resume::YearMonth,
) -> Vec<Rephrased> {
    let (mut rephrased, mut lines) = (Vec::new(), lines.iter());
    for position in &mut profile.positions {
        let alone = ResumeProfile { positions: vec![position.clone()], ..ResumeProfile::default() };
        let checker = Checker::new(&alone, Target::default(), vocabulary(), today);
        for bullet in &mut position.bullets {
            let Some(line) = lines.next() else { return rephrased };
            let Some(line) = line.as_ref().filter(|line| **line != bullet.value) else { continue };
            let before = bullet.value.clone();
            let claims: Vec<String> = checker
                .unsupported(line, TextKind::Resume)
                .iter()
                .flat_map(|sentence| &sentence.unsupported)
                .map(|claim| format!("{}: {}", claim.words, claim.reason))
                .collect();
            if claims.is_empty() {
                *bullet = Sourced { value: line.clone(), span: bullet.span };
                rephrased.push(Rephrased { before, after: line.clone(), refused: String::new() });
            } else {
                let after = before.clone();
                rephrased.push(Rephrased { before, after, refused: claims.join("; ") });
            }
        }
    }
    rephrased
}

impl Materials<'_> {
    /// Begins cutting the résumé to a job.
    pub(crate) async fn tailor(&self, job: Uuid, template_only: bool) -> Result<String, MaterialError> {
        self.request::<TailorTask>(Kind::TailoredResume, job, |material_id| TailorPayload {
            material_id,
            template_only,
        })
        .await
    }

    /// What the posting asks for against what the résumé shows.
    pub(crate) async fn gaps(&self, job: Uuid) -> Result<(Job, GapReport), MaterialError> {
        let mut tx = self.database.read().await?;
        let full = materials::job(&mut tx, job).await?;
        let applicant = Applicant::read(&mut tx).await?;
        if !applicant.is_known() {
            return Err(MaterialError::NoResume);
        }
        let report = gap_report(&applicant.resume, &full.snapshot.posting.description_text, &vocabulary());
        Ok((full, report))
    }

    /// The résumé that was cut to a job.
    pub(crate) async fn tailored(&self, job: Uuid) -> Result<(Material, TailoredDocument), MaterialError> {
        let material = self.newest(Kind::TailoredResume, job).await?;
        let material = material.ok_or(MaterialError::None(Kind::TailoredResume, job))?;
        let document = materials::document(&material)?;
        Ok((material, document))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use aerie_documents::resume::{YearMonth, from_json_resume};

    use super::*;

    #[test]
    fn a_rewrite_with_a_skill_of_another_job_is_refused() {
        let mut profile = from_json_resume(
            r#"{"work": [{"name": "Acme", "position": "Engineer", "startDate": "2020", "highlights": ["Moved 12 ledgers to PostgreSQL"]},
                {"name": "Oak", "position": "Developer", "startDate": "2016", "endDate": "2019", "highlights": ["Wrote a parser in Rust"]}]}"#,
        )
        .unwrap();
        let lines =
            [Some("Moved 12 ledgers to PostgreSQL with Rust".to_owned()), Some("Built a parser in Rust".to_owned())];
        let rephrased = rephrase(&mut profile, &lines, YearMonth::new(2026, Some(3)).unwrap());
        assert_eq!(rephrased.len(), 2);
        assert!(rephrased[0].refused.contains("Rust"), "{rephrased:?}");
        assert_eq!(rephrased[1].refused, "");
        let texts: Vec<&str> = points(&profile).map(|point| point.value.as_str()).collect();
        assert_eq!(texts, ["Moved 12 ledgers to PostgreSQL", "Built a parser in Rust"]);
    }
}
