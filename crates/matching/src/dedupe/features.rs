//! The compact form of a posting that duplicates are recognised by; made once, stored beside the posting.

use aerie_postings::company::company_key;
use aerie_postings::identity::{posting_key, posting_keys, text_fingerprint};
use aerie_postings::text::fold;
use aerie_postings::{EmploymentType, Posting, Seniority};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::places::PlaceForm;
use super::title::{TitleForm, hash_word};

/// Descriptions of fewer words than this have no fingerprint: two short texts are alike by chance.
const FINGERPRINT_WORDS: usize = 60;

/// Most identity keys of one posting that are kept.
const MAX_KEYS: usize = 8;

/// Sites that show other people's postings: an id of theirs is a second key, so a posting there and one on a hiring
/// system may still be one.
const AGGREGATORS: &[&str] = &[
    "linkedin",
    "indeed",
    "glassdoor",
    "ziprecruiter",
    "adzuna",
    "remoteok",
    "remotive",
    "weworkremotely",
    "himalayas",
    "jobicy",
    "arbeitnow",
    "themuse",
    "theladders",
    "craigslist",
    "ycombinator",
    "hn",
    "hacker_news",
    "monster",
    "dice",
    "simplyhired",
    "jooble",
    "talent",
    "careerjet",
    "stepstone",
    "xing",
    "naukri",
    "bayt",
    "seek",
    "reed",
    "totaljobs",
    "usajobs",
    "google",
    "wellfound",
    "builtin",
    "otta",
    "welcometothejungle",
    "workingnomads",
    "justjoin",
    "jobspresso",
];

/// A posting as a bare list shows it; every field may be missing.
#[derive(Debug, Clone, Default)]
pub struct Listing<'a> {
    /// The list or source that carried it; two entries of one source are two openings. Empty when unknown.
    pub source: &'a str,
    /// Address of the posting; without one the record has no key.
    pub url: Option<&'a str>,
    /// Employer as written.
    pub company: &'a str,
    /// Title as written.
    pub title: &'a str,
    /// Places as written.
    pub places: &'a [&'a str],
    /// When it was first posted.
    pub posted: Option<DateTime<Utc>>,
    /// Plain text of the description, when there is one.
    pub description: &'a str,
}

/// What is compared. Hashes only: a few hundred bytes, nothing that could be read back as text.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Features {
    /// Hashes of the identity keys (hiring-system ids, canonical addresses, the source's own id).
    pub keys: Vec<u64>,
    /// The key of the employer's own posting: two that differ are two openings as their employer sees it. 0 when all
    /// keys are of aggregators, or there are none.
    pub own_key: u64,
    /// Hash of the source's name, 0 when unknown.
    pub source: u64,
    /// Hash of the company's comparison name, 0 when there is none.
    pub company: u64,
    /// Hashes of the words of that name in order.
    pub company_words: Vec<u32>,
    /// The title.
    pub title: TitleForm,
    /// Kind bits known from elsewhere than the title (employment type, name of the list).
    pub kinds: u8,
    /// The places.
    pub places: PlaceForm,
    /// First posted, seconds since the epoch.
    pub posted: Option<i64>,
    /// SimHash of the description, 0 when it is missing or too short.
    pub fingerprint: u64,
}

impl Features {
    /// Features of a normalised posting.
    pub fn from_posting(posting: &Posting) -> Self {
        let mut features = Self::from_parts(&posting.source, &posting.company, &posting.title);
        let keys = posting_keys(posting);
        features.own_key = keys.iter().find(|key| !is_aggregator_key(key)).map_or(0, |key| hash(key));
        features.keys = keys.iter().take(MAX_KEYS).map(|key| hash(key)).collect();
        let internship =
            posting.employment.contains(&EmploymentType::Internship) || posting.seniority == Some(Seniority::Intern);
        features.kinds = u8::from(internship);
        features.places = PlaceForm::from_posting(posting);
        features.posted = posting.posted_at.map(|moment| moment.timestamp());
        features.fingerprint = fingerprint(&posting.description_text);
        features
    }

    /// Features of an entry of a bare list.
    pub fn from_listing(listing: &Listing<'_>) -> Self {
        let mut features = Self::from_parts(listing.source, listing.company, listing.title);
        if let Some(key) = listing.url.and_then(posting_key) {
            features.own_key = if is_aggregator_key(&key) { 0 } else { hash(&key) };
            features.keys = vec![hash(&key)];
        }
        features.kinds = TitleForm::kinds_in(listing.source);
        features.places = PlaceForm::from_texts(listing.places.iter().copied());
        features.posted = listing.posted.map(|moment| moment.timestamp());
        features.fingerprint = fingerprint(listing.description);
        features
    }

    fn from_parts(source: &str, company: &str, title: &str) -> Self {
        let company = company_key(company);
        let words: Vec<&str> = company.split(' ').filter(|word| !word.is_empty()).collect();
        let source = fold(source);
        Self {
            source: if source.is_empty() { 0 } else { hash(&source) },
            company: if words.is_empty() { 0 } else { hash(&words.concat()) },
            company_words: words.iter().take(8).map(|word| hash_word(word)).collect(),
            title: TitleForm::new(title, &words),
            ..Self::default()
        }
    }

    /// Kind bits of the title, or else those known from elsewhere.
    pub(super) fn effective_kinds(&self) -> u8 {
        if self.title.kinds == 0 { self.kinds } else { self.title.kinds }
    }
}

/// Whether a key is of a site that shows other people's postings. Keys are `system:id` or begin with a host.
fn is_aggregator_key(key: &str) -> bool {
    let head = key.split(['/', ':', '?']).next().unwrap_or(key);
    head.split('.').any(|label| AGGREGATORS.contains(&label))
}

fn fingerprint(description: &str) -> u64 {
    let enough = description.split_whitespace().nth(FINGERPRINT_WORDS - 1).is_some();
    if enough { text_fingerprint(description) } else { 0 }
}

pub(super) fn hash(text: &str) -> u64 {
    // 0 stands for "none" everywhere.
    xxh3_64(text.as_bytes()).max(1)
}
