//! Scores of jobs: prepared profile, features of the catalogue, and what is stored beside each job.

mod run;
mod statistics;

use std::{collections::HashSet, sync::Arc};

use aerie_matching::{
    CorpusStatistics, Extras, MatchProfile, PostingFeatures, PreparedProfile, RemotePreference, SalaryWish, Score,
    SkillVocabulary,
    explain::{Explanation, explain_with},
    learning::Learner,
    profile::text_to_embed,
    score_with,
    skills::SkillId,
};
use aerie_postings::{Posting, RemoteKind, TextExtent, places::parse_places};
use aerie_store::{
    Database, StoreError,
    catalogue::{self, MatchFeatures},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{core::Core, encoding, learning, profiles::StoredProfile};

pub(crate) use run::{Which, score_jobs};
pub(crate) use statistics::statistics;

/// Skills named in a summary.
const SUMMARY_SKILLS: usize = 4;

/// The stored features of a posting.
pub(crate) fn posting_features(posting: &Posting) -> Vec<u8> {
    PostingFeatures::prepare(posting, &SkillVocabulary::built_in()).to_bytes()
}

/// What is kept of a score beside its total.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ScoreDocument {
    /// Everything about the score.
    pub(crate) score: Score,
    /// Skills that the posting asks for and the profile lacks.
    pub(crate) gaps: Vec<String>,
    /// One line for people.
    pub(crate) summary: String,
}

impl ScoreDocument {
    /// Raised whenever the form changes, of the score itself too.
    const VERSION: u8 = 1;

    /// For storage beside the job.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        encoding::encode(&(Self::VERSION, self))
    }

    /// What [`ScoreDocument::to_bytes`] gave; `None` for what another version wrote.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let document = bytes.strip_prefix(&[Self::VERSION])?;
        encoding::decode(document)
    }
}

/// What matching is told about a person: the profile, and the titles and places of their search profiles.
pub(crate) fn match_profile(stored: &StoredProfile) -> MatchProfile {
    let profile = &stored.profile;
    let mut titles: Vec<String> = Vec::new();
    for title in stored.searches.iter().flat_map(|search| &search.titles) {
        if !titles.contains(title) {
            titles.push(title.clone());
        }
    }
    let places = if profile.places.is_empty() {
        stored.searches.iter().flat_map(|search| search.places.iter()).collect::<Vec<_>>()
    } else {
        profile.places.iter().collect()
    };
    MatchProfile {
        summary: profile.summary.clone(),
        resume_text: profile.resume_text.clone(),
        skills: profile.skills.clone(),
        titles,
        places: places.into_iter().flat_map(|place| parse_places(place).places).collect(),
        remote: match profile.remote_preference {
            RemoteKind::Unknown => RemotePreference::Any,
            RemoteKind::OnSite => RemotePreference::OnSite,
            RemoteKind::Hybrid => RemotePreference::Hybrid,
            RemoteKind::Remote => RemotePreference::Remote,
        },
        salary: profile
            .salary_minimum
            .map(|yearly_minimum| SalaryWish { yearly_minimum, currency: profile.salary_currency.clone() }),
        seniority: profile.seniority,
        keywords: profile.keywords.clone(),
        negative_statements: profile.dislikes.clone(),
        ..MatchProfile::default()
    }
}

/// Scores postings for one person.
pub(crate) struct Scorer {
    prepared: PreparedProfile,
    skills: HashSet<SkillId>,
    vocabulary: Arc<SkillVocabulary>,
    learner: Option<Learner>,
}

impl Scorer {
    /// Prepares a person's profile against the statistics of the catalogue.
    fn new(core: &Core, stored: &StoredProfile, statistics: &CorpusStatistics) -> Self {
        let vocabulary = SkillVocabulary::built_in();
        let profile = match_profile(stored);
        let mut prepared = PreparedProfile::prepare(&profile, Arc::clone(&vocabulary), statistics);
        if let Some(embedder) = &core.inner.embedder {
            match embedder.embed_chunks(&text_to_embed(&profile)) {
                Ok(chunks) => prepared = prepared.with_vectors(chunks),
                Err(error) => {
                    tracing::warn!(%error, "the profile could not be embedded; the score rests on words alone")
                }
            }
        }
        let mut skills = HashSet::new();
        for text in profile.skills.iter().chain(&profile.keywords).chain([&profile.resume_text, &profile.summary]) {
            skills.extend(vocabulary.lookup(text));
            skills.extend(vocabulary.mentions(text).into_iter().map(|mention| mention.skill));
        }
        Self { prepared, skills, vocabulary, learner: None }
    }

    /// The scorer of a person as things stand: profile, statistics of the catalogue, decisions.
    pub(crate) async fn of_person(
        core: &Core,
        person: &Database,
        stored: &StoredProfile,
        statistics: CorpusStatistics,
    ) -> Result<Self, StoreError> {
        let statistics = Arc::new(statistics);
        let mut scorer = {
            let (core, stored, statistics) = (core.clone(), stored.clone(), Arc::clone(&statistics));
            // Embedding a profile takes seconds of computing.
            blocking(move || Self::new(&core, &stored, &statistics)).await?
        };
        scorer.learner = learning::learner_of(core, person, stored, &scorer, &statistics, core.now()).await?;
        Ok(scorer)
    }

    /// The score of a posting by its stored features; `None` for features of another version.
    pub(crate) fn score(&self, features: &MatchFeatures, now: DateTime<Utc>) -> Option<ScoreDocument> {
        let posting = PostingFeatures::from_bytes(&features.features).ok()?;
        let vector = features.embedding.as_deref().map(vector_of);
        Some(self.score_features(&posting, vector.as_deref(), now))
    }

    /// The score of a posting at hand.
    pub(crate) fn score_features(
        &self,
        posting: &PostingFeatures,
        vector: Option<&[f32]>,
        now: DateTime<Utc>,
    ) -> ScoreDocument {
        let learned = self.learner.as_ref().and_then(|learner| learner.opinion(posting));
        let score = score_with(&self.prepared, posting, Extras { vector, learned }, now);
        let label = |id: SkillId| self.vocabulary.label(id).map(str::to_owned);
        let gaps: Vec<String> = posting.skill_ids().filter(|id| !self.skills.contains(id)).filter_map(label).collect();
        let shared: Vec<String> = posting.skill_ids().filter(|id| self.skills.contains(id)).filter_map(label).collect();
        ScoreDocument { summary: summary(&score, &shared, &gaps), score, gaps }
    }

    /// The score of a posting with the words that prove it.
    pub(crate) fn explain(&self, posting: &Posting, vector: Option<&[f32]>, now: DateTime<Utc>) -> Explanation {
        let features = PostingFeatures::prepare(posting, &self.vocabulary);
        let learned = self.learner.as_ref().and_then(|learner| learner.opinion(&features));
        explain_with(&self.prepared, posting, Extras { vector, learned }, now)
    }

    /// Why decisions speak for or against a posting, in words.
    pub(crate) fn learned_reasons(&self, posting: &Posting) -> Vec<(String, bool)> {
        let features = PostingFeatures::prepare(posting, &self.vocabulary);
        let reasons = self.learner.as_ref().map(|learner| learner.reasons(&features, &posting.title, &self.vocabulary));
        reasons.unwrap_or_default().into_iter().map(|reason| (reason.to_string(), reason.weight >= 0.0)).collect()
    }
}

/// One line that says what the score rests on.
fn summary(score: &Score, shared: &[String], gaps: &[String]) -> String {
    let mut words = Vec::new();
    if !shared.is_empty() {
        let more = shared.len().saturating_sub(SUMMARY_SKILLS);
        let named = shared.iter().take(SUMMARY_SKILLS).cloned().collect::<Vec<_>>().join(", ");
        words.push(if more > 0 { format!("{named} +{more}") } else { named });
    }
    if let Some(gap) = gaps.first() {
        let more = gaps.len() - 1;
        words.push(if more > 0 { format!("lacks {gap} +{more}") } else { format!("lacks {gap}") });
    }
    match score.basis {
        TextExtent::TitleOnly => words.push("title only".to_owned()),
        TextExtent::Snippet => words.push("snippet".to_owned()),
        TextExtent::FullText => {}
    }
    words.join("; ")
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, StoreError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| StoreError::Unavailable { detail: format!("scoring: {error}") })
}

/// Vectors of these postings, when there is a model and they have none or were changed.
pub(crate) async fn embed_postings(core: &Core, ids: &[Uuid], changed: &HashSet<Uuid>) -> Result<(), StoreError> {
    /// Postings embedded at a time, so that a cancelled task stops soon.
    const BATCH: usize = 32;
    let Some(embedder) = core.inner.embedder.clone() else { return Ok(()) };
    let mut tx = core.platform().read().await?;
    let features = catalogue::match_features(&mut tx, ids).await?;
    drop(tx);
    let missing: Vec<Uuid> = features
        .into_iter()
        .filter(|one| one.embedding.is_none() || changed.contains(&one.posting_id))
        .map(|one| one.posting_id)
        .collect();
    for batch in missing.chunks(BATCH) {
        let mut tx = core.platform().read().await?;
        let postings = catalogue::get(&mut tx, batch).await?;
        drop(tx);
        let embedder = Arc::clone(&embedder);
        let vectors = blocking(move || {
            let texts: Vec<String> =
                postings.iter().map(|one| format!("{}\n{}", one.posting.title, one.posting.description_text)).collect();
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            embedder.embed(&texts).map(|vectors| {
                postings.iter().map(|one| one.id).zip(vectors.iter().map(|vector| bytes_of(vector))).collect::<Vec<_>>()
            })
        })
        .await?;
        match vectors {
            Ok(vectors) => {
                let mut tx = core.platform().begin().await?;
                catalogue::set_embeddings(&mut tx, vectors).await?;
                tx.commit().await?;
            }
            Err(error) => tracing::warn!(%error, "postings could not be embedded; their score rests on words alone"),
        }
    }
    Ok(())
}

fn bytes_of(vector: &[f32]) -> Vec<u8> {
    vector.iter().flat_map(|value| value.to_le_bytes()).collect()
}

pub(crate) fn vector_of(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks::<4>().0.iter().map(|chunk| f32::from_le_bytes(*chunk)).collect()
}
