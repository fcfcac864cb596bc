//! Which sources and boards a search profile asks, each with the query that it understands.

use std::collections::BTreeMap;

use aerie_boards::{CompanyBoard, Query, SourceInfo, SourceKind};
use aerie_config::Discovery;
use aerie_postings::RemoteKind;
use serde::{Deserialize, Serialize};

use crate::profile::SearchProfile;

/// One child of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Errand {
    /// Source name.
    pub source: String,
    /// Board of the source, or the address of a page or feed.
    pub board: Option<String>,
}

impl Errand {
    /// Name within a run: `remotive`, `greenhouse:acme`.
    pub fn name(&self) -> String {
        match &self.board {
            Some(board) => format!("{}:{board}", self.source),
            None => self.source.clone(),
        }
    }
}

/// A source that is left out, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// Name within the run.
    pub name: String,
    /// Why, with what to do.
    pub reason: String,
}

/// What a run does and what it leaves out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunPlan {
    /// To be done.
    pub errands: Vec<Errand>,
    /// Left out with a reason that the person should see.
    pub skipped: Vec<Skipped>,
}

/// Whether runs use a source: its own default, unless the configuration says otherwise.
pub fn is_enabled(info: &SourceInfo, settings: &Discovery) -> bool {
    if settings.disabled_sources.contains(&info.name) {
        return false;
    }
    if settings.enabled_sources.contains(&info.name) {
        return true;
    }
    // A recipe is wanted by whoever wrote it, a page or feed by whoever named it, a key by whoever entered it.
    info.default_on
        || matches!(info.kind, SourceKind::Recipe | SourceKind::Page | SourceKind::Feed)
        || (info.needs_key.is_some() && missing_keys(info, settings).is_empty())
}

/// Names of key values that a source needs and the configuration lacks.
pub fn missing_keys(info: &SourceInfo, settings: &Discovery) -> Vec<String> {
    let keys = keys_of(&info.name, settings);
    let needed = info.needs_key.iter().flat_map(|need| need.names);
    needed.filter(|name| keys.get(**name).is_none_or(String::is_empty)).map(|name| (*name).to_owned()).collect()
}

/// Key values of a source by the names that it uses.
fn keys_of(source: &str, settings: &Discovery) -> BTreeMap<String, String> {
    let pairs: Vec<(&str, &str)> = match source {
        "adzuna" => {
            vec![("app_id", settings.keys.adzuna.app_id.reveal()), ("app_key", settings.keys.adzuna.app_key.reveal())]
        }
        "usajobs" => {
            vec![("email", settings.keys.usajobs.email.as_str()), ("key", settings.keys.usajobs.key.reveal())]
        }
        _ => vec![],
    };
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// Plans a run. `only` names sources to which it is confined; empty means all.
pub fn plan<'a>(
    infos: impl Iterator<Item = &'a SourceInfo>,
    search: &SearchProfile,
    only: &[String],
    settings: &Discovery,
) -> RunPlan {
    let mut plan = RunPlan::default();
    for info in infos {
        let asked = only.contains(&info.name) || search.sources.contains(&info.name);
        let confined = (!only.is_empty() && !only.contains(&info.name))
            || (only.is_empty() && !search.sources.is_empty() && !search.sources.contains(&info.name));
        if confined {
            continue;
        }
        let errands = errands_of(info, search);
        if errands.is_empty() {
            continue;
        }
        let missing = missing_keys(info, settings);
        if settings.disabled_sources.contains(&info.name) || (!asked && !is_enabled(info, settings)) {
            // Off by default is no news; off although it was asked for is.
            if asked || info.kind == SourceKind::CompanyBoard {
                let reason = format!("off: take {} out of discovery.disabled_sources to use it", info.name);
                plan.skipped
                    .extend(errands.iter().map(|errand| Skipped { name: errand.name(), reason: reason.clone() }));
            }
        } else if missing.is_empty() {
            plan.errands.extend(errands);
        } else {
            let reason = format!("needs discovery.keys.{}.{}", info.name, missing.join(" and "));
            plan.skipped.push(Skipped { name: info.name.clone(), reason });
        }
    }
    plan
}

fn errands_of(info: &SourceInfo, search: &SearchProfile) -> Vec<Errand> {
    let errand = |board: Option<&str>| Errand { source: info.name.clone(), board: board.map(str::to_owned) };
    match info.kind {
        SourceKind::CompanyBoard => search.boards_of(&info.name).map(|token| errand(Some(token))).collect(),
        SourceKind::Page => {
            search.pages.iter().filter(|page| !looks_like_feed(page)).map(|page| errand(Some(page))).collect()
        }
        SourceKind::Feed => {
            search.pages.iter().filter(|page| looks_like_feed(page)).map(|page| errand(Some(page))).collect()
        }
        SourceKind::Import => vec![],
        SourceKind::Aggregator | SourceKind::Keyed | SourceKind::Resisting | SourceKind::Recipe => vec![errand(None)],
    }
}

/// Whether an address is a feed's by its look. A wrong guess costs one visible failure that says so.
fn looks_like_feed(url: &str) -> bool {
    let path = url.split(['?', '#']).next().unwrap_or(url).to_lowercase();
    [".rss", ".xml", ".atom", "/feed", "/feed/", "/rss", "/rss/", ".rdf"].iter().any(|ending| path.ends_with(ending))
        || url.to_lowercase().contains("format=rss")
}

/// The query for one errand.
pub fn query(errand: &Errand, search: &SearchProfile, settings: &Discovery, ignore_cache: bool) -> Query {
    Query {
        titles: search.titles.clone(),
        places: search.places.clone(),
        countries: search.places.iter().filter_map(|place| country_of(place)).collect(),
        remote: search.remote_preference == RemoteKind::Remote,
        max_age_days: (search.max_age_days > 0).then_some(search.max_age_days),
        boards: errand.board.iter().map(|token| CompanyBoard::new(token.clone())).collect(),
        keys: keys_of(&errand.source, settings),
        limit: Some(search.limit()),
        ignore_cache,
    }
}

fn country_of(place: &str) -> Option<String> {
    aerie_postings::places::parse_places(place)
        .places
        .into_iter()
        .find_map(|place| place.country)
        .map(|code| code.to_lowercase())
}

/// Names a query within a source: equal for everybody whose search means the same there.
pub fn query_hash(errand: &Errand, query: &Query) -> String {
    let mut words = vec![
        errand.name(),
        format!("{:?}", query.max_age_days),
        format!("{:?}", query.limit),
        query.remote.to_string(),
    ];
    // A board gives everything whatever is searched for.
    if errand.board.is_none() {
        for list in [&query.titles, &query.places] {
            let mut list: Vec<String> = list.iter().map(|word| word.trim().to_lowercase()).collect();
            list.sort();
            words.push(list.join("\u{1f}"));
        }
    }
    format!("{:016x}", xxhash_rust::xxh3::xxh3_64(words.join("\u{1e}").as_bytes()))
}
