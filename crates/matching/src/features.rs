//! What scoring needs to know about a posting, prepared once and kept small: 100,000 postings fit in about 80 MB.

mod codec;

use std::collections::HashMap;
use std::ops::Range;

use aerie_postings::places::parse_places;
use aerie_postings::{PayPeriod, Place, Posting, RemoteKind, Salary, Seniority, TextExtent};
use serde::{Deserialize, Serialize};

use crate::negation::is_not_asked;
use crate::offers::is_offered;
use crate::requirements::{Demands, is_advantage};
use crate::skills::{SkillId, SkillVocabulary};
use crate::text::{hash, words};
use crate::titleshape::TitleShape;

pub use codec::FeatureDecodeError;

/// Most terms kept; a longer posting keeps those of its title, its skills and its most frequent ones.
const MAXIMUM_TERMS: usize = 160;
/// Most skills kept.
const MAXIMUM_SKILLS: usize = 40;
/// Most places and scope countries kept.
const MAXIMUM_PLACES: usize = 8;

/// A posting as the score sees it. Depends on the posting and the skills vocabulary only, never on a profile.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PostingFeatures {
    pub(crate) term_hashes: Box<[u32]>,
    pub(crate) term_counts: Box<[u8]>,
    pub(crate) skills: Box<[PostedSkill]>,
    pub(crate) title_terms: Box<[u32]>,
    pub(crate) title_role: Option<u32>,
    pub(crate) seniority: Option<Seniority>,
    pub(crate) places: Box<[PlaceKey]>,
    pub(crate) remote: RemoteKind,
    /// Countries a remote worker must live in; empty when there is no limit or it is not understood.
    pub(crate) scope: Box<[[u8; 2]]>,
    pub(crate) pay: Option<YearlyPay>,
    /// Seconds since the epoch.
    pub(crate) posted: Option<i64>,
    pub(crate) demands: Demands,
    pub(crate) extent: TextExtent,
}

/// A skill a posting asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PostedSkill {
    pub(crate) id: SkillId,
    pub(crate) required: bool,
}

/// A place by hashes of its folded parts; 0 stands for unknown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PlaceKey {
    pub(crate) city: u32,
    pub(crate) region: u32,
    pub(crate) country: [u8; 2],
}

impl PlaceKey {
    pub(crate) fn of(place: &Place) -> Self {
        let part = |text: &Option<String>| match text.as_deref().map(crate::text::fold_phrase) {
            Some(folded) if !folded.is_empty() => hash(&folded),
            _ => 0,
        };
        Self { city: part(&place.city), region: part(&place.region), country: country_code(place.country.as_deref()) }
    }
}

/// Two upper-case letters, or zeros.
pub(crate) fn country_code(country: Option<&str>) -> [u8; 2] {
    match country.unwrap_or_default().as_bytes() {
        [first, second] => [first.to_ascii_uppercase(), second.to_ascii_uppercase()],
        _ => [0, 0],
    }
}

/// Pay for a year of full-time work.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct YearlyPay {
    pub(crate) min: f32,
    pub(crate) max: f32,
    /// ISO 4217 letters; zeros when unknown.
    pub(crate) currency: [u8; 3],
}

impl YearlyPay {
    /// Pay of any period as a year's: 2,080 hours, 260 days, 52 weeks, 12 months.
    pub(crate) fn of(salary: &Salary) -> Option<Self> {
        let times = match salary.period {
            PayPeriod::Hour => 2_080.0,
            PayPeriod::Day => 260.0,
            PayPeriod::Week => 52.0,
            PayPeriod::Month => 12.0,
            PayPeriod::Year => 1.0,
        };
        let yearly = |amount: Option<f64>| {
            amount
                .filter(|amount| amount.is_finite() && *amount > 0.0 && *amount < 1e12)
                .map(|amount| (amount * times) as f32)
        };
        let (low, high) = (yearly(salary.min), yearly(salary.max));
        let (min, max) = (low.or(high)?, high.or(low)?);
        Some(Self { min: min.min(max), max: max.max(min), currency: currency_code(salary.currency.as_deref()) })
    }
}

/// Three upper-case letters, or zeros.
pub(crate) fn currency_code(currency: Option<&str>) -> [u8; 3] {
    match currency.unwrap_or_default().as_bytes() {
        [first, second, third] => [first, second, third].map(u8::to_ascii_uppercase),
        _ => [0; 3],
    }
}

impl PostingFeatures {
    /// Prepares a posting.
    pub fn prepare(posting: &Posting, vocabulary: &SkillVocabulary) -> Self {
        let mut terms = TermCounts::default();
        let mut skills: Vec<PostedSkill> = Vec::new();
        terms.add_text(&posting.title, &[], 2, true);
        for mention in vocabulary.mentions(&posting.title) {
            add_skill(&mut skills, PostedSkill { id: mention.skill, required: true });
        }
        for tag in &posting.tags {
            terms.add_text(tag, &[], 1, true);
            for mention in
                vocabulary.lookup(tag).into_iter().chain(vocabulary.mentions(tag).into_iter().map(|found| found.skill))
            {
                add_skill(&mut skills, PostedSkill { id: mention, required: true });
            }
        }
        let text = crate::text::bounded(&posting.description_text);
        let mut not_asked: Vec<Range<usize>> = Vec::new();
        let mut important: Vec<Range<usize>> = Vec::new();
        for mention in vocabulary.mentions(text) {
            if is_not_asked(text, &mention.span) {
                not_asked.push(mention.span);
                continue;
            }
            if is_offered(text, &mention.span) {
                continue;
            }
            let required = !is_advantage(text, &mention.span);
            add_skill(&mut skills, PostedSkill { id: mention.skill, required });
            important.push(mention.span);
        }
        terms.add_text(text, &not_asked, 1, false);
        terms.mark_important(text, &important);
        let (term_hashes, term_counts) = terms.finish();
        let title = TitleShape::of(&posting.title);
        let scope = posting.remote_scope.as_deref().map(scope_countries).unwrap_or_default();
        Self {
            term_hashes,
            term_counts,
            skills: skills.into_iter().take(MAXIMUM_SKILLS).collect(),
            title_terms: title.terms.into_boxed_slice(),
            title_role: title.role,
            seniority: posting.seniority,
            places: posting.places.iter().take(MAXIMUM_PLACES).map(PlaceKey::of).collect(),
            remote: posting.remote,
            scope: scope.into_boxed_slice(),
            pay: posting.salary.as_ref().and_then(YearlyPay::of),
            posted: posting.posted_at.map(|at| at.timestamp()),
            demands: Demands::of(text),
            extent: if text.trim().is_empty() { TextExtent::TitleOnly } else { posting.extent },
        }
    }

    /// The terms with how often each occurs.
    pub fn terms(&self) -> impl Iterator<Item = (u32, u8)> + '_ {
        self.term_hashes.iter().copied().zip(self.term_counts.iter().copied())
    }

    /// The skills it asks for.
    pub fn skill_ids(&self) -> impl Iterator<Item = SkillId> + '_ {
        self.skills.iter().map(|skill| skill.id)
    }

    /// How much text the features rest on.
    pub fn extent(&self) -> TextExtent {
        self.extent
    }

    /// The features as a few hundred bytes, for storage.
    pub fn to_bytes(&self) -> Vec<u8> {
        codec::encode(self)
    }

    /// The features of stored bytes.
    ///
    /// # Errors
    /// Bytes of another version or cut ones; prepare the posting again.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FeatureDecodeError> {
        codec::decode(bytes)
    }

    /// The terms of stored bytes alone: what [`crate::CorpusStatistics::add_terms`] counts.
    ///
    /// # Errors
    /// As [`PostingFeatures::from_bytes`], except that damage behind the terms goes unnoticed.
    pub fn terms_of_bytes(bytes: &[u8]) -> Result<impl Iterator<Item = u32> + '_, FeatureDecodeError> {
        codec::term_hashes(bytes)
    }
}

/// Countries of a remote scope; regions such as "Europe" are not understood and limit nobody.
fn scope_countries(scope: &str) -> Vec<[u8; 2]> {
    let parsed = parse_places(scope);
    let mut countries: Vec<[u8; 2]> = parsed
        .places
        .iter()
        .map(|place| country_code(place.country.as_deref()))
        .filter(|code| *code != [0, 0])
        .collect();
    countries.dedup();
    countries.truncate(MAXIMUM_PLACES);
    countries
}

/// Adds a skill once; required wins over an advantage.
fn add_skill(skills: &mut Vec<PostedSkill>, skill: PostedSkill) {
    match skills.iter_mut().find(|known| known.id == skill.id) {
        Some(known) => known.required |= skill.required,
        None => skills.push(skill),
    }
}

/// Terms with counts, in order of first sight.
#[derive(Default)]
struct TermCounts {
    order: Vec<(u32, u32, bool)>,
    index: HashMap<u32, usize>,
}

impl TermCounts {
    fn add_text(&mut self, text: &str, without: &[Range<usize>], times: u32, important: bool) {
        for word in words(text) {
            if word.is_stop_word()
                || word.folded.len() > 40
                || without.iter().any(|range| range.contains(&word.span.start))
            {
                continue;
            }
            let term = word.term();
            let next = self.order.len();
            let index = *self.index.entry(term).or_insert(next);
            match self.order.get_mut(index) {
                Some(known) => {
                    known.1 = known.1.saturating_add(times);
                    known.2 |= important;
                }
                None => self.order.push((term, times, important)),
            }
        }
    }

    fn mark_important(&mut self, text: &str, spans: &[Range<usize>]) {
        for word in spans.iter().filter_map(|span| text.get(span.clone())).flat_map(words) {
            if let Some(known) = self.index.get(&word.term()).and_then(|&index| self.order.get_mut(index)) {
                known.2 = true;
            }
        }
    }

    /// The terms to keep, sorted by hash.
    fn finish(mut self) -> (Box<[u32]>, Box<[u8]>) {
        self.order.sort_by_key(|&(_, count, important)| (!important, std::cmp::Reverse(count)));
        self.order.truncate(MAXIMUM_TERMS);
        self.order.sort_unstable_by_key(|&(term, _, _)| term);
        let hashes = self.order.iter().map(|&(term, _, _)| term).collect();
        let counts = self.order.iter().map(|&(_, count, _)| u8::try_from(count).unwrap_or(u8::MAX)).collect();
        (hashes, counts)
    }
}
