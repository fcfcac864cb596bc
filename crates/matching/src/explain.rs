//! Why a posting has its score: each share with the words of the posting that prove it, and the skills that are missing.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::LazyLock;

use aerie_postings::Posting;
use chrono::{DateTime, Utc};
use regex::Regex;
use serde::{Deserialize, Serialize};

use crate::features::PostingFeatures;
use crate::fit::Blocker;
use crate::negation::is_not_asked;
use crate::offers::is_offered;
use crate::phrases::PhraseFinder;
use crate::profile::PreparedProfile;
use crate::requirements::{Demands, is_advantage};
use crate::score::{Extras, PartKind, Score, score_with};
use crate::skills::{Mention, SkillId};
use crate::text::{term, words};
use crate::titleshape::title_word;

/// Most pieces of evidence for words in common; the rarest are shown.
const MAXIMUM_WORDS: usize = 12;

/// Amounts of money in a text.
static MONEY: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)(?:[$€£]|\b(?:usd|eur|gbp|chf|cad|aud)\s?)\d[\d,. ]*k?\b(?:\s?(?:-|–|—|to)\s?(?:[$€£]|(?:usd|eur|gbp)\s?)?\d[\d,.]*k?)?|\b\d[\d,.]*k?\s?(?:usd|eur|gbp|chf|€)").ok()
});

/// Which text of a posting a span points into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PostingText {
    /// The title.
    Title,
    /// The plain text of the description.
    Description,
}

/// Words of the posting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quote {
    /// Which text they stand in.
    pub text: PostingText,
    /// Their bytes in it, at character boundaries.
    pub span: Range<usize>,
    /// The words themselves.
    pub words: String,
}

/// One thing that spoke for or against the posting.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// The share it belongs to.
    pub part: PartKind,
    /// What it says, as a sentence fragment ("Kubernetes is in your profile").
    pub statement: String,
    /// Whether it speaks for the posting.
    pub supports: bool,
    /// The words that prove it; `None` when the source gave the fact in a field of its own.
    pub quote: Option<Quote>,
}

/// A skill that the posting asks for and the profile lacks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Gap {
    /// The skill's label.
    pub skill: String,
    /// Whether it is required rather than an advantage.
    pub required: bool,
    /// The words that ask for it; `None` when it is one of the source's tags.
    pub quote: Option<Quote>,
}

/// A score with its reasons.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Explanation {
    /// The score.
    pub score: Score,
    /// What spoke for and against it, in the order of the parts.
    pub evidence: Vec<Evidence>,
    /// Missing skills, required ones first.
    pub gaps: Vec<Gap>,
    /// What rules the posting out, in words.
    pub blockers: Vec<String>,
}

/// Scores a posting and says why.
pub fn explain(profile: &PreparedProfile, posting: &Posting, now: DateTime<Utc>) -> Explanation {
    explain_with(profile, posting, Extras::default(), now)
}

/// The same with vector and learned opinion.
pub fn explain_with(
    profile: &PreparedProfile,
    posting: &Posting,
    extras: Extras<'_>,
    now: DateTime<Utc>,
) -> Explanation {
    let features = PostingFeatures::prepare(posting, &profile.vocabulary);
    let score = score_with(profile, &features, extras, now);
    let mut explainer = Explainer { profile, posting, evidence: Vec::new(), gaps: Vec::new(), seen: HashSet::new() };
    explainer.words();
    explainer.skills();
    explainer.title();
    explainer.facts(&score);
    let Explainer { mut evidence, mut gaps, .. } = explainer;
    evidence.sort_by_key(|evidence| evidence.part);
    gaps.sort_by_key(|gap| !gap.required);
    let blockers = score.blockers.iter().map(|blocker| describe_blocker(*blocker, posting)).collect();
    Explanation { score, evidence, gaps, blockers }
}

struct Explainer<'a> {
    profile: &'a PreparedProfile,
    posting: &'a Posting,
    evidence: Vec<Evidence>,
    gaps: Vec<Gap>,
    seen: HashSet<SkillId>,
}

impl Explainer<'_> {
    fn add(&mut self, part: PartKind, supports: bool, statement: String, quote: Option<Quote>) {
        self.evidence.push(Evidence { part, statement, supports, quote });
    }

    /// The rarest words in common, each where it first stands.
    fn words(&mut self) {
        let mut seen = HashSet::new();
        let mut common: Vec<(f32, Quote)> = Vec::new();
        for text in [PostingText::Title, PostingText::Description] {
            for word in words(text_of(self.posting, text)) {
                let term = word.term();
                if word.is_stop_word() || !self.profile.terms.contains_key(&term) || !seen.insert(term) {
                    continue;
                }
                if let Some(quote) = quote(self.posting, text, word.span) {
                    common.push((self.profile.rarity.weight(term), quote));
                }
            }
        }
        common.sort_by(|left, right| right.0.total_cmp(&left.0));
        for (_, quote) in common.into_iter().take(MAXIMUM_WORDS) {
            let statement = format!("your profile also says \u{201c}{}\u{201d}", quote.words);
            self.add(PartKind::Lexical, true, statement, Some(quote));
        }
    }

    fn skills(&mut self) {
        let vocabulary = self.profile.vocabulary.clone();
        for text in [PostingText::Title, PostingText::Description] {
            let content = text_of(self.posting, text);
            for Mention { skill, span } in vocabulary.mentions(content) {
                if text == PostingText::Description && (is_not_asked(content, &span) || is_offered(content, &span)) {
                    continue;
                }
                let required = text == PostingText::Title || !is_advantage(content, &span);
                let quote = quote(self.posting, text, span);
                self.skill(skill, required, quote);
            }
        }
        for tag in &self.posting.tags {
            let named =
                vocabulary.lookup(tag).into_iter().chain(vocabulary.mentions(tag).into_iter().map(|found| found.skill));
            for skill in named {
                self.skill(skill, true, None);
            }
        }
    }

    fn skill(&mut self, skill: SkillId, required: bool, quote: Option<Quote>) {
        let vocabulary = self.profile.vocabulary.clone();
        let Some(label) = vocabulary.label(skill) else { return };
        if !self.seen.insert(skill) {
            if required && let Some(gap) = self.gaps.iter_mut().find(|gap| gap.skill == label) {
                gap.required = true;
            }
            return;
        }
        if self.profile.skills.contains_key(&skill) {
            self.add(PartKind::Skills, true, format!("{label} is in your profile"), quote);
        } else if self.profile.unwanted_skills.contains(&skill) {
            self.add(PartKind::Skills, false, format!("{label} is something you do not want"), quote);
        } else {
            self.gaps.push(Gap { skill: label.to_owned(), required, quote });
        }
    }

    fn title(&mut self) {
        let wanted: HashSet<u32> = self.profile.titles.iter().flat_map(|title| title.terms.iter().copied()).collect();
        for word in words(&self.posting.title) {
            let is_wanted = title_word(&word.folded).is_some_and(|plain| wanted.contains(&term(plain)));
            if is_wanted && let Some(quote) = quote(self.posting, PostingText::Title, word.span) {
                let statement = format!("\u{201c}{}\u{201d} is in a title you look for", quote.words);
                self.add(PartKind::Title, true, statement, Some(quote));
            }
        }
    }

    /// Level, place, pay and age: facts of fields, with the words where the texts have them.
    fn facts(&mut self, score: &Score) {
        let posting = self.posting;
        for part in score.parts.iter().filter(|part| part.weight > 0.0 && part.known) {
            let supports = part.value >= 0.5;
            match part.kind {
                PartKind::Seniority => {
                    let level = posting.seniority.map_or_else(String::new, |level| format!("{level:?}"));
                    let quote = find_phrases(posting, &level_words(&level));
                    let statement = if supports { "the level is near yours" } else { "the level is far from yours" };
                    self.add(PartKind::Seniority, supports, statement.to_owned(), quote);
                }
                PartKind::Place => {
                    let mut names: Vec<String> = posting.places.iter().filter_map(|place| place.city.clone()).collect();
                    names.extend(["remote", "hybrid", "on-site", "onsite"].map(str::to_owned));
                    let statement = if supports { "the place suits you" } else { "the place does not suit you" };
                    self.add(PartKind::Place, supports, statement.to_owned(), find_phrases(posting, &names));
                }
                PartKind::Pay => {
                    let span = MONEY
                        .as_ref()
                        .and_then(|money| money.find(&posting.description_text))
                        .map(|found| found.range());
                    let quote = span.and_then(|span| quote(posting, PostingText::Description, span));
                    let statement = if supports { "the pay reaches your wish" } else { "the pay is below your wish" };
                    self.add(PartKind::Pay, supports, statement.to_owned(), quote);
                }
                PartKind::Recency => {
                    let day = posting.posted_at.map_or_else(String::new, |at| at.format("%Y-%m-%d").to_string());
                    self.add(PartKind::Recency, supports, format!("posted on {day}"), None);
                }
                PartKind::Embedding => {
                    let statement =
                        if supports { "the texts mean similar things" } else { "the texts are about different things" };
                    self.add(PartKind::Embedding, supports, statement.to_owned(), None);
                }
                PartKind::Learned => {
                    let like = if supports { "approved" } else { "rejected" };
                    self.add(PartKind::Learned, supports, format!("it is like postings you {like}"), None);
                }
                PartKind::Lexical | PartKind::Skills | PartKind::Title => {}
            }
        }
        if score.blockers.contains(&Blocker::Permit)
            && let Some(span) = Demands::span(&posting.description_text)
        {
            let quote = quote(posting, PostingText::Description, span);
            self.add(PartKind::Place, false, "it asks for papers you said you lack".to_owned(), quote);
        }
    }
}

/// Words that name a level in titles.
fn level_words(level: &str) -> Vec<String> {
    let words: &[&str] = match level {
        "Intern" => &["intern", "internship", "working student", "apprentice", "trainee"],
        "Junior" => &["junior", "jr", "graduate", "entry level", "associate", "new grad"],
        "Senior" => &["senior", "sr"],
        "Lead" => &["lead", "staff", "principal", "tech lead"],
        "Manager" => &["manager", "head", "team lead"],
        "Director" => &["director"],
        "VicePresident" => &["vice president", "vp"],
        "Executive" => &["chief", "cto", "ceo", "cfo", "coo", "founder", "co-founder"],
        _ => &["mid", "mid-level", "intermediate"],
    };
    words.iter().map(|&word| word.to_owned()).collect()
}

fn text_of(posting: &Posting, text: PostingText) -> &str {
    match text {
        PostingText::Title => &posting.title,
        PostingText::Description => crate::text::bounded(&posting.description_text),
    }
}

fn quote(posting: &Posting, text: PostingText, span: Range<usize>) -> Option<Quote> {
    let words = text_of(posting, text).get(span.clone())?.to_owned();
    (!words.is_empty()).then_some(Quote { text, span, words })
}

fn find_phrases(posting: &Posting, phrases: &[String]) -> Option<Quote> {
    let finder = PhraseFinder::new(phrases);
    [PostingText::Title, PostingText::Description]
        .into_iter()
        .find_map(|text| finder.first_in(text_of(posting, text)).and_then(|(_, span)| quote(posting, text, span)))
}

fn describe_blocker(blocker: Blocker, posting: &Posting) -> String {
    match blocker {
        Blocker::Place => "the work is at a place that is none of yours".to_owned(),
        Blocker::RemoteScope => format!(
            "remote work only from {}",
            posting.remote_scope.as_deref().unwrap_or("a country that is none of yours")
        ),
        Blocker::OnSite => "it is not fully remote, and you look for remote work".to_owned(),
        Blocker::Permit => "it sponsors nobody or wants a citizenship, and you need sponsorship".to_owned(),
        Blocker::Seniority => "its level is far from yours".to_owned(),
    }
}
