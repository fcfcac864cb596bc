//! Which postings a person never wants to see. Words match whole words: "sales" does not drop Salesforce.

use aerie_postings::{Place, Posting, RemoteKind, company::company_key, text::contains_words};
use chrono::{DateTime, Duration, Utc};

use crate::profile::{Profile, SearchProfile};

/// Why a posting was left out; shown and counted for each source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Filtered {
    /// The title holds a word to exclude.
    ExcludedWord,
    /// The company is blocked.
    BlockedCompany,
    /// A word of a blocked industry occurs.
    BlockedIndustry,
    /// Every place is blocked.
    BlockedPlace,
    /// It is older than wanted.
    TooOld,
    /// It is remote and only on-site work is wanted, or the other way round.
    RemoteKind,
    /// No wanted title occurs in its title.
    OtherTitle,
    /// It is closed.
    Closed,
}

/// The filters of one person and one search profile.
#[derive(Debug)]
pub struct Filter<'a> {
    search: &'a SearchProfile,
    profile: &'a Profile,
    blocked_companies: Vec<String>,
}

impl<'a> Filter<'a> {
    /// Prepares the filters.
    pub fn new(search: &'a SearchProfile, profile: &'a Profile) -> Self {
        let blocked_companies = profile.blocked_companies.iter().map(|name| company_key(name)).collect();
        Self { search, profile, blocked_companies }
    }

    /// Why the posting is left out, or `None` when it passes.
    pub fn check(&self, posting: &Posting, now: DateTime<Utc>) -> Option<Filtered> {
        if posting.closed || posting.expires_at.is_some_and(|expires| expires < now) {
            return Some(Filtered::Closed);
        }
        if let Some(reason) = self.check_title(&posting.title) {
            return Some(reason);
        }
        let company = company_key(&posting.company);
        if !company.is_empty() && self.blocked_companies.iter().any(|blocked| contains_words(&company, blocked)) {
            return Some(Filtered::BlockedCompany);
        }
        let in_text = |word: &String| {
            contains_words(&posting.title, word)
                || contains_words(&posting.company, word)
                || posting.department.as_deref().is_some_and(|department| contains_words(department, word))
        };
        if self.profile.blocked_industries.iter().any(in_text) {
            return Some(Filtered::BlockedIndustry);
        }
        if !posting.places.is_empty() && posting.places.iter().all(|place| self.is_blocked(place)) {
            return Some(Filtered::BlockedPlace);
        }
        self.check_age(posting, now).or_else(|| self.check_remote(posting))
    }

    /// The part of the check that needs the title only; asked before a detail page is fetched.
    pub fn check_title(&self, title: &str) -> Option<Filtered> {
        if self.search.exclude_words.iter().any(|word| contains_words(title, word)) {
            return Some(Filtered::ExcludedWord);
        }
        let wanted = !self.search.match_titles
            || self.search.titles.is_empty()
            || self.search.titles.iter().any(|wanted| shares_core_word(title, wanted));
        (!wanted).then_some(Filtered::OtherTitle)
    }

    fn check_age(&self, posting: &Posting, now: DateTime<Utc>) -> Option<Filtered> {
        if self.search.max_age_days == 0 {
            return None;
        }
        let oldest = now - Duration::days(i64::from(self.search.max_age_days));
        // A posting without a date is kept: most boards list only open ones.
        posting.posted_at.is_some_and(|posted| posted < oldest).then_some(Filtered::TooOld)
    }

    fn check_remote(&self, posting: &Posting) -> Option<Filtered> {
        // Hybrid passes both wishes and unknown passes everything: a person can still say no, but not to what was hidden.
        let clash = matches!(
            (self.search.remote_preference, posting.remote),
            (RemoteKind::Remote, RemoteKind::OnSite) | (RemoteKind::OnSite, RemoteKind::Remote)
        );
        clash.then_some(Filtered::RemoteKind)
    }

    fn is_blocked(&self, place: &Place) -> bool {
        let parts = [&place.city, &place.region, &place.country];
        self.profile
            .blocked_places
            .iter()
            .any(|blocked| parts.iter().any(|part| part.as_deref().is_some_and(|part| contains_words(part, blocked))))
    }
}

/// Words that say nothing about the kind of work.
const LEVEL_WORDS: [&str; 16] = [
    "senior",
    "sr",
    "junior",
    "jr",
    "lead",
    "staff",
    "principal",
    "head",
    "chief",
    "associate",
    "intern",
    "mid",
    "entry",
    "level",
    "of",
    "and",
];

/// Whether a posting's title holds at least one meaningful word of a wanted title.
fn shares_core_word(title: &str, wanted: &str) -> bool {
    let core: Vec<&str> = wanted
        .split(|character: char| !character.is_alphanumeric() && !"+#.".contains(character))
        .filter(|word| word.len() > 1 && !LEVEL_WORDS.contains(&word.to_lowercase().as_str()))
        .collect();
    core.is_empty() || core.iter().any(|word| contains_words(title, word))
}
