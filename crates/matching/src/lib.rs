//! Scoring, skills, duplicates and learning from decisions: pure functions, no input or output.
//!
//! Scoring works in three steps. [`features::PostingFeatures`] is prepared once per posting and stored;
//! [`profile::PreparedProfile`] once per person, against [`statistics::CorpusStatistics`] of the postings at hand;
//! [`score::score`] compares the two, [`score::rescore`] many at once. [`explain::explain`] goes back to the posting's text
//! and quotes the words behind each share. [`classic`] is the score of earlier tools, [`trust`] stands beside every
//! score and never enters it.

pub mod classic;
pub mod dedupe;
pub mod explain;
pub mod features;
pub mod filters;
pub mod fit;
pub mod learning;
pub mod negation;
pub mod offers;
pub mod phrases;
pub mod profile;
pub mod requirements;
pub mod score;
pub mod skills;
pub mod statistics;
pub mod text;
pub mod titles;
mod titleshape;
pub mod trust;
pub mod weights;

pub use classic::{ClassicScore, classic_score};
pub use explain::{Explanation, explain};
pub use features::PostingFeatures;
pub use fit::Blocker;
pub use profile::{MatchProfile, PreparedProfile, RemotePreference, SalaryWish};
pub use score::{Extras, LearnedValue, Part, PartKind, Score, rescore, score, score_with};
pub use skills::SkillVocabulary;
pub use statistics::CorpusStatistics;
pub use trust::{TrustInputs, TrustReport, evaluate_trust};
