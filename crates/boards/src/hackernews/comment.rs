//! From one comment to postings.

use aerie_postings::html::decode_entities;
use aerie_postings::{RawDate, RawPosting, RemoteKind};
use serde_json::Value;

use super::header::{self, Header};
use super::words::{INTERN, LINK, NOT_REMOTE, OFFER, ON_SITE, PARTLY_REMOTE, REMOTE, ROLE_NOUN};
use crate::html_select::{fold_space, truncate};
use crate::lenient::Lenient;
use crate::raw_fields::{add_employment, add_place, epoch, posting, salary_text};

/// Longest comment read, in bytes; the site itself cuts far earlier.
const LONGEST_COMMENT: usize = 64 * 1024;
/// Most postings taken from one comment.
const MOST_ROLES: usize = 30;

/// A comment of the thread.
#[derive(Debug, Clone, Default)]
pub struct Comment {
    /// The site's id.
    pub id: String,
    /// HTML with `<p>` between paragraphs.
    pub text: String,
    /// When it was written.
    pub written: Option<RawDate>,
    /// Whether it was deleted or hidden.
    pub removed: bool,
}

impl Comment {
    /// Reads a comment in the form of either interface.
    pub(super) fn of(value: &Value) -> Self {
        let text = value.text("text").unwrap_or_default();
        let flagged = ["deleted", "dead"].iter().any(|field| value.truth(field) == Some(true));
        Self {
            id: value.first_text(&["id", "objectID"]).unwrap_or_default(),
            removed: flagged || text.is_empty() || text == "[deleted]" || text == "[dead]" || text == "[flagged]",
            written: value.integer("created_at_i").or_else(|| value.integer("time")).and_then(epoch),
            text: truncate(&text, LONGEST_COMMENT).to_owned(),
        }
    }

    /// The address of the comment itself.
    fn address(&self) -> String {
        format!("https://news.ycombinator.com/item?id={}", self.id)
    }
}

/// A role with what is its own.
struct Role {
    title: String,
    places: Vec<String>,
    url: Option<String>,
}

/// The postings of one comment; empty when it is none (a question, a remark).
pub fn postings_of(comment: &Comment) -> Vec<RawPosting> {
    let lines = lines(&comment.text);
    let Some(first) = lines.first() else { return Vec::new() };
    let body = lines.join("\n");
    let found = header::read(&lines);
    let free_form = body.len() >= 200 && ROLE_NOUN.matches(&body) && OFFER.matches(&body);
    if found.is_none() && !free_form {
        return Vec::new();
    }
    let header = found.unwrap_or_default();
    let company = header
        .company
        .clone()
        .or_else(|| header::company_in_text(lines.get(1..).unwrap_or_default().join("\n").as_str()));
    let company = company.or_else(|| header::company_in_text(&body));
    let roles = roles(&header, &lines, &body);

    let several = roles.len() > 1;
    let links = outside_links(&comment.text);
    let job_page = links.iter().find(|link| is_deep(link) && is_about_jobs(link)).cloned();
    let outside = links.into_iter().next().or_else(|| bare_link(first));
    let mut postings = Vec::new();
    for (number, role) in roles.into_iter().take(MOST_ROLES).enumerate() {
        let mut row = posting("hackernews");
        // The company's front page says nothing about which posting is meant, and roles of one comment would share
        // it: the comment is the posting's page then, and the link is where to apply.
        let own_page = role.url.or_else(|| job_page.clone().filter(|_| !several));
        row.source_id = Some(if number == 0 { comment.id.clone() } else { format!("{}#{}", comment.id, number + 1) });
        row.url = Some(match (&own_page, number) {
            (Some(page), _) => page.clone(),
            (None, 0) => comment.address(),
            (None, number) => format!("{}&role={}", comment.address(), number + 1),
        });
        row.apply_url = outside.clone().filter(|link| Some(link) != own_page.as_ref());
        row.title = Some(truncate(&role.title, 200).to_owned());
        row.company.clone_from(&company);
        let places = if role.places.is_empty() { &header.places } else { &role.places };
        places.iter().for_each(|place| add_place(&mut row, place));
        workplace(&header, &lines, &mut row);
        header.employment.iter().for_each(|word| add_employment(&mut row, word));
        if INTERN.matches(row.title.as_deref().unwrap_or_default()) {
            add_employment(&mut row, "internship");
        }
        row.salary = header.pay.as_deref().and_then(salary_text);
        row.description_html = Some(comment.text.clone());
        row.posted.clone_from(&comment.written);
        postings.push(row);
    }
    postings
}

/// The roles of a comment: from lines that link them, from the header, from the text.
fn roles(header: &Header, lines: &[String], body: &str) -> Vec<Role> {
    let linked = linked_roles(lines);
    if linked.len() > 1 || (linked.len() == 1 && header.roles.is_empty()) {
        return linked;
    }
    let plain = |title: String, places: Vec<String>| Role { title, places, url: None };
    if !header.roles.is_empty() {
        return header.roles.iter().map(|(title, places)| plain(title.clone(), places.clone())).collect();
    }
    if let Some(title) = header::role_in_text(body) {
        return vec![plain(title, Vec::new())];
    }
    if let Some(line) = lines.iter().skip(1).find_map(|line| listed_role(line)) {
        return vec![plain(line, Vec::new())];
    }
    if let Some(title) = header::role_named_in_text(body) {
        return vec![plain(title, Vec::new())];
    }
    // The company describes itself and names no role.
    vec![plain("Open positions".to_owned(), Vec::new())]
}

/// Lines such as `Senior Designer - https://example.com/jobs/1` or a role and the address on the next line.
fn linked_roles(lines: &[String]) -> Vec<Role> {
    let mut roles: Vec<Role> = Vec::new();
    for line in lines.iter().skip(1).filter(|line| line.len() <= 400) {
        let Some(link) = LINK.find(line).filter(|found| found.as_str().starts_with("http")) else { continue };
        let before = line.get(..link.start()).unwrap_or("");
        let Some(title) = listed_role(before) else { continue };
        let url = link.as_str().trim_end_matches(['.', ',', ';']).to_owned();
        // Long addresses are shown cut ("…"), and one role per address is enough.
        if is_outside(&url) && is_deep(&url) && !roles.iter().any(|role| role.url.as_ref() == Some(&url)) {
            roles.push(Role { title, places: Vec::new(), url: Some(url) });
        }
    }
    roles
}

/// A short line that is a role: `* Senior Backend Engineer (Go)`.
fn listed_role(line: &str) -> Option<String> {
    let line = line.trim_start_matches(|c: char| !c.is_alphanumeric() && c != '(').trim();
    let line = line
        .split_once(". ")
        .filter(|(n, _)| n.len() <= 2 && n.bytes().all(|b| b.is_ascii_digit()))
        .map_or(line, |(_, rest)| rest);
    let title = header::trim_role(line.trim_end_matches([':', '-', '–', '—', ' ']));
    let words = title.split_whitespace().count();
    let sentence = title.ends_with('.')
        || title.contains(". ")
        || title.starts_with("We ")
        || title.contains(" our ")
        || title.contains(" you ");
    let verb = ["apply", "email", "contact", "see ", "learn", "check", "read", "visit", "please", "more "]
        .iter()
        .any(|word| title.to_lowercase().starts_with(word));
    ((1..=10).contains(&words) && !sentence && !verb && ROLE_NOUN.matches(&title)).then_some(title)
}

fn workplace(header: &Header, lines: &[String], row: &mut RawPosting) {
    // Free-form comments say it in their first line, if anywhere near the beginning.
    let said = match header.workplace.is_empty() {
        true => lines.first().filter(|line| line.len() <= 200).cloned().unwrap_or_default(),
        false => header.workplace.join(" | "),
    };
    row.remote = if NOT_REMOTE.matches(&said) {
        Some(RemoteKind::OnSite)
    } else if PARTLY_REMOTE.matches(&said) {
        Some(RemoteKind::Hybrid)
    } else if REMOTE.matches(&said) {
        // "ONSITE or REMOTE": remote is possible.
        Some(RemoteKind::Remote)
    } else if ON_SITE.matches(&said) {
        Some(RemoteKind::OnSite)
    } else {
        remote_in_text(lines)
    };
    row.remote_scope = header.workplace.iter().find_map(|segment| scope_in(segment));
}

/// Short lines of the text that speak about remote work ("Remote OK", "REMOTE within the EU").
fn remote_in_text(lines: &[String]) -> Option<RemoteKind> {
    let about = lines.iter().find(|line| line.len() <= 300 && REMOTE.matches(line))?;
    if NOT_REMOTE.matches(about) {
        return Some(RemoteKind::OnSite);
    }
    let lower = about.to_lowercase();
    let offered = [
        "remote ok",
        "remote friendly",
        "remote-friendly",
        "fully remote",
        "100% remote",
        "remote possible",
        "remote welcome",
        "remote position",
        "remote only",
        "open to remote",
        "work remotely",
        "remote is ok",
        "remote team",
    ];
    (about.contains("REMOTE") || offered.iter().any(|words| lower.contains(words))).then_some(RemoteKind::Remote)
}

/// `REMOTE (US only)` is for the US only.
fn scope_in(segment: &str) -> Option<String> {
    let remote = REMOTE.find(segment)?;
    let rest = segment.get(remote.end()..)?.trim_start();
    let inside = rest.strip_prefix('(').and_then(|rest| rest.split(')').next());
    let scope = super::segment::clean_segment(inside?);
    (scope.len() >= 2 && scope.len() <= 60).then_some(scope)
}

/// The text in lines: paragraphs and line breaks end one; tags are dropped, links keep their full address.
fn lines(html: &str) -> Vec<String> {
    let html = html.replace("<p>", "\n").replace("</p>", "\n").replace("<br>", "\n");
    let mut text = String::with_capacity(html.len());
    let mut rest = html.as_str();
    while let Some(open) = rest.find('<') {
        text.push_str(rest.get(..open).unwrap_or(""));
        let after = rest.get(open..).unwrap_or("");
        let Some(close) = after.find('>') else {
            rest = after;
            break;
        };
        let tag = after.get(..close).unwrap_or("");
        rest = after.get(close + 1..).unwrap_or("");
        // The shown text of a link is cut after 60 characters; the address is not.
        if let Some(address) = tag.strip_prefix("<a ").and_then(|tag| tag.split("href=\"").nth(1)?.split('"').next()) {
            text.push_str(address);
            rest = rest.find("</a>").and_then(|end| rest.get(end + 4..)).unwrap_or(rest);
        }
    }
    text.push_str(rest);
    decode_entities(&text).lines().map(fold_space).filter(|line| !line.is_empty()).take(2_000).collect()
}

/// Addresses of links that lead away from the site, in order.
fn outside_links(html: &str) -> Vec<String> {
    let addresses = html.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
    addresses.map(decode_entities).filter(|address| is_outside(address)).take(20).collect()
}

/// An address in the header that is no link, perhaps without a scheme.
fn bare_link(line: &str) -> Option<String> {
    let found = LINK.find(line)?.as_str();
    if found.contains('@') {
        return None;
    }
    let found = found.trim_end_matches(['.', ',', ')']);
    let address = if found.starts_with("http") { found.to_owned() } else { format!("https://{found}") };
    is_outside(&address).then_some(address)
}

fn is_outside(address: &str) -> bool {
    let Ok(url) = url::Url::parse(address) else { return false };
    matches!(url.scheme(), "http" | "https") && url.host_str().is_some_and(|host| !host.ends_with("ycombinator.com"))
}

/// Whether an address speaks of jobs, by its words or its host.
fn is_about_jobs(address: &str) -> bool {
    const SIGNS: [&str; 22] = [
        "job",
        "career",
        "position",
        "vacanc",
        "opening",
        "hiring",
        "apply",
        "join",
        "work-with",
        "work-at",
        "recruit",
        "greenhouse.io",
        "grnh.se",
        "lever.co",
        "workable",
        "ashbyhq",
        "smartrecruiters",
        "breezy.hr",
        "bamboohr",
        "stellen",
        "karriere",
        "hire.",
    ];
    let address = address.to_lowercase();
    SIGNS.iter().any(|sign| address.contains(sign))
}

/// Whether an address is more than a site's front page or its list of jobs.
fn is_deep(address: &str) -> bool {
    let Ok(url) = url::Url::parse(address) else { return false };
    let parts: Vec<&str> = url.path().split('/').filter(|part| !part.is_empty()).collect();
    let lists = [
        "careers",
        "career",
        "jobs",
        "job",
        "join",
        "join-us",
        "hiring",
        "about",
        "company",
        "work",
        "team",
        "positions",
        "openings",
    ];
    let meaning = parts.iter().filter(|part| !lists.contains(&part.to_lowercase().trim_end_matches(".html"))).count();
    let has_id = url.query_pairs().any(|(_, value)| value.len() >= 4);
    (parts.len() >= 2 && meaning >= 1) || has_id
}
