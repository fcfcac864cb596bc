//! A person's profile, prepared once for scoring many postings.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};
use std::ops::Range;
use std::sync::Arc;

use aerie_postings::{Place, Seniority};
use serde::{Deserialize, Serialize};

use crate::features::{PlaceKey, currency_code};
use crate::negation::unwanted_ranges;
use crate::skills::{SkillId, SkillVocabulary};
use crate::statistics::{CorpusStatistics, RarityTable};
use crate::text::words;
use crate::titleshape::TitleShape;

/// What a person says about themselves and what they look for. Empty fields mean "not said" and count for nothing.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MatchProfile {
    /// A few sentences in their own words.
    pub summary: String,
    /// The whole résumé as text.
    pub resume_text: String,
    /// Skills they list.
    pub skills: Vec<String>,
    /// Titles they look for.
    pub titles: Vec<String>,
    /// Places they can work at.
    pub places: Vec<Place>,
    /// How they want to work.
    pub remote: RemotePreference,
    /// What they want to earn.
    pub salary: Option<SalaryWish>,
    /// Their level.
    pub seniority: Option<Seniority>,
    /// Words that speak for a posting.
    pub keywords: Vec<String>,
    /// Words in a title that keep a posting out; see [`crate::filters::ExcludeFilter`].
    pub exclude_words: Vec<String>,
    /// Languages they speak.
    pub languages: Vec<String>,
    /// What they do not want, in words ("not interested in databases", or just "databases").
    pub negative_statements: Vec<String>,
    /// Whether they need a visa or another person's permission to work.
    pub needs_sponsorship: bool,
}

/// How a person wants to work.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RemotePreference {
    /// Not said.
    #[default]
    Any,
    /// Only remote work.
    Remote,
    /// Remote or partly remote.
    Hybrid,
    /// At the employer's place.
    OnSite,
}

/// What a person wants to earn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SalaryWish {
    /// Least amount for a year.
    pub yearly_minimum: f64,
    /// ISO 4217 code; empty when they do not say.
    pub currency: String,
}

/// Hash map keyed by terms, which are hashes already.
pub(crate) type TermMap = HashMap<u32, f32, BuildHasherDefault<TermHasher>>;

/// Passes a term through.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct TermHasher(u64);

impl Hasher for TermHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u32(&mut self, term: u32) {
        // The table takes its tag from the upper bits and its place from the lower ones.
        self.0 = u64::from(term).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
}

/// A profile ready for scoring. Depends on the statistics of the postings, so prepare it again when those changed much.
#[derive(Debug, Clone)]
pub struct PreparedProfile {
    /// `ln(1 + count)` of every term of the profile's texts.
    pub(crate) terms: TermMap,
    /// Strength of each skill, 0 to 1.
    pub(crate) skills: HashMap<SkillId, f32>,
    /// Skills and terms that earn nothing.
    pub(crate) unwanted_skills: HashSet<SkillId>,
    pub(crate) titles: Vec<TitleShape>,
    pub(crate) places: Vec<PlaceKey>,
    pub(crate) remote: RemotePreference,
    pub(crate) wish: Option<(f32, [u8; 3])>,
    pub(crate) seniority: Option<Seniority>,
    pub(crate) needs_sponsorship: bool,
    pub(crate) vocabulary: Arc<SkillVocabulary>,
    pub(crate) rarity: Arc<RarityTable>,
    pub(crate) chunks: Vec<Vec<f32>>,
    /// Length of the mean of the chunk vectors.
    pub(crate) mean_length: f32,
}

impl PreparedProfile {
    /// Prepares a profile against the postings it will be compared with.
    pub fn prepare(profile: &MatchProfile, vocabulary: Arc<SkillVocabulary>, statistics: &CorpusStatistics) -> Self {
        let mut reading = Reading { vocabulary: &vocabulary, counts: HashMap::new(), skills: HashMap::new() };
        reading.add(&profile.resume_text, 1.0);
        reading.add(&profile.summary, 1.0);
        for text in profile.titles.iter().chain(&profile.keywords).chain(&profile.skills).chain(&profile.languages) {
            reading.add(text, 2.0);
        }
        let Reading { mut counts, skills: mentioned, .. } = reading;
        let mut skills: HashMap<SkillId, f32> =
            mentioned.into_iter().map(|(skill, count)| (skill, (0.5 + 0.25 * count.ln_1p()).min(1.0))).collect();
        for named in profile.skills.iter().chain(&profile.keywords).chain(&profile.languages) {
            let mentions = vocabulary.mentions(named).into_iter().map(|mention| mention.skill);
            for skill in vocabulary.lookup(named).into_iter().chain(mentions) {
                skills.insert(skill, 1.0);
            }
        }
        let (unwanted_terms, unwanted_skills) = unwanted(profile, &vocabulary);
        counts.retain(|term, _| !unwanted_terms.contains(term));
        skills.retain(|skill, _| !unwanted_skills.contains(skill));
        Self {
            terms: counts.into_iter().map(|(term, count)| (term, count.ln_1p())).collect(),
            skills,
            unwanted_skills,
            titles: profile
                .titles
                .iter()
                .map(|title| TitleShape::of(title))
                .filter(|title| !title.terms.is_empty())
                .collect(),
            places: profile.places.iter().map(PlaceKey::of).filter(|place| *place != PlaceKey::default()).collect(),
            remote: profile.remote,
            wish: profile.salary.as_ref().and_then(|wish| {
                let minimum = wish.yearly_minimum;
                let usable = minimum.is_finite() && minimum > 0.0 && minimum < 1e12;
                usable.then(|| (minimum as f32, currency_code(Some(&wish.currency))))
            }),
            seniority: profile.seniority,
            needs_sponsorship: profile.needs_sponsorship,
            vocabulary,
            rarity: Arc::new(statistics.table()),
            chunks: Vec::new(),
            mean_length: 1.0,
        }
    }

    /// The same with the vectors of the chunks of the profile's text, each of length one: switches the embedding part on.
    #[must_use]
    pub fn with_vectors(mut self, chunks: Vec<Vec<f32>>) -> Self {
        let dimensions = chunks.first().map_or(0, Vec::len);
        let mut mean = vec![0.0_f32; dimensions];
        for chunk in &chunks {
            mean.iter_mut().zip(chunk).for_each(|(sum, value)| *sum += value / chunks.len() as f32);
        }
        self.mean_length = mean.iter().map(|value| value * value).sum::<f32>().sqrt();
        self.chunks = chunks;
        self
    }

    /// Whether the embedding part is on.
    pub fn has_vectors(&self) -> bool {
        !self.chunks.is_empty()
    }
}

/// The text of a profile that its vectors are made of: what is unwanted is left out.
pub fn text_to_embed(profile: &MatchProfile) -> String {
    let lists = [&profile.titles, &profile.skills, &profile.keywords].map(|list| list.join(", "));
    let parts = [profile.summary.as_str(), &lists[0], &lists[1], &lists[2], profile.resume_text.as_str()];
    let joined = parts.into_iter().filter(|part| !part.trim().is_empty()).collect::<Vec<_>>().join("\n");
    let mut text = String::with_capacity(joined.len());
    let mut from = 0;
    for range in unwanted_ranges(&joined) {
        text.push_str(joined.get(from..range.start).unwrap_or_default());
        from = range.end.max(from);
    }
    text.push_str(joined.get(from..).unwrap_or_default());
    text
}

/// Terms and skills counted over several texts.
struct Reading<'vocabulary> {
    vocabulary: &'vocabulary SkillVocabulary,
    counts: HashMap<u32, f32>,
    skills: HashMap<SkillId, f32>,
}

impl Reading<'_> {
    /// Counts a text, but for what it says is not wanted.
    fn add(&mut self, text: &str, times: f32) {
        let without = unwanted_ranges(text);
        let outside = |span: &Range<usize>| !without.iter().any(|range| range.contains(&span.start));
        for word in words(text) {
            if !word.is_stop_word() && outside(&word.span) {
                *self.counts.entry(word.term()).or_default() += times;
            }
        }
        for mention in self.vocabulary.mentions(text) {
            if outside(&mention.span) {
                *self.skills.entry(mention.skill).or_default() += times;
            }
        }
    }
}

/// Terms and skills that the person turned down in so many words. A résumé only reports, so a negation there takes back
/// its own mention; a wish in the summary or among the negative statements holds for the whole profile.
fn unwanted(profile: &MatchProfile, vocabulary: &SkillVocabulary) -> (HashSet<u32>, HashSet<SkillId>) {
    let summary = unwanted_ranges(&profile.summary).into_iter().filter_map(|range| profile.summary.get(range));
    let mut terms = HashSet::new();
    let mut skills = HashSet::new();
    for statement in summary.chain(profile.negative_statements.iter().map(String::as_str)) {
        let ranges = unwanted_ranges(statement);
        // A statement may name its subject alone or in a sentence that negates it; what is outside the negation stands.
        let inside = |span: &Range<usize>| ranges.is_empty() || ranges.iter().any(|range| range.contains(&span.start));
        let named = words(statement).into_iter().filter(|word| inside(&word.span) && !word.is_stop_word());
        terms.extend(named.filter(|word| !is_cue(&word.folded)).map(|word| word.term()));
        skills.extend(
            vocabulary.mentions(statement).into_iter().filter(|found| inside(&found.span)).map(|found| found.skill),
        );
        skills.extend(vocabulary.lookup(statement));
    }
    (terms, skills)
}

/// Words of the negation itself, which stay usable elsewhere.
fn is_cue(folded: &str) -> bool {
    const CUES: [&str; 22] = [
        "interested",
        "interest",
        "looking",
        "want",
        "like",
        "enjoy",
        "work",
        "working",
        "experience",
        "knowledge",
        "avoid",
        "roles",
        "role",
        "jobs",
        "job",
        "wish",
        "worked",
        "use",
        "used",
        "don",
        "positions",
        "companies",
    ];
    CUES.contains(&folded)
}
