//! How well scores agree with recruiters: rank correlation and pair accuracy within each job.
//!
//! The file is one JSON object: `jds` maps a job's id to its list of skills, `resumes` is a list of `{id, text}`, and `labels`
//! is a list of `{jd, resume, score}` with the recruiter's score, higher being better. Pairs may also be given without
//! scores, in `labels` or in `chosen`; then they are predicted and nothing is measured. With no pairs at all, every résumé is
//! scored for every job.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::io::Read;

use aerie_embedding::Embedder;
use aerie_matching::{
    CorpusStatistics, Extras, MatchProfile, PostingFeatures, PreparedProfile, SkillVocabulary, score_with,
};
use aerie_postings::{Posting, RemoteKind, TextExtent};
use chrono::DateTime;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::agreement::{RankAgreement, rank_agreement};

/// Why a file could not be measured.
#[derive(Debug, thiserror::Error)]
pub enum RelevanceError {
    /// Not the format described.
    #[error("not a relevance file: {0}; expected an object with jds, resumes and labels")]
    Format(#[from] serde_json::Error),
    /// The model failed.
    #[error(transparent)]
    Embedding(#[from] aerie_embedding::EmbeddingError),
}

/// One predicted pair.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RelevancePrediction {
    /// The job's id.
    pub jd: String,
    /// The résumé's id.
    pub resume: String,
    /// 0 to 100.
    pub score: f64,
}

/// What was measured; the figures are `None` when no pair has a recruiter's score.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RelevanceReport {
    /// Jobs with at least one pair.
    pub jobs: usize,
    /// Pairs predicted.
    pub pairs: usize,
    /// Whether a sentence model took part.
    pub embedding: bool,
    /// Mean over the jobs of Spearman's rank correlation between our score and the recruiter's.
    pub mean_spearman: Option<f64>,
    /// Share of the pairs of résumés of one job, scored differently by the recruiter, that we order as they did; ties half.
    pub pair_accuracy: Option<f64>,
    /// The predictions, in the order of the pairs in the file.
    #[serde(skip)]
    pub predictions: Vec<RelevancePrediction>,
}

impl fmt::Display for RelevanceReport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let method = if self.embedding { "with embedding" } else { "lexical" };
        writeln!(formatter, "relevance ({method}): {} pairs of {} jobs", self.pairs, self.jobs)?;
        match (self.mean_spearman, self.pair_accuracy) {
            (Some(spearman), Some(accuracy)) => {
                write!(formatter, "  mean Spearman within a job {spearman:.3}\n  pair accuracy {accuracy:.3}")
            }
            _ => write!(formatter, "  no scores in the file: predicted only"),
        }
    }
}

/// The half of the file that predicting may see.
struct Questions {
    jobs: BTreeMap<String, Vec<String>>,
    resumes: Vec<(String, String)>,
    pairs: Vec<(String, String)>,
}

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    jds: BTreeMap<String, Value>,
    #[serde(default)]
    resumes: Vec<Value>,
    #[serde(default)]
    labels: Vec<Value>,
    #[serde(default)]
    chosen: Vec<Value>,
}

/// Reads a file, predicts every pair and, where scores are given, measures.
///
/// # Errors
/// A reader that fails, a file of another format, or a failing model. Single malformed rows are passed over.
pub fn evaluate_relevance(reader: impl Read, embedder: Option<&Embedder>) -> Result<RelevanceReport, RelevanceError> {
    let file: File = serde_json::from_reader(std::io::BufReader::new(reader))?;
    let questions = read_questions(&file);
    let predictions = predict(&questions, embedder)?;
    let agreement = measure(&file, &predictions);
    let jobs: std::collections::BTreeSet<&str> = predictions.iter().map(|prediction| prediction.jd.as_str()).collect();
    Ok(RelevanceReport {
        jobs: jobs.len(),
        pairs: predictions.len(),
        embedding: embedder.is_some(),
        mean_spearman: agreement.map(|agreement| agreement.mean_spearman),
        pair_accuracy: agreement.map(|agreement| agreement.pair_accuracy),
        predictions,
    })
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Ids of a pair, never its score.
fn pair(value: &Value) -> Option<(String, String)> {
    match value {
        Value::Array(parts) => Some((text(parts.first()?)?, text(parts.get(1)?)?)),
        _ => Some((text(value.get("jd")?)?, text(value.get("resume")?)?)),
    }
}

fn read_questions(file: &File) -> Questions {
    let skills = |value: &Value| match value {
        Value::Array(items) => items.iter().filter_map(text).collect(),
        other => text(other).into_iter().collect(),
    };
    let jobs: BTreeMap<String, Vec<String>> = file.jds.iter().map(|(id, value)| (id.clone(), skills(value))).collect();
    let resume = |value: &Value| Some((text(value.get("id")?)?, text(value.get("text")?)?));
    let resumes: Vec<(String, String)> = file.resumes.iter().filter_map(resume).collect();
    let mut pairs: Vec<(String, String)> = file.labels.iter().chain(&file.chosen).filter_map(pair).collect();
    let mut seen = std::collections::HashSet::new();
    pairs.retain(|pair| seen.insert(pair.clone()));
    if pairs.is_empty() {
        let all = jobs.keys().flat_map(|job| resumes.iter().map(move |(resume, _)| (job.clone(), resume.clone())));
        pairs = all.collect();
    }
    Questions { jobs, resumes, pairs }
}

/// The job as a posting that consists of its skill list.
fn posting_of(skills: &[String]) -> Posting {
    Posting {
        source: "evaluation".to_owned(),
        source_id: None,
        title: String::new(),
        company: String::new(),
        url: String::new(),
        apply_url: None,
        places: Vec::new(),
        remote: RemoteKind::Unknown,
        remote_scope: None,
        employment: Vec::new(),
        seniority: None,
        salary: None,
        description_html: String::new(),
        description_text: skills.join("\n"),
        extent: TextExtent::Snippet,
        department: None,
        tags: Vec::new(),
        language: None,
        posted_at: None,
        updated_at: None,
        expires_at: None,
        closed: false,
    }
}

fn predict(questions: &Questions, embedder: Option<&Embedder>) -> Result<Vec<RelevancePrediction>, RelevanceError> {
    let vocabulary = SkillVocabulary::built_in();
    // The same for every file: no part of the score may depend on when it is measured.
    let now = DateTime::UNIX_EPOCH;
    let mut statistics = CorpusStatistics::default();
    for (_, resume) in &questions.resumes {
        let mut terms: Vec<u32> = aerie_matching::text::words(resume)
            .iter()
            .filter(|word| !word.is_stop_word())
            .map(|word| word.term())
            .collect();
        terms.sort_unstable();
        terms.dedup();
        statistics.add_terms(terms);
    }
    let mut jobs = HashMap::new();
    for (id, skills) in &questions.jobs {
        let vector = match embedder {
            Some(embedder) => embedder.embed(&[&skills.join(", ")])?.pop(),
            None => None,
        };
        jobs.insert(id.as_str(), (PostingFeatures::prepare(&posting_of(skills), &vocabulary), vector));
    }
    let prepare = |text: &str| -> Result<PreparedProfile, RelevanceError> {
        let profile = MatchProfile { resume_text: text.to_owned(), ..MatchProfile::default() };
        let prepared = PreparedProfile::prepare(&profile, vocabulary.clone(), &statistics);
        match embedder {
            Some(embedder) => Ok(prepared.with_vectors(embedder.embed_chunks(text)?)),
            None => Ok(prepared),
        }
    };
    let profiles: HashMap<&str, PreparedProfile> = questions
        .resumes
        .par_iter()
        .map(|(id, text)| Ok((id.as_str(), prepare(text)?)))
        .collect::<Result<_, RelevanceError>>()?;
    let predict_one = |(jd, resume): &(String, String)| {
        let (features, vector) = jobs.get(jd.as_str())?;
        let extras = Extras { vector: vector.as_deref(), learned: None };
        let score = score_with(profiles.get(resume.as_str())?, features, extras, now);
        Some(RelevancePrediction { jd: jd.clone(), resume: resume.clone(), score: f64::from(score.total) })
    };
    Ok(questions.pairs.iter().filter_map(predict_one).collect())
}

/// The scoring half: the only reader of the recruiter's scores.
fn measure(file: &File, predictions: &[RelevancePrediction]) -> Option<RankAgreement> {
    let ours: HashMap<(&str, &str), f64> = predictions
        .iter()
        .map(|prediction| ((prediction.jd.as_str(), prediction.resume.as_str()), prediction.score))
        .collect();
    let mut groups: BTreeMap<String, Vec<(f64, f64)>> = BTreeMap::new();
    for label in &file.labels {
        let (Some((jd, resume)), Some(gold)) = (pair(label), label.get("score").and_then(Value::as_f64)) else {
            continue;
        };
        if let Some(&score) = ours.get(&(jd.as_str(), resume.as_str())) {
            groups.entry(jd).or_default().push((score, gold));
        }
    }
    let groups: Vec<Vec<(f64, f64)>> = groups.into_values().collect();
    rank_agreement(&groups)
}

#[cfg(test)]
mod tests;
