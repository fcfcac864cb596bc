//! The score: named shares that add up to 0 to 100, and what it rests on.

use aerie_postings::TextExtent;
use chrono::{DateTime, Utc};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::features::PostingFeatures;
use crate::fit::{self, Blocker};
use crate::profile::{PreparedProfile, RemotePreference};
use crate::weights;

/// What one share of a score is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartKind {
    /// Words in common, rare ones counting more.
    Lexical,
    /// Skills in common.
    Skills,
    /// Wanted titles against the posted one.
    Title,
    /// Level against level.
    Seniority,
    /// Place and remote work.
    Place,
    /// Pay against the wish.
    Pay,
    /// Age of the posting.
    Recency,
    /// Likeness of meaning by a language model.
    Embedding,
    /// What the person's decisions taught.
    Learned,
}

/// Number of parts.
const PARTS: usize = 9;

/// One part of a score.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// What it is about.
    pub kind: PartKind,
    /// Its share of the whole scale, 0 to 1; 0 when the profile says nothing about it. All weights add up to 1.
    pub weight: f32,
    /// How well the posting does, 0 to 1; one half when the posting says nothing.
    pub value: f32,
    /// Whether the posting says anything about it.
    pub known: bool,
}

impl Part {
    /// Points of the total that this part brought: `100 * weight * value`.
    pub fn points(&self) -> f32 {
        100.0 * self.weight * self.value
    }
}

/// How well a posting fits a profile.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// 0 to 100: the sum of the points of the parts.
    pub total: f32,
    /// All parts in the order of [`PartKind`].
    pub parts: [Part; PARTS],
    /// Half-width in points of the range in which the score would lie if everything were known.
    pub uncertainty: f32,
    /// How much of the posting's text it rests on.
    pub basis: TextExtent,
    /// What rules the posting out, apart from the score.
    pub blockers: Vec<Blocker>,
}

/// What may be known about a posting beyond its features.
#[derive(Debug, Clone, Copy, Default)]
pub struct Extras<'posting> {
    /// Its vector, of length one, by the model that made the profile's.
    pub vector: Option<&'posting [f32]>,
    /// What a [`crate::learning::Learner`] says about it.
    pub learned: Option<LearnedValue>,
}

/// A learned opinion.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LearnedValue {
    /// 0 (like those rejected) to 1 (like those approved).
    pub value: f32,
    /// How far the decisions bear it, 0 to 1; scales the weight of the part.
    pub confidence: f32,
}

/// Scores one posting without vector and without learning.
pub fn score(profile: &PreparedProfile, posting: &PostingFeatures, now: DateTime<Utc>) -> Score {
    score_with(profile, posting, Extras::default(), now)
}

/// Scores one posting.
pub fn score_with(
    profile: &PreparedProfile,
    posting: &PostingFeatures,
    extras: Extras<'_>,
    now: DateTime<Utc>,
) -> Score {
    let learned = extras.learned.filter(|learned| learned.value.is_finite() && learned.confidence.is_finite());
    let confidence = learned.map_or(0.0, |learned| learned.confidence.clamp(0.0, 1.0));
    let wants_place = !profile.places.is_empty() || profile.remote != RemotePreference::Any;
    let when = |wanted: bool, weight: f32| if wanted { weight } else { 0.0 };
    let mut parts = [
        part(PartKind::Lexical, weights::LEXICAL, lexical(profile, posting)),
        part(PartKind::Skills, when(!profile.skills.is_empty(), weights::SKILLS), skills(profile, posting)),
        part(PartKind::Title, when(!profile.titles.is_empty(), weights::TITLE), title(profile, posting)),
        part(
            PartKind::Seniority,
            when(profile.seniority.is_some(), weights::SENIORITY),
            profile.seniority.and_then(|own| fit::seniority(own, posting.seniority)),
        ),
        part(PartKind::Place, when(wants_place, weights::PLACE), fit::place(profile, posting)),
        part(
            PartKind::Pay,
            when(profile.wish.is_some(), weights::PAY),
            profile.wish.and_then(|wish| fit::pay(wish, posting.pay)),
        ),
        part(PartKind::Recency, weights::RECENCY, fit::recency(posting.posted, now.timestamp())),
        part(PartKind::Embedding, when(profile.has_vectors(), weights::EMBEDDING), embedding(profile, extras.vector)),
        part(PartKind::Learned, weights::LEARNED * confidence, learned.map(|learned| learned.value.clamp(0.0, 1.0))),
    ];
    let sum: f32 = parts.iter().map(|part| part.weight).sum();
    let mut unknown = 0.0;
    for part in &mut parts {
        part.weight /= sum;
        if part.weight > 0.0 && !part.known {
            unknown += 1.0;
        }
    }
    let [title_only, snippet, full] = weights::UNCERTAINTY;
    let base = match posting.extent {
        TextExtent::TitleOnly => title_only,
        TextExtent::Snippet => snippet,
        TextExtent::FullText => full,
    };
    Score {
        total: parts.iter().map(Part::points).sum::<f32>().clamp(0.0, 100.0),
        parts,
        uncertainty: (base + unknown * weights::UNCERTAINTY_PER_UNKNOWN).min(50.0),
        basis: posting.extent,
        blockers: fit::blockers(profile, posting),
    }
}

/// Scores many postings on all cores, in their order. `extras` gives what is known about each by its index.
pub fn rescore<'posting>(
    profile: &PreparedProfile,
    postings: &[PostingFeatures],
    extras: impl Fn(usize) -> Extras<'posting> + Sync,
    now: DateTime<Utc>,
) -> Vec<Score> {
    let score_one = |(index, posting)| score_with(profile, posting, extras(index), now);
    postings.par_iter().enumerate().with_min_len(256).map(score_one).collect()
}

fn part(kind: PartKind, weight: f32, value: Option<f32>) -> Part {
    let known = value.filter(|value| value.is_finite());
    Part { kind, weight, value: known.unwrap_or(weights::NEUTRAL).clamp(0.0, 1.0), known: known.is_some() }
}

/// The posting is the query, the profile the document: every term of the posting asks with its rarity, and the profile
/// answers with the logarithm of how often it has it. The profile's length is not divided out: people with more to tell
/// were rated higher by recruiters, and for one person's list it is the same for every posting.
fn lexical(profile: &PreparedProfile, posting: &PostingFeatures) -> Option<f32> {
    let mut asked = weights::LEXICAL_PRIOR;
    let mut answered = weights::LEXICAL_PRIOR * weights::LEXICAL_PRIOR_VALUE;
    for (term, count) in posting.terms() {
        let weight = profile.rarity.weight(term) * emphasis(count);
        asked += weight;
        if let Some(answer) = profile.terms.get(&term) {
            answered += weight * answer;
        }
    }
    let raw = answered / asked;
    (posting.term_hashes.len() > 1).then_some(raw / (raw + weights::LEXICAL_HALF))
}

/// Repeating a word in a posting adds little.
fn emphasis(count: u8) -> f32 {
    const TABLE: [f32; 8] = [1.0, 1.0, 1.35, 1.55, 1.69, 1.8, 1.9, 1.97];
    TABLE.get(usize::from(count)).copied().unwrap_or(2.0)
}

/// Share of the asked skills that the profile has, by weight and strength.
fn skills(profile: &PreparedProfile, posting: &PostingFeatures) -> Option<f32> {
    if posting.skills.is_empty() {
        return None;
    }
    let mut asked = weights::SKILLS_PRIOR;
    let mut answered = weights::SKILLS_PRIOR * weights::NEUTRAL * 0.6;
    for skill in &posting.skills {
        let weight = profile.vocabulary.weight(skill.id) * if skill.required { 1.0 } else { weights::NICE_TO_HAVE };
        asked += weight;
        answered += weight * profile.skills.get(&skill.id).copied().unwrap_or(0.0);
    }
    Some(answered / asked)
}

fn title(profile: &PreparedProfile, posting: &PostingFeatures) -> Option<f32> {
    if posting.title_terms.is_empty() {
        return None;
    }
    let likeness = profile
        .titles
        .iter()
        .map(|wanted| wanted.likeness(&posting.title_terms, posting.title_role, |term| profile.rarity.weight(term)));
    likeness.max_by(f32::total_cmp)
}

/// Mean of two cosines: with the whole profile, and with its best few chunks.
fn embedding(profile: &PreparedProfile, vector: Option<&[f32]>) -> Option<f32> {
    let vector = vector?;
    let mut cosines: Vec<f32> = profile
        .chunks
        .iter()
        .filter(|chunk| chunk.len() == vector.len())
        .map(|chunk| chunk.iter().zip(vector).map(|(left, right)| left * right).sum())
        .collect();
    if cosines.is_empty() {
        return None;
    }
    let whole = profile_cosine(profile, &cosines);
    cosines.sort_unstable_by(|left, right| right.total_cmp(left));
    cosines.truncate(weights::EMBEDDING_CHUNKS);
    let best = cosines.iter().sum::<f32>() / cosines.len() as f32;
    Some(((whole + best) / 2.0 / weights::EMBEDDING_FULL).clamp(0.0, 1.0))
}

/// Cosine of the posting with the mean of all chunks: the mean of the cosines over the length of the mean vector.
fn profile_cosine(profile: &PreparedProfile, cosines: &[f32]) -> f32 {
    let mean = cosines.iter().sum::<f32>() / cosines.len() as f32;
    mean / profile.mean_length.max(0.1)
}
