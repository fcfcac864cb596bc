//! `MatchService`, and how scores look on the wire.

use std::time::Duration;

use aerie_matching::{
    Blocker, ClassicScore, Part, PartKind, PostingFeatures, Score, SkillVocabulary, TrustInputs, classic_score,
    evaluate_trust,
    explain::{Evidence, Explanation, PostingText, Quote},
};
use aerie_postings::{Posting, RemoteKind, TextExtent};
use aerie_proto::pipeline::v1::{self as pb, match_service_server::MatchService};
use aerie_store::{catalogue, jobs as rows};
use chrono::{DateTime, Datelike, Utc, Weekday};
use tonic::{Request, Response, Status};

use super::{Caller, caller, convert, errors, id, validation};
use crate::{
    core::Core,
    profiles, rescore,
    scoring::{self, ScoreDocument, Scorer},
};

pub(crate) struct MatchApi {
    pub(crate) core: Core,
}

impl MatchApi {
    async fn scorer(&self, caller: &Caller) -> Result<(Scorer, String), Status> {
        let stored = profiles::read(&caller.database).await.map_err(errors::store)?;
        let statistics = scoring::statistics(self.core.platform()).await.map_err(errors::store)?;
        let resume = resume_words(&stored.profile);
        let scorer =
            Scorer::of_person(&self.core, &caller.database, &stored, statistics).await.map_err(errors::store)?;
        Ok((scorer, resume))
    }
}

/// What the classic score compares a posting with.
fn resume_words(profile: &crate::profile::Profile) -> String {
    let skills = profile.skills.join(" ");
    [profile.resume_text.as_str(), profile.summary.as_str(), skills.as_str()].join("\n")
}

#[tonic::async_trait]
impl MatchService for MatchApi {
    async fn score_text(
        &self,
        request: Request<pb::ScoreTextRequest>,
    ) -> Result<Response<pb::ScoreTextResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let request = request.into_inner();
        let mut check = validation(&self.core);
        check.required_text("title", &request.title);
        check.text("description", &request.description);
        check.finish()?;
        let (scorer, resume) = self.scorer(&caller).await?;
        let posting = text_posting(request.title, request.description);
        let features = PostingFeatures::prepare(&posting, &SkillVocabulary::built_in());
        let document = scorer.score_features(&features, None, self.core.now());
        let mut score = document_to_wire(&document);
        score.classic = classic(&resume, &posting.description_text);
        Ok(Response::new(pb::ScoreTextResponse { score: Some(score) }))
    }

    async fn explain_job(
        &self,
        request: Request<pb::ExplainJobRequest>,
    ) -> Result<Response<pb::ExplainJobResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let id = id("job_id", &request.into_inner().job_id)?;
        let mut tx = caller.database.read().await.map_err(errors::store)?;
        let job = rows::get(&mut tx, id).await.map_err(errors::store)?;
        drop(tx);
        let job = job.ok_or_else(|| errors::job(crate::jobs::JobError::NotFound(id)))?;
        let posting = &job.snapshot.posting;
        let mut platform = self.core.platform().read().await.map_err(errors::store)?;
        let features =
            catalogue::match_features(&mut platform, &[job.summary.posting_id]).await.map_err(errors::store)?;
        drop(platform);
        let vector = features.first().and_then(|one| one.embedding.as_deref()).map(scoring::vector_of);
        let (scorer, resume) = self.scorer(&caller).await?;
        let now = self.core.now();
        let explanation = scorer.explain(posting, vector.as_deref(), now);
        let summary = scorer
            .score_features(&PostingFeatures::prepare(posting, &SkillVocabulary::built_in()), vector.as_deref(), now)
            .summary;
        let mut response = explanation_to_wire(&explanation, summary);
        for (words, supports) in scorer.learned_reasons(posting) {
            response.evidence.push(pb::Evidence {
                part: part_name(PartKind::Learned).to_owned(),
                supports,
                label: words,
                field: "facts".to_owned(),
                ..Default::default()
            });
        }
        if let Some(score) = response.score.as_mut() {
            score.classic = classic(&resume, &posting.description_text);
            score.trust = Some(trust(&Some(convert::posting(posting)), posting, now));
        }
        Ok(Response::new(response))
    }

    async fn rescore_jobs(
        &self,
        request: Request<pb::RescoreJobsRequest>,
    ) -> Result<Response<pb::RescoreJobsResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let mut tx = caller.database.begin().await.map_err(errors::store)?;
        let submitted =
            rescore::submit(&self.core, &mut tx, caller.person, Duration::ZERO).await.map_err(errors::queue)?;
        self.core.inner.queue.commit(tx, caller.person).await.map_err(errors::queue)?;
        Ok(Response::new(pb::RescoreJobsResponse { task_id: submitted.id.to_string(), created: submitted.created }))
    }
}

/// A posting of which nothing but the words is known.
fn text_posting(title: String, description: String) -> Posting {
    const SNIPPET_CHARACTERS: usize = 400;
    let extent = match description.trim() {
        "" => TextExtent::TitleOnly,
        text if text.chars().nth(SNIPPET_CHARACTERS).is_none() => TextExtent::Snippet,
        _ => TextExtent::FullText,
    };
    Posting {
        source: String::new(),
        source_id: None,
        title,
        company: String::new(),
        url: String::new(),
        apply_url: None,
        places: vec![],
        remote: RemoteKind::Unknown,
        remote_scope: None,
        employment: vec![],
        seniority: None,
        salary: None,
        description_html: String::new(),
        description_text: description,
        extent,
        department: None,
        tags: vec![],
        language: None,
        posted_at: None,
        updated_at: None,
        expires_at: None,
        closed: false,
    }
}

fn classic(resume: &str, description: &str) -> Option<f64> {
    match classic_score(resume, description) {
        ClassicScore::Scored { score, .. } => Some(score),
        ClassicScore::NotScorable => None,
    }
}

/// A stored score on the wire; `None` for one that another version wrote.
pub(crate) fn score_to_wire(document: &[u8]) -> Option<pb::MatchScore> {
    ScoreDocument::from_bytes(document).map(|document| document_to_wire(&document))
}

fn document_to_wire(document: &ScoreDocument) -> pb::MatchScore {
    pb::MatchScore {
        gaps: document.gaps.clone(),
        summary: document.summary.clone(),
        blockers: document
            .score
            .blockers
            .iter()
            .map(|blocker| pb::Blocker {
                kind: blocker_name(*blocker).to_owned(),
                message: blocker_words(*blocker).to_owned(),
            })
            .collect(),
        ..bare_score(&document.score)
    }
}

fn bare_score(score: &Score) -> pb::MatchScore {
    pb::MatchScore {
        total: f64::from(score.total),
        uncertainty: f64::from(score.uncertainty),
        basis: convert::extent_to_wire(score.basis),
        parts: score.parts.iter().filter(|part| part.weight > 0.0).map(part).collect(),
        ..Default::default()
    }
}

fn part(part: &Part) -> pb::ScorePart {
    pb::ScorePart {
        name: part_name(part.kind).to_owned(),
        value: f64::from(part.value),
        weight: f64::from(part.weight),
        share: f64::from(part.points()),
        known: part.known,
    }
}

fn part_name(kind: PartKind) -> &'static str {
    match kind {
        PartKind::Lexical => "text",
        PartKind::Skills => "skills",
        PartKind::Title => "title",
        PartKind::Seniority => "seniority",
        PartKind::Place => "place",
        PartKind::Pay => "pay",
        PartKind::Recency => "recency",
        PartKind::Embedding => "meaning",
        PartKind::Learned => "learned",
    }
}

fn blocker_name(blocker: Blocker) -> &'static str {
    match blocker {
        Blocker::Place | Blocker::RemoteScope => "place",
        Blocker::OnSite => "on_site",
        Blocker::Permit => "permit",
        Blocker::Seniority => "seniority",
    }
}

fn blocker_words(blocker: Blocker) -> &'static str {
    match blocker {
        Blocker::Place => "not at any of your places",
        Blocker::RemoteScope => "remote, but not from your countries",
        Blocker::OnSite => "not fully remote",
        Blocker::Permit => "sponsors no work permit",
        Blocker::Seniority => "far from your level",
    }
}

fn explanation_to_wire(explanation: &Explanation, summary: String) -> pb::ExplainJobResponse {
    let blockers = explanation
        .score
        .blockers
        .iter()
        .zip(&explanation.blockers)
        .map(|(blocker, words)| pb::Blocker { kind: blocker_name(*blocker).to_owned(), message: words.clone() })
        .collect();
    pb::ExplainJobResponse {
        score: Some(pb::MatchScore {
            summary,
            blockers,
            gaps: explanation.gaps.iter().map(|gap| gap.skill.clone()).collect(),
            ..bare_score(&explanation.score)
        }),
        evidence: explanation.evidence.iter().map(evidence).collect(),
        gaps: explanation
            .gaps
            .iter()
            .map(|gap| pb::Gap {
                skill: gap.skill.clone(),
                required: gap.required,
                evidence: gap.quote.as_ref().map(|quote| quoted(quote, "skills", &gap.skill)),
            })
            .collect(),
    }
}

fn evidence(evidence: &Evidence) -> pb::Evidence {
    let part = part_name(evidence.part);
    let mut wire = match &evidence.quote {
        Some(quote) => quoted(quote, part, &evidence.statement),
        None => pb::Evidence {
            part: part.to_owned(),
            label: evidence.statement.clone(),
            field: "facts".to_owned(),
            ..Default::default()
        },
    };
    wire.supports = evidence.supports;
    wire
}

fn quoted(quote: &Quote, part: &str, label: &str) -> pb::Evidence {
    let offset = |byte: usize| i32::try_from(byte).unwrap_or(i32::MAX);
    pb::Evidence {
        part: part.to_owned(),
        supports: false,
        label: label.to_owned(),
        field: match quote.text {
            PostingText::Title => "title",
            PostingText::Description => "description",
        }
        .to_owned(),
        start: offset(quote.span.start),
        end: offset(quote.span.end),
        quote: quote.words.clone(),
        detail: String::new(),
    }
}

/// Trust signals of a posting, as far as this installation can judge them.
pub(crate) fn trust(seen: &Option<pb::Posting>, posting: &Posting, now: DateTime<Utc>) -> pb::TrustReport {
    /// US states whose law wants pay in a posting.
    const PAY_LAW: [&str; 6] = ["CO", "CA", "NY", "WA", "IL", "MA"];
    let in_law = |region: &Option<String>| region.as_deref().is_some_and(|region| PAY_LAW.contains(&region));
    let complete = posting.extent == TextExtent::FullText;
    let inputs = TrustInputs {
        age_days: posting.posted_at.map(|at| u32::try_from((now - at).num_days().max(0)).unwrap_or(u32::MAX)),
        reposts: seen.as_ref().map(|seen| u32::try_from(seen.repost_count).unwrap_or_default()),
        states_salary: Some(posting.salary.as_ref().is_some_and(|salary| !salary.predicted)),
        salary_required_by_law: Some(
            posting.places.iter().any(|place| place.country.as_deref() == Some("US") && in_law(&place.region)),
        ),
        description_characters: (complete || posting.extent == TextExtent::Snippet)
            .then(|| u32::try_from(posting.description_text.chars().count()).unwrap_or(u32::MAX)),
        posted_on_weekend: posting.posted_at.map(|at| matches!(at.weekday(), Weekday::Sat | Weekday::Sun)),
        ..TrustInputs::default()
    };
    let report = evaluate_trust(&inputs);
    pb::TrustReport {
        score: report.trust,
        confidence: report.confidence,
        signals: report
            .signals
            .iter()
            .filter(|signal| signal.triggered == Some(true))
            .map(|signal| pb::TrustSignal {
                name: serde_json::to_value(signal.sign)
                    .ok()
                    .and_then(|name| name.as_str().map(str::to_owned))
                    .unwrap_or_default(),
                weight: signal.weight,
                detail: signal.detail.clone(),
            })
            .collect(),
    }
}
