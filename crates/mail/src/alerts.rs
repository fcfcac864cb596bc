//! Postings in job alerts and digests: what becomes a pending job. Nothing is fetched here.

use std::collections::HashSet;
use std::sync::LazyLock;

use aerie_postings::identity::{canonical_url, posting_key};
use aerie_postings::text::{clean_field, fold, single_line, truncate_characters};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::message::{Link, Mail, registrable_domain};
use crate::patterns::Pattern;

/// Most postings that one mail gives.
pub const MAX_POSTINGS: usize = 100;

/// Most lines of a mail that are looked at.
const MAX_LINES: usize = 2000;

/// Domains of hiring systems and boards: an address there is probably a posting.
const BOARDS: &[&str] = &[
    "ashbyhq.com",
    "bamboohr.com",
    "breezy.hr",
    "dice.com",
    "glassdoor.co.uk",
    "glassdoor.com",
    "glassdoor.de",
    "greenhouse.io",
    "icims.com",
    "indeed.co.uk",
    "indeed.com",
    "infojobs.net",
    "jobvite.com",
    "lever.co",
    "linkedin.com",
    "monster.com",
    "myworkdayjobs.com",
    "otta.com",
    "personio.com",
    "personio.de",
    "recruitee.com",
    "rippling.com",
    "smartrecruiters.com",
    "stepstone.de",
    "taleo.net",
    "teamtailor.com",
    "welcometothejungle.com",
    "wellfound.com",
    "workable.com",
    "workday.com",
    "xing.com",
    "ziprecruiter.com",
];

/// How probable it is that a link leads to a posting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkScore {
    /// Somewhere else.
    Possible,
    /// A known board, or a path of a careers site.
    Probable,
}

/// A posting that a mail names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundPosting {
    /// Title, as written.
    pub title: String,
    /// Employer; empty when the mail does not say.
    pub company: String,
    /// Place; empty when the mail does not say.
    pub place: String,
    /// Canonical address, without tracking.
    pub url: String,
}

/// A link of a mail, scored; for a person to choose from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScoredLink {
    /// Address as in the mail.
    pub url: String,
    /// How probable a posting is.
    pub score: LinkScore,
    /// The words that it stands on.
    pub hint: String,
}

static NO_POSTING: LazyLock<Pattern> = LazyLock::new(|| {
    Pattern::new(
        r"(?i)unsubscribe|preferences|/track/|//pixel\.|\.(?:gif|png|jpe?g)(?:\?|$)|/open\?|/click\?|/settings|/help\b|/privacy|/legal|manage[-_]?alert|/feed/|/premium|/comm/(?:psettings|in/|feed)|/alerts?(?:/|\?|$)|/search(?:/|\?|$)|/jobs/?(?:\?|$)|/legal-notice|email-subscription",
    )
});

/// Words of a link that are not a title.
static BUTTON: LazyLock<Pattern> = LazyLock::new(|| {
    Pattern::new(
        r"(?i)^\W*(?:view|see|apply|show|open|read|get|start|go|manage|edit|update|learn|more|details|click|here|easy apply|job|unsubscribe|help|search|browse|alle|mehr|jetzt|ansehen|voir|ver|ofertas?)(?:\s+(?:job|jobs|now|details|all|more|here|matching|this|the|role|position|posting|on|listing|ansehen|bewerben|l'offre|toutes|todas|oferta|description|full)\b.*)?\W*$",
    )
});

/// Lines of a card that are none of title, company and place.
static NOISE: LazyLock<Pattern> = LazyLock::new(|| {
    Pattern::new(concat!(
        r"(?i)^\W*$|^(?:easy apply|easily apply|easily applies|actively (?:recruiting|hiring)|promoted|new|urgently hiring|be an early applicant|apply (?:now|with)|view (?:job|details)|see all|posted|today|yesterday|just posted|responsive employer|fast growing|this company|your profile|\d+ (?:connections?|school alumn\w+|company alumn\w+|applicants?)",
        r"|\d+\+? (?:new )?(?:days?|hours?|weeks?) ago|.*\b(?:job alert|unsubscribe|match your preferences|email preferences|new jobs|you may like|you might)\b.*|full[- ]time|part[- ]time|permanent|contract|\d(?:\.\d)? ?★.*|jobs? you)\b|^(?:[$€£]|usd|eur|gbp|chf) ?\d|^\d[\d,. ]*k? ?(?:-|–) ?[$€£]?\d"
    ))
});

/// Scores a link; `None` for what is no posting: unsubscribing, tracking, images, search pages.
pub fn score_link(url: &str) -> Option<LinkScore> {
    let parsed = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    if NO_POSTING.is_match(url) {
        return None;
    }
    let domain = parsed.host_str().and_then(registrable_domain).unwrap_or("");
    let path = parsed.path().to_ascii_lowercase();
    let careers = ["/careers", "/jobs", "/job", "/vacancies", "/stellen", "/emploi"];
    let on_careers =
        careers.iter().any(|start| path.starts_with(start)) || path.contains("/careers/") || path.contains("/jobs/");
    // A board's own front page is no posting.
    let deep = path.trim_matches('/').len() > 3 || parsed.query().is_some();
    Some(if deep && (BOARDS.contains(&domain) || on_careers) { LinkScore::Probable } else { LinkScore::Possible })
}

/// Every link that may lead to a posting, the probable ones first, otherwise in the mail's order.
pub fn scored_links(mail: &Mail) -> Vec<ScoredLink> {
    let scored = |link: &Link| {
        Some(ScoredLink { url: link.url.clone(), score: score_link(&link.url)?, hint: link.text.clone() })
    };
    let mut links: Vec<ScoredLink> = mail.links.iter().filter_map(scored).collect();
    links.sort_by_key(|link| std::cmp::Reverse(link.score));
    links
}

/// The postings that a mail lists: cards of lines with an address each, or links on titles. Several links to one posting
/// give it once.
pub fn postings(mail: &Mail) -> Vec<FoundPosting> {
    let lines: Vec<&str> =
        mail.body.text.lines().map(str::trim).filter(|line| !line.is_empty()).take(MAX_LINES).collect();
    let mut found = Vec::new();
    let mut seen = HashSet::new();
    let mut cursor = 0;
    for link in mail.links.iter().filter(|link| score_link(&link.url) == Some(LinkScore::Probable)) {
        if found.len() >= MAX_POSTINGS {
            break;
        }
        let Some(url) = canonical_url(&link.url) else { continue };
        let key = posting_key(&url).unwrap_or_else(|| url.clone());
        let (card, next) = card_of(link, &lines, cursor);
        cursor = next;
        if let Some(posting) = card.and_then(|card| posting_of(&card, url))
            && seen.insert(key)
        {
            found.push(posting);
        }
    }
    found
}

/// The lines that belong to a link, title first, and where to look for the next link.
fn card_of<'a>(link: &'a Link, lines: &[&'a str], from: usize) -> (Option<Vec<&'a str>>, usize) {
    let bare = lines.iter().skip(from).position(|line| line.contains("http") && line_has(line, &link.url));
    if let Some(at) = bare.map(|at| from + at) {
        let before = lines.get(from..at).unwrap_or(&[]);
        let line = lines.get(at).copied().unwrap_or("");
        let words = line.split("http").next().unwrap_or("").trim_matches([' ', ':', '-', '(', '<', '•']);
        let words = words
            .trim_start_matches(|character: char| character.is_ascii_digit() || matches!(character, '.' | ')'))
            .trim();
        let own = (words.chars().count() > 8 && !BUTTON.is_match(words)).then(|| vec![words]);
        return (own.or_else(|| last_card(before)), at + 1);
    }
    let text = link.text.as_str();
    if text.is_empty() {
        return (None, from);
    }
    let position =
        lines.iter().skip(from).position(|line| line.contains(text) || text.contains(*line) && line.len() > 5);
    let Some(at) = position.map(|at| from + at) else {
        let title = (!BUTTON.is_match(text)).then(|| vec![text]);
        return (title, from);
    };
    if BUTTON.is_match(text) {
        return (last_card(lines.get(from..at).unwrap_or(&[])), at + 1);
    }
    let line = lines.get(at).copied().unwrap_or(text);
    let mut card = vec![if line.len() > text.len() + 3 { line } else { text }];
    card.extend(lines.iter().skip(at + 1).copied().filter(|line| !NOISE.is_match(line)).take(2));
    (Some(card), at + 1)
}

fn line_has(line: &str, url: &str) -> bool {
    let bare = url.trim_end_matches('/');
    line.contains(bare) || line.contains(bare.split(['?', '#']).next().unwrap_or(bare))
}

/// The last three lines before an address that say something.
fn last_card<'a>(lines: &[&'a str]) -> Option<Vec<&'a str>> {
    let is_separator = |line: &str| line.len() >= 8 && line.chars().all(|character| "-_=*•· ".contains(character));
    let start = lines.iter().rposition(|line| is_separator(line) || line.contains("http")).map_or(0, |at| at + 1);
    let card: Vec<&str> = lines.get(start..)?.iter().copied().filter(|line| !NOISE.is_match(line)).collect();
    let skipped = card.len().saturating_sub(3);
    let card: Vec<&str> = card.into_iter().skip(skipped).collect();
    (!card.is_empty()).then_some(card)
}

/// Title, company and place out of a card: on lines of their own, or on one line with marks between them.
fn posting_of(card: &[&str], url: String) -> Option<FoundPosting> {
    let mut fields: Vec<String> = card.iter().map(|line| single_line(line)).collect();
    let first = fields.first()?.clone();
    if fields.len() == 1 || first.matches(" - ").count() >= 2 || first.contains(" · ") || first.contains(" | ") {
        fields = split_line(&first, true).into_iter().chain(fields.into_iter().skip(1)).collect();
    } else if let Some(second) = fields.get(1).cloned()
        && (fields.len() == 2 || [" - ", " · ", " | "].iter().any(|mark| second.contains(mark)))
    {
        // Company and place on one line; what follows is the next card's.
        fields = std::iter::once(first).chain(split_line(&second, false)).collect();
    }
    let field = |index: usize| clean_field(fields.get(index).map_or("", String::as_str), 200);
    let title = field(0);
    let is_title = title.chars().any(char::is_alphabetic) && title.split(' ').count() <= 16 && !BUTTON.is_match(&title);
    (is_title && !fold(&title).starts_with("dear ")).then(|| FoundPosting {
        title,
        company: field(1),
        place: field(2),
        url,
    })
}

/// Parts of a line with marks between them. A line that begins with a title may hold "company, place" behind its mark.
fn split_line(line: &str, has_title: bool) -> Vec<String> {
    let line = truncate_characters(line, 400).trim_start_matches(['•', '-', '*', ' ']);
    for mark in [" · ", " | ", " - ", " – ", " — ", " @ ", " at ", " bei ", " chez "] {
        if line.contains(mark) {
            let mut parts: Vec<String> = line.splitn(3, mark).map(|part| part.trim().to_owned()).collect();
            if let (true, 2, Some((company, place))) =
                (has_title, parts.len(), parts.get(1).and_then(|rest| rest.split_once(", ")))
            {
                parts = vec![parts.first().cloned().unwrap_or_default(), company.to_owned(), place.to_owned()];
            }
            return parts;
        }
    }
    match line.split_once(", ") {
        Some((title, rest)) => {
            let (company, place) = rest.split_once(", ").unwrap_or((rest, ""));
            [title, company, place].into_iter().map(|part| part.trim().to_owned()).collect()
        }
        None => vec![line.to_owned()],
    }
}

#[cfg(test)]
mod tests;
