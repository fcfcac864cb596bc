//! What one part of a place text can be.

use super::cities::{self, City};
use super::{countries, lookup_key, regions};
use crate::RemoteKind;
use crate::employment::remote_words;

/// One part with everything it may mean; [`super::builder`] chooses by position.
#[derive(Debug, Default)]
pub(super) struct Part {
    /// The words as written, without words for remote work and the like.
    pub(super) text: String,
    /// A city of the table.
    pub(super) city: Option<City>,
    /// Regions by name or postal code: country and stored form.
    pub(super) regions: Vec<(&'static str, &'static str)>,
    /// A country by name or code.
    pub(super) country: Option<&'static str>,
    /// Whether the country was given by its two-letter code.
    pub(super) by_code: bool,
    /// A name for a part of the world, which is a scope but no place.
    pub(super) area: bool,
    /// Whether the words are a name that is in no table.
    pub(super) unknown: bool,
    /// Words for where the work is done.
    pub(super) remote: RemoteKind,
    /// Whether remote work is open to the whole world.
    pub(super) worldwide: bool,
}

/// Parts of the world, in lookup form.
const AREAS: [&str; 35] = [
    "europe",
    "european",
    "northern america",
    "oceania and asia",
    "nordic countries",
    "eu",
    "european union",
    "eea",
    "emea",
    "apac",
    "asia",
    "asia pacific",
    "latam",
    "latin america",
    "north america",
    "south america",
    "central america",
    "americas",
    "the americas",
    "amer",
    "na",
    "africa",
    "middle east",
    "mena",
    "oceania",
    "dach",
    "dach region",
    "nordics",
    "benelux",
    "cee",
    "eastern europe",
    "western europe",
    "southeast asia",
    "uki",
    "anz",
];

const WORLD: [&str; 9] = [
    "anywhere",
    "worldwide",
    "world",
    "global",
    "globally",
    "anywhere in the world",
    "international",
    "earth",
    "weltweit",
];

/// Words around a place that do not belong to its name.
const AROUND: [&str; 46] = [
    "in",
    "within",
    "from",
    "only",
    "based",
    "friendly",
    "possible",
    "optional",
    "or",
    "work",
    "working",
    "office",
    "offices",
    "hq",
    "headquarters",
    "headquarter",
    "option",
    "fully",
    "first",
    "eligible",
    "must",
    "be",
    "candidates",
    "residents",
    "area",
    "metro",
    "metropolitan",
    "greater",
    "region",
    "city",
    "of",
    "position",
    "preferred",
    "any",
    "anywhere",
    "location",
    "locations",
    "campus",
    "hub",
    "near",
    "all",
    "time",
    "zone",
    "zones",
    "timezone",
    "timezones",
];

/// Parts of a country.
const COMPASS: [&str; 14] = [
    "west",
    "east",
    "north",
    "south",
    "central",
    "northern",
    "southern",
    "western",
    "eastern",
    "coast",
    "midwest",
    "northeast",
    "southeast",
    "southwest",
];

/// Whole texts that name no place.
const NOTHING: [&str; 28] = [
    "tbd",
    "n a",
    "na",
    "none",
    "various",
    "various locations",
    "multiple",
    "multiple locations",
    "flexible",
    "nationwide",
    "unspecified",
    "not specified",
    "to be determined",
    "all locations",
    "several locations",
    "other",
    "location flexible",
    "any location",
    "null",
    "undefined",
    "unknown",
    "anywhere in",
    "different locations",
    "mehrere standorte",
    "see description",
    "travel required",
    "too many",
    "home",
];

impl Part {
    /// Reads one part. Behind another part (`behind`) two letters are a code in any case ("Philadelphia, Pa").
    pub(super) fn read(text: &str, behind: bool) -> Self {
        let mut part = Part { text: text.to_owned(), ..Part::default() };
        if behind && text.len() == 2 && part.resolve(&text.to_ascii_uppercase()) {
            return part;
        }
        if part.resolve(text) {
            return part;
        }
        let (remote, rest) = remote_words(text);
        part.remote = remote;
        part.text = rest;
        let mut rest = part.text.clone();
        if remote == RemoteKind::Unknown || !rest.is_empty() {
            let key = lookup_key(&rest);
            if WORLD.contains(&key.as_str()) {
                part.worldwide = true;
                part.remote = if remote == RemoteKind::Unknown { RemoteKind::Remote } else { remote };
                return part;
            }
            if key.is_empty() || is_nothing(&key) {
                return part;
            }
            if part.resolve(&rest) {
                return part;
            }
            rest = without_surroundings(&rest);
            if rest.is_empty() || is_nothing(&lookup_key(&rest)) {
                return part;
            }
            part.text.clone_from(&rest);
            if part.resolve(&rest) || part.resolve_within(&rest) {
                return part;
            }
            part.unknown = looks_like_name(&rest);
        }
        part
    }

    /// "US West", "Northern Germany": a country with a part of the compass.
    fn resolve_within(&mut self, text: &str) -> bool {
        let mut words: Vec<&str> = text.split_whitespace().collect();
        let all = words.len();
        words.retain(|word| !COMPASS.contains(&lookup_key(word).as_str()));
        if words.len() == all {
            return false;
        }
        self.country = countries::by_name(&lookup_key(&words.join(" ")));
        self.country.is_some()
    }

    /// Looks the words up in all tables; whether any knows them.
    fn resolve(&mut self, text: &str) -> bool {
        let key = lookup_key(text);
        if key.is_empty() {
            return false;
        }
        self.city = cities::by_name(&key);
        if let Some(region) = regions::by_name(&key) {
            self.regions.push(region);
        }
        self.country = countries::by_name(&key);
        // Codes are upper case: "in", "de" and "or" are words.
        let trimmed = text.trim().trim_end_matches('.');
        let is_code = matches!(trimmed.len(), 2 | 3) && trimmed.bytes().all(|byte| byte.is_ascii_uppercase());
        if is_code {
            for country in regions::WITH_CODES {
                if let Some(region) = regions::by_code(trimmed, country)
                    && !self.regions.contains(&(country, region))
                {
                    self.regions.push((country, region));
                }
            }
            if self.country.is_none() {
                self.country = countries::by_code(trimmed);
                self.by_code = self.country.is_some();
            }
        }
        // "England" is a region of its country rather than another word for it.
        if self.regions.iter().any(|(country, _)| Some(*country) == self.country) {
            self.country = None;
        }
        self.area = AREAS.contains(&key.as_str()) && self.regions.is_empty();
        if self.area && self.by_code {
            // "NA" is North America; nobody posts for Namibia by its code alone.
            self.country = None;
        }
        self.city.is_some() || !self.regions.is_empty() || self.country.is_some() || self.area
    }
}

fn is_nothing(key: &str) -> bool {
    NOTHING.contains(&key)
        || key.split(' ').all(|word| word.bytes().all(|byte| byte.is_ascii_digit()) || word.starts_with("location"))
}

/// The name without words around it and postal codes: "Greater Boston Area" is "Boston", "10115 Berlin" is "Berlin".
fn without_surroundings(text: &str) -> String {
    let kept: Vec<&str> = text
        .split_whitespace()
        .filter(|word| {
            let key = lookup_key(word);
            let postal_code = key.len() >= 3 && key.bytes().all(|byte| byte.is_ascii_digit());
            !(key.is_empty() || postal_code || AROUND.contains(&key.as_str()))
        })
        .collect();
    kept.join(" ").trim_matches(['-', ',', '.', ' ']).to_owned()
}

/// Whether the words can be the name of a place that no table has: short, with letters, few words.
fn looks_like_name(text: &str) -> bool {
    let letters = text.chars().filter(|character| character.is_alphabetic()).count();
    let digits = text.chars().filter(char::is_ascii_digit).count();
    // Two letters are a code that no table has.
    let is_code = text.is_ascii() && letters <= 2;
    letters >= 2
        && !is_code
        && digits <= 1
        && text.chars().count() <= 40
        && text.split_whitespace().count() <= 4
        && !text.contains(['@', '$', '€', '%', '!', '?', '=', '<', '{'])
}
