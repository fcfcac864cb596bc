//! Canonical form of an address: what is kept and what is cosmetic.

use url::Url;
use url::form_urlencoded::Serializer;

use super::hiring_systems::{self, is_hiring_host};

/// Parameters that never choose the posting, on any host.
const COSMETIC: [&str; 19] = [
    "gh_src",
    "lever-source",
    "lever-origin",
    "lang",
    "language",
    "locale",
    "previouslocale",
    "trk",
    "trackingid",
    "refid",
    "fbclid",
    "gclid",
    "mc_cid",
    "mc_eid",
    "igshid",
    "_hsenc",
    "_hsmi",
    "_ga",
    "msclkid",
];

/// Parameters that are cosmetic only on hosts of known hiring systems; elsewhere they may choose the posting.
const COSMETIC_ON_HIRING_HOSTS: [&str; 9] =
    ["ref", "src", "source", "mode", "iis", "codes", "jobboardid", "workersubtype", "iisn"];

/// The address that still opens the posting, without what is cosmetic.
pub(super) fn canonical(mut url: Url) -> String {
    if let Some(page) = hiring_systems::page(&url) {
        return page;
    }
    url.set_fragment(fragment(&url).as_deref());
    let _ = url.set_username("");
    let _ = url.set_password(None);
    let query = kept_query(&url);
    url.set_query(query.as_deref());
    let path = url.path().to_owned();
    let shorter = path.trim_end_matches('/');
    let shorter = if is_hiring_host(url.host_str().unwrap_or("")) { without_action(shorter) } else { shorter };
    url.set_path(if shorter.is_empty() { "/" } else { shorter });
    url.into()
}

/// The comparison form: host without `www.`, path in lower case without locale and trailing slash, remaining query.
///
/// `/apply` and `/application` are cut on hosts of hiring systems only: elsewhere they may be a page of their own.
pub(super) fn comparison(url: &Url) -> String {
    let full_host = url.host_str().unwrap_or("");
    let host = full_host.strip_prefix("www.").unwrap_or(full_host).trim_end_matches('.').to_lowercase();
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    let path = url.path().to_lowercase();
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty() && !is_locale(part)).collect();
    let path: String = parts.iter().flat_map(|part| ["/", part]).collect();
    let path = if is_hiring_host(full_host) { without_action(&path) } else { &path };
    let query = match kept_query(url) {
        Some(query) if !names_posting(&parts) || query.split('&').any(may_choose) => format!("?{query}"),
        _ => String::new(),
    };
    let fragment = fragment(url).map(|fragment| format!("#{}", fragment.to_lowercase())).unwrap_or_default();
    format!("{host}{port}{path}{query}{fragment}")
}

/// Parameters that may choose a posting on any host.
const CHOOSING: [&str; 20] = [
    "gh_jid",
    "ashby_jid",
    "jk",
    "vjk",
    "job",
    "jobid",
    "job_id",
    "id",
    "pid",
    "req",
    "reqid",
    "req_id",
    "token",
    "jl",
    "lvk",
    "jobreqid",
    "requisitionid",
    "opportunityid",
    "postingid",
    "currentjobid",
];

/// Whether the path has the form of SuccessFactors' career sites, `/job/{slug}/{number}`, which names the posting
/// whatever the host; other parameters there say where a visitor came from ("feedId", "eresc").
fn names_posting(parts: &[&str]) -> bool {
    let [.., "job", slug, number] = parts else { return false };
    slug.contains('-') && number.len() >= 8 && number.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether an encoded `name=value` may choose a posting.
fn may_choose(pair: &str) -> bool {
    let name = pair.split('=').next().unwrap_or(pair).to_lowercase();
    CHOOSING.contains(&name.as_str())
}

/// A fragment that is a route of a page application (`#/job/12`, `#!job/12`) chooses the posting; others do not.
fn fragment(url: &Url) -> Option<String> {
    url.fragment().filter(|fragment| fragment.starts_with('/') || fragment.starts_with('!')).map(str::to_owned)
}

fn without_action(path: &str) -> &str {
    let mut rest = path.trim_end_matches('/');
    while let Some(shorter) = rest.strip_suffix("/apply").or_else(|| rest.strip_suffix("/application")) {
        rest = shorter.trim_end_matches('/');
    }
    rest
}

/// A path part that only names a language and country (`en-US`, `de_DE`). Two letters alone may be a site's section.
pub(super) fn is_locale(part: &str) -> bool {
    let bytes = part.as_bytes();
    match bytes {
        [first, second, b'-' | b'_', third, fourth] => {
            [first, second, third, fourth].into_iter().all(u8::is_ascii_alphabetic)
        }
        _ => false,
    }
}

/// The query without cosmetic parameters, in order of names; `None` when nothing is left. Empty values count as
/// absent.
fn kept_query(url: &Url) -> Option<String> {
    let hiring_host = is_hiring_host(url.host_str().unwrap_or(""));
    let mut kept: Vec<(String, String)> = url
        .query_pairs()
        .filter(|(name, value)| !value.is_empty() && !is_cosmetic(name, hiring_host))
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    if kept.is_empty() {
        return None;
    }
    // Repeated names keep their order: the first is the one that counts.
    kept.sort_by(|left, right| left.0.cmp(&right.0));
    kept.dedup();
    Some(Serializer::new(String::new()).extend_pairs(kept).finish())
}

fn is_cosmetic(name: &str, hiring_host: bool) -> bool {
    let name = name.to_lowercase();
    // "lever-source[]" and its doubly encoded form come with brackets.
    let base = name.split(['[', '%']).next().unwrap_or(&name);
    base.starts_with("utm_") || COSMETIC.contains(&base) || (hiring_host && COSMETIC_ON_HIRING_HOSTS.contains(&base))
}
