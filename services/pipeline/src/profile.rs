//! The two documents that say who a person is and what they look for.

use aerie_postings::{RemoteKind, Seniority};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use crate::grpc::convert::{profile_to_wire, search_to_wire};

/// What matching knows of a person. Stored as one JSON document; a field that a later version adds is empty when an
/// earlier one wrote it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Profile {
    /// Name.
    pub full_name: String,
    /// Summary in the person's words.
    pub summary: String,
    /// Résumé as plain text.
    pub resume_text: String,
    /// Skills.
    pub skills: Vec<String>,
    /// Own level.
    pub seniority: Option<Seniority>,
    /// Places where the person can work.
    pub places: Vec<String>,
    /// Wished kind of place; unknown means any.
    pub remote_preference: RemoteKind,
    /// Lowest yearly pay wished for.
    pub salary_minimum: Option<f64>,
    /// Currency of `salary_minimum`, ISO 4217.
    pub salary_currency: String,
    /// Further words that matter.
    pub keywords: Vec<String>,
    /// What the person does not want, in words.
    pub dislikes: Vec<String>,
    /// Companies never to show.
    pub blocked_companies: Vec<String>,
    /// Words of industries never to show.
    pub blocked_industries: Vec<String>,
    /// Places never to show.
    pub blocked_places: Vec<String>,
    /// Whether approvals and rejections re-weight the ranking.
    pub learn_from_decisions: bool,
    /// Countries (ISO 3166-1 alpha-2) in which the person may work without a permit.
    pub work_permits: Vec<String>,
}

/// What to look for, and where.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SearchProfile {
    /// Unique id.
    pub id: Uuid,
    /// Name.
    pub name: String,
    /// Job titles.
    pub titles: Vec<String>,
    /// Places.
    pub places: Vec<String>,
    /// Sources; empty means every enabled one.
    pub sources: Vec<String>,
    /// Company boards as `source:token`.
    pub company_boards: Vec<String>,
    /// Words that drop a posting when its title holds one as a whole word.
    pub exclude_words: Vec<String>,
    /// Wished kind of place; unknown means any.
    pub remote_preference: RemoteKind,
    /// Oldest age in days; zero means any.
    pub max_age_days: u32,
    /// Most rows to take from one source; zero means the default.
    pub results_per_source: u32,
    /// Causes that the person cares about.
    pub mission_tags: Vec<String>,
    /// Cron expression in UTC; empty means by hand only.
    pub schedule: String,
    /// Feeds, career pages and single pages to read.
    pub pages: Vec<String>,
    /// Whether a title word must occur in a posting's title.
    pub match_titles: bool,
}

impl SearchProfile {
    /// Rows to take from one source when the search profile does not say.
    pub const DEFAULT_RESULTS: u32 = 200;

    /// Most rows to take from one source.
    pub fn limit(&self) -> usize {
        let asked = if self.results_per_source == 0 { Self::DEFAULT_RESULTS } else { self.results_per_source };
        asked as usize
    }

    /// The tokens of this search profile's boards on one hiring system.
    pub fn boards_of<'a>(&'a self, source: &'a str) -> impl Iterator<Item = &'a str> {
        self.company_boards
            .iter()
            .filter_map(move |board| board.split_once(':').filter(|(name, _)| *name == source).map(|(_, token)| token))
    }
}
