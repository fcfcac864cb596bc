//! Employers that a person promised not to name.

use super::wording::Wording;
use crate::{
    content::Language,
    resume::{Profile, Sourced},
};

/// A copy of the profile in which these employers are named nowhere: whole words, whatever their case, in every field.
/// Spans of changed fields are dropped, as they would lead to the name.
pub fn mask(profile: &Profile, confidential: &[String], language: Language) -> Profile {
    let mut masked = profile.clone();
    let names: Vec<regex::Regex> = confidential.iter().filter_map(|name| pattern(name)).collect();
    if names.is_empty() {
        return masked;
    }
    let instead = Wording::of(language).masked;
    let hide = |field: &mut Sourced| {
        let hidden = names
            .iter()
            .fold(field.value.clone(), |text, name| name.replace_all(&text, regex::NoExpand(instead)).into_owned());
        if hidden != field.value {
            *field = Sourced::given(hidden);
        }
    };
    for_each_text(&mut masked, hide);
    // What has no field here was written by others, and may hold the name anywhere.
    masked.extra.clear();
    masked.contact.links.retain(|link| !names.iter().any(|name| name.is_match(&link.url.value)));
    for position in &mut masked.positions {
        position.extra.clear();
    }
    masked
}

fn pattern(name: &str) -> Option<regex::Regex> {
    let words: Vec<String> = name.split_whitespace().map(regex::escape).collect();
    if words.is_empty() {
        return None;
    }
    let edge = |at: Option<char>| if at.is_some_and(char::is_alphanumeric) { r"\b" } else { "" };
    let (first, last) = (edge(name.trim().chars().next()), edge(name.trim().chars().next_back()));
    regex::Regex::new(&format!("(?i){first}{}{last}", words.join(r"\s+"))).ok()
}

fn for_each_text(profile: &mut Profile, mut change: impl FnMut(&mut Sourced)) {
    let contact = &mut profile.contact;
    contact.headline.iter_mut().for_each(&mut change);
    profile.summary.iter_mut().for_each(&mut change);
    for position in &mut profile.positions {
        let fields = [&mut position.employer, &mut position.title, &mut position.place, &mut position.summary];
        fields.into_iter().flatten().for_each(&mut change);
        position.bullets.iter_mut().for_each(&mut change);
    }
    for school in &mut profile.education {
        school.institution.iter_mut().for_each(&mut change);
        school.notes.iter_mut().for_each(&mut change);
    }
    for group in &mut profile.skills {
        group.skills.iter_mut().for_each(&mut change);
    }
    for certificate in &mut profile.certificates {
        change(&mut certificate.name);
        certificate.issuer.iter_mut().for_each(&mut change);
    }
    for section in &mut profile.sections {
        section.title.iter_mut().for_each(&mut change);
        section.lines.iter_mut().for_each(&mut change);
    }
}
