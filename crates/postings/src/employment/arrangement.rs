//! Where the work is done, from words.

use std::ops::Range;

use crate::RemoteKind;
use crate::text::{fold, truncate_bytes, words};

/// Words of a place or a field, longest first where one holds another.
const PLACE_PHRASES: &[(&[&str], RemoteKind)] = &[
    (&["no", "remote", "work"], RemoteKind::OnSite),
    (&["not", "a", "remote"], RemoteKind::OnSite),
    (&["remote", "not", "possible"], RemoteKind::OnSite),
    (&["not", "remote"], RemoteKind::OnSite),
    (&["no", "remote"], RemoteKind::OnSite),
    (&["non", "remote"], RemoteKind::OnSite),
    (&["kein", "remote"], RemoteKind::OnSite),
    (&["kein", "homeoffice"], RemoteKind::OnSite),
    (&["kein", "home", "office"], RemoteKind::OnSite),
    (&["partially", "remote"], RemoteKind::Hybrid),
    (&["partly", "remote"], RemoteKind::Hybrid),
    (&["part", "remote"], RemoteKind::Hybrid),
    (&["semi", "remote"], RemoteKind::Hybrid),
    (&["teilweise", "remote"], RemoteKind::Hybrid),
    (&["hybrid", "remote"], RemoteKind::Hybrid),
    (&["remote", "hybrid"], RemoteKind::Hybrid),
    (&["hybrid"], RemoteKind::Hybrid),
    (&["hybride"], RemoteKind::Hybrid),
    (&["hibrido"], RemoteKind::Hybrid),
    (&["ibrido"], RemoteKind::Hybrid),
    (&["hybrydowa"], RemoteKind::Hybrid),
    (&["work", "from", "home"], RemoteKind::Remote),
    (&["work", "from", "anywhere"], RemoteKind::Remote),
    (&["working", "from", "home"], RemoteKind::Remote),
    (&["home", "office"], RemoteKind::Remote),
    (&["home", "based"], RemoteKind::Remote),
    (&["remote"], RemoteKind::Remote),
    (&["remotely"], RemoteKind::Remote),
    (&["remoto"], RemoteKind::Remote),
    (&["remota"], RemoteKind::Remote),
    (&["fernarbeit"], RemoteKind::Remote),
    (&["wfh"], RemoteKind::Remote),
    (&["homeoffice"], RemoteKind::Remote),
    (&["homebased"], RemoteKind::Remote),
    (&["telecommute"], RemoteKind::Remote),
    (&["telecommuting"], RemoteKind::Remote),
    (&["telework"], RemoteKind::Remote),
    (&["teletravail"], RemoteKind::Remote),
    (&["teletrabajo"], RemoteKind::Remote),
    (&["zdalna"], RemoteKind::Remote),
    (&["zdalnie"], RemoteKind::Remote),
    (&["distributed"], RemoteKind::Remote),
    (&["virtual"], RemoteKind::Remote),
    (&["onsite"], RemoteKind::OnSite),
    (&["on", "site"], RemoteKind::OnSite),
    (&["in", "office"], RemoteKind::OnSite),
    (&["in", "person"], RemoteKind::OnSite),
    (&["vor", "ort"], RemoteKind::OnSite),
    (&["presentiel"], RemoteKind::OnSite),
    (&["presencial"], RemoteKind::OnSite),
    (&["office", "based"], RemoteKind::OnSite),
];

/// Words that in a title name the matter of the work behind "remote" or "hybrid" ("Remote Sensing Engineer").
const MATTER: [&str; 34] = [
    "sensing",
    "control",
    "controlled",
    "controls",
    "access",
    "desktop",
    "monitoring",
    "hands",
    "server",
    "servers",
    "vehicle",
    "vehicles",
    "pilot",
    "diagnostics",
    "workforce",
    "teams",
    "operations",
    "cloud",
    "clouds",
    "electric",
    "engine",
    "infrastructure",
    "identity",
    "mobile",
    "system",
    "systems",
    "bonding",
    "power",
    "integration",
    "search",
    "propulsion",
    "app",
    "apps",
    "warfare",
];

/// Phrases of a description that say it outright, in order of weight: a denial outweighs hybrid, hybrid outweighs
/// remote. Bare mentions ("remote teams", "hybrid cloud") say nothing.
const DESCRIPTION_PHRASES: &[(&str, RemoteKind)] = &[
    ("not a remote position", RemoteKind::OnSite),
    ("not a remote role", RemoteKind::OnSite),
    ("not a remote job", RemoteKind::OnSite),
    ("not remote", RemoteKind::OnSite),
    ("no remote", RemoteKind::OnSite),
    ("remote work is not", RemoteKind::OnSite),
    ("hybrid role", RemoteKind::Hybrid),
    ("hybrid position", RemoteKind::Hybrid),
    ("hybrid work", RemoteKind::Hybrid),
    ("hybrid working", RemoteKind::Hybrid),
    ("hybrid schedule", RemoteKind::Hybrid),
    ("hybrid model", RemoteKind::Hybrid),
    ("hybrid environment", RemoteKind::Hybrid),
    ("hybrides arbeiten", RemoteKind::Hybrid),
    ("days a week in the office", RemoteKind::Hybrid),
    ("days per week in the office", RemoteKind::Hybrid),
    ("days a week in our", RemoteKind::Hybrid),
    ("days per week in our", RemoteKind::Hybrid),
    ("days in office", RemoteKind::Hybrid),
    ("days in the office", RemoteKind::Hybrid),
    ("fully remote", RemoteKind::Remote),
    ("100 remote", RemoteKind::Remote),
    ("remote position", RemoteKind::Remote),
    ("remote role", RemoteKind::Remote),
    ("remote job", RemoteKind::Remote),
    ("remote opportunity", RemoteKind::Remote),
    ("remote first", RemoteKind::Remote),
    ("role is remote", RemoteKind::Remote),
    ("position is remote", RemoteKind::Remote),
    ("work from anywhere", RemoteKind::Remote),
    ("work remotely from", RemoteKind::Remote),
    ("on site position", RemoteKind::OnSite),
    ("on site role", RemoteKind::OnSite),
    ("onsite position", RemoteKind::OnSite),
    ("onsite role", RemoteKind::OnSite),
    ("in person role", RemoteKind::OnSite),
    ("in office role", RemoteKind::OnSite),
    ("work on site", RemoteKind::OnSite),
    ("work onsite", RemoteKind::OnSite),
];

/// Bytes of a description that are searched.
const MAX_DESCRIPTION: usize = 12_000;

/// What the words of a place say about where the work is done, and the text without these words. A denial ("no
/// remote") is on site; hybrid outweighs remote.
pub fn remote_words(text: &str) -> (RemoteKind, String) {
    let (kind, ranges) = find_place_phrases(text);
    if ranges.is_empty() {
        return (kind, text.trim().to_owned());
    }
    let mut rest = String::with_capacity(text.len());
    let mut from = 0;
    for range in ranges {
        rest.push_str(text.get(from..range.start).unwrap_or(""));
        rest.push(' ');
        from = range.end;
    }
    rest.push_str(text.get(from..).unwrap_or(""));
    let trimmed = rest.trim_matches(|character: char| !character.is_alphanumeric());
    (kind, trimmed.to_owned())
}

fn find_place_phrases(text: &str) -> (RemoteKind, Vec<Range<usize>>) {
    let mut tokens: Vec<(String, Range<usize>)> = Vec::new();
    let mut iterator = words(text);
    while let Some(word) = iterator.next() {
        let end = iterator.position();
        tokens.push((fold(word), end - word.len()..end));
    }
    let mut kind = RemoteKind::Unknown;
    let mut ranges = Vec::new();
    let mut index = 0;
    while let Some(rest) = tokens.get(index..).filter(|rest| !rest.is_empty()) {
        let found = PLACE_PHRASES.iter().find(|(phrase, _)| {
            phrase.len() <= rest.len() && phrase.iter().zip(rest).all(|(wanted, (word, _))| wanted == word)
        });
        let Some((phrase, phrase_kind)) = found else {
            index += 1;
            continue;
        };
        if let (Some((_, first)), Some((_, last))) = (rest.first(), rest.get(phrase.len() - 1)) {
            ranges.push(first.start..last.end);
        }
        let denied = *phrase_kind == RemoteKind::OnSite && phrase.len() > 1;
        kind = match (kind, *phrase_kind) {
            (RemoteKind::Unknown, found) => found,
            (RemoteKind::Hybrid, _) if !denied => RemoteKind::Hybrid,
            (_, RemoteKind::Hybrid) => RemoteKind::Hybrid,
            (RemoteKind::OnSite, RemoteKind::Remote) => RemoteKind::Remote,
            (known, _) => known,
        };
        index += phrase.len();
    }
    (kind, ranges)
}

/// What a title says about where the work is done. "Remote Sensing Engineer" and "Hybrid Cloud Architect" say nothing.
pub fn remote_kind_of_title(title: &str) -> RemoteKind {
    let folded = fold(title);
    let tokens: Vec<&str> = words(&folded).collect();
    let mut kind = RemoteKind::Unknown;
    for (index, word) in tokens.iter().enumerate() {
        let found = match *word {
            "remote" | "remoto" | "remota" | "wfh" | "homeoffice" | "telecommute" | "teletravail" => RemoteKind::Remote,
            "hybrid" | "hybride" | "hibrido" => RemoteKind::Hybrid,
            "onsite" => RemoteKind::OnSite,
            "site" if index > 0 && tokens.get(index - 1) == Some(&"on") => RemoteKind::OnSite,
            "home" if tokens.get(index.wrapping_sub(1)) == Some(&"from") => RemoteKind::Remote,
            _ => continue,
        };
        if tokens.get(index + 1).is_some_and(|next| MATTER.contains(next)) {
            continue;
        }
        let before = index.checked_sub(1).and_then(|before| tokens.get(before));
        if found == RemoteKind::Remote && before.is_some_and(|before| matches!(*before, "no" | "not" | "non" | "kein"))
        {
            return RemoteKind::OnSite;
        }
        if kind == RemoteKind::Unknown || found == RemoteKind::Hybrid {
            kind = found;
        }
    }
    kind
}

/// What a description says outright about where the work is done.
pub fn remote_kind_of_description(text: &str) -> RemoteKind {
    let folded = fold(truncate_bytes(text, MAX_DESCRIPTION));
    if !["remot", "hybrid", "site", "office", "anywhere", "person"].iter().any(|stem| folded.contains(stem)) {
        return RemoteKind::Unknown;
    }
    let mut joined = String::with_capacity(folded.len() + 2);
    joined.push(' ');
    for word in words(&folded) {
        joined.push_str(word);
        joined.push(' ');
    }
    let says = |phrase: &str| {
        joined.match_indices(phrase).any(|(at, _)| {
            let before = at.checked_sub(1).and_then(|before| joined.as_bytes().get(before));
            before == Some(&b' ') && joined.as_bytes().get(at + phrase.len()) == Some(&b' ')
        })
    };
    DESCRIPTION_PHRASES.iter().find(|(phrase, _)| says(phrase)).map_or(RemoteKind::Unknown, |(_, kind)| *kind)
}
