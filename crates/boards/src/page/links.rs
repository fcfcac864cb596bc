//! Index pages: links that lead to jobs.

use std::sync::LazyLock;

use aerie_postings::RawPosting;
use regex::Regex;
use scraper::ElementRef;
use url::Url;

use crate::html_select::{absolute_url, all, attribute, meta, text, text_at};
use crate::query_text::words_of_slug;
use crate::raw_fields::{last_segment, posting};

/// Fewest links that make a page an index of jobs.
pub(super) const FEWEST: usize = 2;
const MOST_LINKS: usize = 1_000;

/// Hosts of hiring systems: a link there with an id is a job, wherever it stands.
const HIRING_HOSTS: [&str; 22] = [
    "greenhouse.io",
    "lever.co",
    "ashbyhq.com",
    "myworkdayjobs.com",
    "smartrecruiters.com",
    "workable.com",
    "icims.com",
    "personio.de",
    "personio.com",
    "bamboohr.com",
    "oraclecloud.com",
    "rippling.com",
    "recruitee.com",
    "teamtailor.com",
    "jobvite.com",
    "breezy.hr",
    "pinpointhq.com",
    "paylocity.com",
    "applytojob.com",
    "welcomekit.co",
    "jazz.co",
    "join.com",
];

/// Every link of the page that leads to a job, with its text as the title.
pub(super) fn job_links(root: ElementRef<'_>, base: Option<&Url>) -> Vec<RawPosting> {
    let company = meta(root, "og:site_name");
    let mut rows: Vec<RawPosting> = Vec::new();
    for link in all(root, "a[href]").into_iter().take(20_000) {
        if rows.len() >= MOST_LINKS {
            break;
        }
        let Some(href) = attribute(link, "href") else { continue };
        let Some(address) = absolute_url(base, &href) else { continue };
        let Some(title) = title_of(link) else { continue };
        if !leads_to_job(&address, base) || rows.iter().any(|row| row.url.as_ref() == Some(&address)) {
            continue;
        }
        let mut row = posting("page");
        row.title = Some(title);
        row.url = Some(address);
        row.company.clone_from(&company);
        rows.push(row);
    }
    if rows.len() < FEWEST { Vec::new() } else { rows }
}

/// A listed address without a title: its slug has to do.
pub(super) fn row_of_address(address: &str) -> Option<RawPosting> {
    let slug = last_segment(address)?;
    let words = words_of_slug(slug.trim_end_matches(".html"));
    let mut row = posting("page");
    row.title = Some(words).filter(|words| words.chars().filter(|c| c.is_alphabetic()).count() >= 3);
    row.title.as_ref()?;
    row.url = Some(address.to_owned());
    Some(row)
}

fn title_of(link: ElementRef<'_>) -> Option<String> {
    // A card that is one large link has the title in a heading.
    let title = text_at(link, "h1, h2, h3, h4, h5, [class*=\"title\"]").or_else(|| text(link))?;
    let lower = title.to_lowercase();
    let letters = title.chars().filter(|c| c.is_alphabetic()).count();
    const CALLS: [&str; 26] = [
        "apply",
        "apply now",
        "learn more",
        "read more",
        "more",
        "view",
        "view job",
        "view jobs",
        "details",
        "see all",
        "all jobs",
        "careers",
        "jobs",
        "open positions",
        "view all",
        "view details",
        "search jobs",
        "next",
        "previous",
        "back",
        "home",
        "login",
        "sign in",
        "share",
        "save",
        "view role",
    ];
    let is_call = CALLS.contains(&lower.as_str()) || lower.starts_with("see all") || lower.starts_with("view all");
    (letters >= 3 && title.len() <= 200 && !is_call).then_some(title)
}

fn leads_to_job(address: &str, base: Option<&Url>) -> bool {
    static PATH: LazyLock<Option<Regex>> = LazyLock::new(|| {
        let words = "jobs?|job-?openings?|careers?|karriere|stellen(?:angebote?)?|stellenanzeigen?|vacanc(?:y|ies)|vacatures?|\
                     openings?|positions?|opportunit(?:y|ies)|roles?|emplois?|offres?|empleos?|requisitions?|o|j";
        Regex::new(&format!(r"(?i)/(?:{words})(?:/[\w%.-]+)*/([\w%.~-]+)/?$")).ok()
    });
    let Ok(url) = Url::parse(address) else { return false };
    let host = url.host_str().unwrap_or_default();
    let at_hiring_system = HIRING_HOSTS.iter().any(|known| host == *known || host.ends_with(&format!(".{known}")));
    let same_site = base.is_none_or(|base| base.host_str() == Some(host));
    let named_id = url.query_pairs().any(|(name, value)| {
        matches!(name.as_ref(), "gh_jid" | "ashby_jid" | "jobid" | "jobId" | "job_id" | "req" | "jk" | "jid")
            && value.len() >= 3
    });
    if named_id {
        return true;
    }
    let last = PATH.as_ref().and_then(|path| Some(path.captures(url.path())?.get(1)?.as_str().to_owned()));
    let is_single = |last: &str| {
        let digits = last.bytes().filter(u8::is_ascii_digit).count();
        let words = last.split(['-', '_']).filter(|word| word.len() > 1).count();
        let listing = ["search", "all", "teams", "departments", "locations", "benefits", "culture", "life", "students"];
        (digits >= 3 || words >= 2) && !listing.contains(&last.to_lowercase().as_str())
    };
    if at_hiring_system {
        let deep = url.path_segments().is_some_and(|parts| parts.filter(|part| !part.is_empty()).count() >= 2);
        return deep && last_segment(address).is_some_and(|last| is_single(&last) || last.len() >= 8);
    }
    same_site && last.is_some_and(|last| is_single(&last))
}
