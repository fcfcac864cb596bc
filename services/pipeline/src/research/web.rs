//! What the web says of an employer: its own pages, and what a SearXNG instance finds.

use std::{sync::Arc, time::Duration};

use aerie_boards::{
    SourceError,
    fetch::{FetchOptions, Fetcher, MemoryCache, Request},
    reading,
};
use aerie_config::{Research, SearchInstance};
use aerie_postings::{
    Posting,
    text::{clean_field, fold, truncate_characters},
};
use serde::{Deserialize, Serialize};
use url::Url;

use super::brief::Reference;

/// Ports that SearXNG is published on when nobody chose another one.
const USUAL_PORTS: [u16; 2] = [8888, 8080];

/// Patience with a search engine.
const SEARCH_TIMEOUT: Duration = Duration::from_secs(12);

/// Characters of a page that a brief rests on.
const PAGE_CHARACTERS: usize = 6_000;

/// Results of one query that are looked at.
const RESULTS: usize = 4;

/// Largest page, in bytes.
const PAGE_BYTES: usize = 2 << 20;

/// Words of links on an employer's first page that are worth following.
const WORTH_READING: [&str; 12] = [
    "about",
    "company",
    "team",
    "leadership",
    "values",
    "culture",
    "news",
    "press",
    "blog",
    "product",
    "mission",
    "story",
];

/// Something that was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Source {
    pub(crate) url: String,
    pub(crate) title: String,
    pub(crate) kind: SourceKind,
    pub(crate) text: String,
}

/// What kind of page it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SourceKind {
    Posting,
    Company,
    News,
    Web,
}

impl SourceKind {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Posting => "posting",
            Self::Company => "company",
            Self::News => "news",
            Self::Web => "web",
        }
    }
}

impl Source {
    /// Whether it says more than the posting does.
    pub(crate) fn is_web(&self) -> bool {
        self.kind != SourceKind::Posting
    }

    /// Where it is, without its text.
    pub(crate) fn into_reference(self) -> Reference {
        Reference { url: self.url, title: self.title, kind: self.kind.as_str().to_owned() }
    }
}

/// One result of a search.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Found {
    url: String,
    title: String,
    content: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Answer {
    results: Vec<Found>,
}

/// Reads about employers. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Web {
    /// For pages of the public web.
    pages: Fetcher,
    /// SearXNG instances that may be there, each with a fetcher that reaches it and nothing else private.
    instances: Vec<(Url, Fetcher)>,
    most_pages: usize,
}

impl Web {
    /// # Errors
    /// A fetcher cannot be made.
    pub(crate) fn new(settings: &Research, pages: Fetcher, options: &FetchOptions) -> Result<Self, SourceError> {
        let addresses: Vec<Url> = match settings.search_instance() {
            SearchInstance::Off => vec![],
            SearchInstance::At(url) => vec![url],
            SearchInstance::Auto => {
                USUAL_PORTS.iter().filter_map(|port| Url::parse(&format!("http://127.0.0.1:{port}/")).ok()).collect()
            }
        };
        let mut instances = Vec::new();
        for url in addresses {
            let host = match url.port_or_known_default() {
                Some(port) => format!("{}:{port}", url.host_str().unwrap_or_default()),
                None => url.host_str().unwrap_or_default().to_owned(),
            };
            let options =
                FetchOptions { allowed_hosts: vec![host], attempts: 1, timeout: SEARCH_TIMEOUT, ..options.clone() };
            instances.push((url, Fetcher::new(options, Arc::new(MemoryCache::default()))?));
        }
        Ok(Self { pages, instances, most_pages: usize::try_from(settings.pages).unwrap_or(usize::MAX) })
    }

    /// Whether a search engine answers now.
    pub(crate) async fn can_search(&self) -> bool {
        self.search("company", "general").await.is_ok_and(|found| !found.is_empty())
    }

    /// Everything there is on a posting's employer; the posting itself comes first.
    pub(crate) async fn sources_on(&self, posting: &Posting) -> Vec<Source> {
        let mut sources = vec![Source {
            url: posting.url.clone(),
            title: clean_field(&format!("{} at {}", posting.title, posting.company), 300),
            kind: SourceKind::Posting,
            text: truncate_characters(&posting.description_text, PAGE_CHARACTERS).to_owned(),
        }];
        if posting.company.trim().is_empty() || self.most_pages == 0 {
            return sources;
        }
        let found = self.search_all(&posting.company).await;
        let named = [Some(posting.url.as_str()), posting.apply_url.as_deref()];
        let addresses = named.into_iter().flatten().chain(found.iter().map(|(_, found)| found.url.as_str()));
        let site = addresses.filter_map(|url| own_site(url, &posting.company)).next();
        if let Some(site) = &site {
            self.read_site(site, &mut sources).await;
        }
        for (kind, found) in &found {
            if sources.len() > self.most_pages {
                break;
            }
            let Ok(url) = Url::parse(&found.url) else { continue };
            if !matches!(url.scheme(), "http" | "https") || sources.iter().any(|source| source.url == found.url) {
                continue;
            }
            // The engine's own excerpt is something to rest on where the page itself cannot be read.
            let source = match self.read(&url, *kind).await {
                Some((source, _)) => source,
                None if !found.content.trim().is_empty() => Source {
                    url: found.url.clone(),
                    title: clean_field(&found.title, 300),
                    kind: *kind,
                    text: clean_field(&found.content, 2_000),
                },
                None => continue,
            };
            sources.push(source);
        }
        sources
    }

    /// The first page of a site and those of its pages that say who they are.
    async fn read_site(&self, site: &Url, sources: &mut Vec<Source>) {
        let Some((first, links)) = self.read(site, SourceKind::Company).await else { return };
        sources.push(first);
        let mut followed: Vec<Url> = vec![site.clone()];
        for (url, words) in links {
            // Half of the pages are for what others say.
            if followed.len() > self.most_pages / 2 {
                break;
            }
            let mut url = url;
            url.set_fragment(None);
            let told = fold(&format!("{words} {}", url.path()));
            let is_worth = WORTH_READING.iter().any(|word| told.contains(word));
            if url.host_str() != site.host_str() || followed.contains(&url) || !is_worth {
                continue;
            }
            followed.push(url.clone());
            sources.extend(self.read(&url, SourceKind::Company).await.map(|(source, _)| source));
        }
    }

    async fn read(&self, url: &Url, kind: SourceKind) -> Option<(Source, Vec<(Url, String)>)> {
        let request = Request::page(url.clone()).redirecting_to(&["*"]).at_most(PAGE_BYTES);
        let page = match self.pages.page(request).await {
            Ok(page) => page,
            // A page that is gone or forbids programs is one source less; the brief names those that were read.
            Err(error) => {
                tracing::info!(%url, %error, "a page for a brief could not be read");
                return None;
            }
        };
        let reading = reading::read(&page.text(), &page.url);
        if reading.text.trim().is_empty() {
            return None;
        }
        let text = truncate_characters(reading.text.trim(), PAGE_CHARACTERS).to_owned();
        let title = if reading.title.is_empty() { url.to_string() } else { reading.title };
        Some((Source { url: page.url.to_string(), title, kind, text }, reading.links))
    }

    async fn search_all(&self, company: &str) -> Vec<(SourceKind, Found)> {
        let queries = [
            (format!("{company} company about"), "general", SourceKind::Web),
            (format!("{company} news"), "news", SourceKind::News),
            (format!("{company} funding competitors"), "general", SourceKind::Web),
            (format!("{company} culture employees reviews"), "general", SourceKind::Web),
        ];
        let mut all: Vec<(SourceKind, Found)> = Vec::new();
        for (query, category, kind) in queries {
            match self.search(&query, category).await {
                Ok(found) => {
                    for one in found.into_iter().take(RESULTS) {
                        if !all.iter().any(|(_, known)| known.url == one.url) {
                            all.push((kind, one));
                        }
                    }
                }
                Err(NoSearch::None) => break,
                Err(NoSearch::Failed(error)) => tracing::info!(%error, query, "a search for a brief failed"),
            }
        }
        all
    }

    /// Asks the first instance that answers (<https://docs.searxng.org/dev/search_api.html>).
    async fn search(&self, query: &str, category: &str) -> Result<Vec<Found>, NoSearch> {
        let mut last = NoSearch::None;
        for (base, fetcher) in &self.instances {
            let Ok(mut url) = base.join("search") else { continue };
            url.query_pairs_mut()
                .append_pair("q", query)
                .append_pair("categories", category)
                .append_pair("format", "json");
            let page = match fetcher.page(Request::get(url)).await {
                Ok(page) => page,
                Err(error) => {
                    last = NoSearch::Failed(error.to_string());
                    continue;
                }
            };
            match serde_json::from_str::<Answer>(&page.text()) {
                Ok(answer) => return Ok(answer.results),
                Err(_) => {
                    last = NoSearch::Failed(format!(
                        "{base} answers no JSON; if it is a SearXNG instance, switch the format json on in its settings"
                    ));
                }
            }
        }
        Err(last)
    }
}

/// Why nothing was searched for.
enum NoSearch {
    /// There is no instance.
    None,
    Failed(String),
}

/// The employer's own site, if an address lies on it: a host with a label that is the company's name.
fn own_site(address: &str, company: &str) -> Option<Url> {
    let url = Url::parse(address).ok()?;
    let host = url.host_str()?.trim_start_matches("www.");
    let name: String =
        aerie_postings::company::company_key(company).chars().filter(char::is_ascii_alphanumeric).collect();
    if name.len() < 3 {
        return None;
    }
    let labels: Vec<&str> = host.split('.').collect();
    let plain = |label: &str| -> String { fold(label).chars().filter(char::is_ascii_alphanumeric).collect() };
    // The last label is never a name.
    let at = labels.iter().take(labels.len().saturating_sub(1)).rposition(|label| plain(label) == name)?;
    // "acme.hirewell.example" is a page of the hiring system, not of Acme.
    let is_registered =
        labels.len() - at <= 3 && labels.get(at + 1).is_some_and(|next| at + 2 == labels.len() || next.len() <= 3);
    is_registered
        .then(|| Url::parse(&format!("{}://{}/", url.scheme(), host_from(url.host_str()?, &labels, at))).ok())?
}

/// The host from the label of the name on, with "www." where the address has it and nothing stands between.
fn host_from(host: &str, labels: &[&str], at: usize) -> String {
    let rest = labels.get(at..).unwrap_or(labels).join(".");
    if at == 0 && host.starts_with("www.") { format!("www.{rest}") } else { rest }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_employers_own_site_is_known_by_its_name() {
        let site = |address: &str, company: &str| own_site(address, company).map(|url| url.to_string());
        assert_eq!(
            site("https://careers.brasswick.com/1", "Brasswick Ltd.").as_deref(),
            Some("https://brasswick.com/")
        );
        assert_eq!(
            site("https://www.brass-wick.co.uk/x", "Brass Wick").as_deref(),
            Some("https://www.brass-wick.co.uk/")
        );
        assert_eq!(site("https://brasswick.hirewell.com/1", "Brasswick"), None, "a hiring system's page");
        assert_eq!(site("https://boards.example.com/brasswick", "Brasswick"), None);
        assert_eq!(site("https://hp.com", "HP"), None, "two letters say too little");
        assert_eq!(site("nonsense", "Brasswick"), None);
    }
}
