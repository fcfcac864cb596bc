//! Degrees, certificates, languages and distinctions.

use std::{collections::HashSet, sync::LazyLock};

use aerie_matching::text::{is_stop_word, words};

use super::{ClaimKind, Context, Unsupported, facts::folded, stance::Stance};
use crate::{
    lexicon::is_language,
    pattern::{Pattern, pattern},
};

/// The rank of a degree; two ways to write one are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Degree {
    Doctorate,
    Master,
    Mba,
    Bachelor,
    Diploma,
}

static DEGREES: LazyLock<Pattern> = LazyLock::new(|| {
    pattern(
        r"(?x)
        (?P<doctorate>(?i:\b(?:ph\.?\s?d|doctorate|doctoral|doktortitel|promoviert|promotion\ in|dissertation|doctorat|doctorado|dphil)\b))
        | (?P<mba>\bMBA\b|(?i:\bmaster['’]?s?\s+(?:of|in)\s+business\s+administration\b))
        | (?P<master>(?i:\b(?:master['’]?s?\s+(?:degree|of|in|studies)|m\.?sc|m\.?eng|mphys|mphil|master['’]s|masterabschluss|maestr[íi]a)\b)|\bM\.?[AS]\.|\bMA\b|\bMS\b|\bMaster\b)
        | (?P<bachelor>(?i:\b(?:bachelor['’]?s?|b\.?sc|b\.?eng|licenciatura|licence|grado\s+en)\b)|\bB\.?[AS]\.|\bBA\b|\bBS\b)
        | (?P<diploma>(?i:\bdiplom\w*|\bdipl[ôo]me\b))",
    )
});
static CERTIFIED: LazyLock<Pattern> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:certified|certification|certificate|licensed|license|charterholder|accredited|zertifizier\w*|zertifikat|certifi[ée]\w*|certificad[oa])\b",
    )
});
static SPEAKS: LazyLock<Pattern> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:fluent\w*|speak|spoken|native|bilingual|languages?|spreche|sprache|flie(?:ß|ss)end|parle|couramment|hablo|idioma|proficient)\b",
    )
});
static DISTINCTION: LazyLock<Pattern> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:awards?|awarded|prize|medal|patents?|patented|published|publications?|keynote|founded|co-founded|founder|fellowship|scholarship|honou?rs|valedictorian|bestseller|auszeichnung|preis|patente?|ver[öo]ffentlicht|gegr[üu]ndet|prix|brevet|premio|fund[ée])\b",
    )
});

/// The degrees that a text names.
pub(super) fn degrees(text: &str) -> HashSet<Degree> {
    DEGREES.captures_iter(text).filter_map(|captures| degree(&captures)).collect()
}

fn degree(captures: &regex::Captures<'_>) -> Option<Degree> {
    let names = [
        ("doctorate", Degree::Doctorate),
        ("mba", Degree::Mba),
        ("master", Degree::Master),
        ("bachelor", Degree::Bachelor),
        ("diploma", Degree::Diploma),
    ];
    names.into_iter().find(|(name, _)| captures.name(name).is_some()).map(|(_, degree)| degree)
}

pub(super) fn check(context: &Context<'_>) -> Vec<Unsupported> {
    if context.stance != Stance::Own {
        return Vec::new();
    }
    let mut unsupported = check_degrees(context);
    unsupported.extend(check_certificates(context));
    unsupported.extend(check_languages(context));
    unsupported.extend(check_distinctions(context));
    unsupported.extend(check_skills(context));
    unsupported
}

fn check_degrees(context: &Context<'_>) -> Vec<Unsupported> {
    let held = &context.facts.degrees;
    let missing = DEGREES.captures_iter(context.clause).filter_map(|captures| {
        let degree = degree(&captures)?;
        let range = captures.get(0)?.range();
        // A master by another name is a master.
        let has =
            held.contains(&degree) || (degree == Degree::Master && held.contains(&Degree::Mba) && is_business(context));
        (!has).then(|| context.unsupported(ClaimKind::Degree, range, "the profile has no such degree"))
    });
    missing.collect()
}

fn is_business(context: &Context<'_>) -> bool {
    context.clause.to_lowercase().contains("business")
}

/// "certified in X", "X certification": one of the words beside must be in a certificate of the profile.
fn check_certificates(context: &Context<'_>) -> Vec<Unsupported> {
    let Some(found) = CERTIFIED.find(context.clause) else { return Vec::new() };
    let certificates = &context.facts.certificates;
    let near: Vec<String> =
        folded(context.clause).into_iter().filter(|word| !is_stop_word(word) && word.len() > 1).collect();
    let own = folded(found.as_str());
    let supported = near.iter().any(|word| !own.contains(word) && certificates.contains(word));
    if supported {
        return Vec::new();
    }
    vec![context.unsupported(ClaimKind::Certificate, found.range(), "the profile has no such certificate")]
}

fn check_languages(context: &Context<'_>) -> Vec<Unsupported> {
    if !SPEAKS.is_match(context.clause) {
        return Vec::new();
    }
    let unknown = words(context.clause).into_iter().filter(|word| {
        let is_named = context
            .clause
            .get(word.span.clone())
            .is_some_and(|text| text.chars().next().is_some_and(char::is_uppercase));
        is_named && is_language(&word.folded) && !context.facts.has_word(&word.folded)
    });
    unknown
        .map(|word| context.unsupported(ClaimKind::Language, word.span, "the profile does not list this language"))
        .collect()
}

fn check_distinctions(context: &Context<'_>) -> Vec<Unsupported> {
    let unknown = DISTINCTION
        .find_iter(context.clause)
        .filter(|found| !folded(found.as_str()).iter().all(|word| context.facts.has_word(word)));
    unknown
        .map(|found| {
            context.unsupported(ClaimKind::Distinction, found.range(), "the profile names nothing of the kind")
        })
        .collect()
}

/// Skills that the posting asks for and the profile lacks are what a generous writer adds first.
fn check_skills(context: &Context<'_>) -> Vec<Unsupported> {
    let facts = context.facts;
    let mentions = context.vocabulary.mentions(context.clause).into_iter().filter(|mention| {
        let asked = facts.target_skills.contains(&mention.skill);
        let hard = context.vocabulary.weight(mention.skill) >= 1.0;
        let said = context.clause.get(mention.span.clone()).unwrap_or("");
        asked && hard && !facts.skills.contains(&mention.skill) && !folded(said).iter().all(|word| facts.has_word(word))
    });
    mentions
        .map(|mention| context.unsupported(ClaimKind::Skill, mention.span, "the profile does not list this skill"))
        .collect()
}
