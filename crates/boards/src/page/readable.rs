//! The last resort: a page that is about one job but says so only to people.

use aerie_postings::RawPosting;
use scraper::ElementRef;
use url::Url;

use crate::html_select::{all, attribute_at, fold_space, inner_html, meta, text, text_at};
use crate::raw_fields::{date, posting};

/// Shortest text that can be a job's description, in characters.
const SHORTEST: usize = 200;

/// The page as one posting: title from the heading, description from the main block; `None` when it is not about a job.
pub(super) fn posting_of(root: ElementRef<'_>, own: Option<&Url>) -> Option<RawPosting> {
    let block = main_block(root)?;
    let body = text(block)?;
    let heading = text_at(root, "h1");
    let og_title = meta(root, "og:title");
    let page_title = text_at(root, "title");
    let title = heading.or_else(|| og_title.clone()).or_else(|| page_title.clone())?;
    if !is_about_a_job(&body, own, page_title.as_deref().unwrap_or(&title)) {
        return None;
    }
    let mut row = posting("page");
    let (title, company) = title_and_company(&title, page_title.as_deref().or(og_title.as_deref()));
    row.title = Some(title);
    row.company = company.or_else(|| meta(root, "og:site_name"));
    row.description_html = Some(inner_html(block));
    row.url = own.map(Url::to_string);
    row.language = attribute_at(root, "html[lang]", "lang").filter(|lang| lang.len() <= 10);
    row.posted = meta(root, "article:published_time").and_then(|text| date(&text));
    Some(row)
}

/// Words that postings hold in the languages read here; two different ones, or one in the address, make a job.
fn is_about_a_job(body: &str, own: Option<&Url>, title: &str) -> bool {
    const SIGNS: [&str; 24] = [
        "responsibilit",
        "requirements",
        "qualifications",
        "years of experience",
        "what you'll do",
        "what you will do",
        "about the role",
        "who you are",
        "we offer",
        "benefits",
        "apply",
        "full-time",
        "full time",
        "salary",
        "equal opportunity",
        "your profile",
        "ihr profil",
        "dein profil",
        "aufgaben",
        "wir bieten",
        "bewerb",
        "profil recherché",
        "we are looking for",
        "we're looking for",
    ];
    let lower = body.to_lowercase();
    let signs = SIGNS.iter().filter(|sign| lower.contains(**sign)).count();
    let named = own.map(|url| url.as_str().to_lowercase()).unwrap_or_default() + " " + &title.to_lowercase();
    let in_name = ["job", "career", "position", "vacanc", "stelle", "karriere", "hiring", "opening"];
    let hinted = in_name.iter().any(|word| named.contains(word));
    body.chars().count() >= SHORTEST && (signs >= 3 || (hinted && signs >= 1))
}

/// The block with most text of its own: a marked one, otherwise the densest container.
fn main_block(root: ElementRef<'_>) -> Option<ElementRef<'_>> {
    let marked = [
        "[class*=\"job-description\"]",
        "[id*=\"job-description\"]",
        "[class*=\"jobDescription\"]",
        "#jobDescriptionText",
        "[class*=\"job_description\"]",
        "[class*=\"description\"]",
        "article",
        "main",
        "[role=\"main\"]",
        "#content",
        "#main",
    ];
    for css in marked {
        let longest = all(root, css).into_iter().take(50).max_by_key(|element| length(*element));
        if let Some(block) = longest.filter(|block| length(*block) >= SHORTEST) {
            return Some(block);
        }
    }
    let containers = all(root, "section, div, td, body").into_iter().take(3_000);
    containers
        .map(|block| (weight(block), block))
        .filter(|(weight, _)| *weight >= SHORTEST)
        .max_by_key(|(w, _)| *w)
        .map(|(_, b)| b)
}

fn length(element: ElementRef<'_>) -> usize {
    element.text().map(|piece| piece.trim().len()).sum()
}

/// Text that stands directly in the block or in its paragraphs and lists, less what is link text.
fn weight(element: ElementRef<'_>) -> usize {
    let mut own = 0usize;
    for child in element.children() {
        if let Some(piece) = child.value().as_text() {
            own += piece.trim().len();
        }
        let Some(child) = ElementRef::wrap(child) else { continue };
        if matches!(
            child.value().name(),
            "p" | "ul" | "ol" | "h2" | "h3" | "h4" | "blockquote" | "table" | "span" | "b" | "strong"
        ) {
            let linked: usize = all(child, "a").into_iter().map(length).sum();
            own += length(child).saturating_sub(2 * linked);
        }
    }
    own
}

/// "Acme hiring Engineer in Berlin | Board", "Engineer at Acme", "Engineer - Acme Careers".
fn title_and_company(heading: &str, page_title: Option<&str>) -> (String, Option<String>) {
    let heading = fold_space(heading);
    let page_title = page_title.map(fold_space).unwrap_or_default();
    if let Some((company, rest)) = page_title.split_once(" hiring ")
        && rest.starts_with(heading.as_str())
    {
        return (heading, Some(company.trim().to_owned()));
    }
    if let Some((role, company)) = heading.rsplit_once(" at ")
        && company.split_whitespace().count() <= 5
        && company.starts_with(char::is_uppercase)
    {
        return (role.trim().to_owned(), Some(company.trim().to_owned()));
    }
    // What the page's title says besides the heading: "Engineer - Acme Careers", "Engineer | Acme".
    let besides = page_title.strip_prefix(heading.as_str()).unwrap_or("");
    let besides = besides.trim_start_matches(|c: char| !c.is_alphanumeric()).trim_start_matches("at ");
    let company = besides.split(['|', '–', '—']).next().unwrap_or("").trim();
    let company = ["Careers", "Jobs", "Career", "Job Openings"]
        .iter()
        .fold(company, |name, word| name.trim_end_matches(word).trim());
    let company = company.trim_matches(|c: char| !c.is_alphanumeric() && c != ')' && c != '.').to_owned();
    (heading, (!company.is_empty() && company.len() <= 80).then_some(company))
}
