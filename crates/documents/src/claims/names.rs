//! Names: employers, schools, products, places. A name that neither the profile nor the posting knows is unsupported.

use std::{ops::Range, sync::LazyLock};

use aerie_matching::text::{Word, is_stop_word, words};

use super::{ClaimKind, Context, Unsupported, facts::contains_run, stance::Stance};
use crate::{
    lexicon::{is_language, is_month},
    pattern::{Pattern, pattern},
};

/// "At Acme I ...", "worked for Acme": the name is an employer of the person.
static EMPLOYED: LazyLock<Pattern> = LazyLock::new(|| {
    pattern(
        r"(?i)(?:^|\b(?:was|were|been|am|work|worked|working|served|years|year|months|time|career|job|position|role|manager|engineer|partner|analyst|developer|designer|[a-z]+er|[a-z]+or|arbeite|arbeitete|gearbeitet|war|t[ée]tig|travaill\w+|trabaj\w+)\s+(?:\w+\s+){0,4}?)(?:at|for|with|bei|bei\s+der|bei\s+dem|beim|chez|en)\s+(?:the\s+|der\s+|dem\s+|den\s+)?$",
    )
});
/// In German every noun begins large; a name is told by the word before it.
static GERMAN_NAME: LazyLock<Pattern> =
    LazyLock::new(|| pattern(r"(?i)\b(?:bei|beim|an|von|f[üu]r|zur|zum)\s+(?:der|dem|den|die)?\s*$"));
static GERMAN: LazyLock<Pattern> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:ich|und|der|die|das|dem|den|habe|bei|f[üu]r|nicht|sind|wurde|eine[rnms]?|mit|ist|aus|mein|meine[rnms]?|zur|zum|von|auf|seit|als)\b",
    )
});
static ENGLISH: LazyLock<Pattern> =
    LazyLock::new(|| pattern(r"(?i)\b(?:I|the|and|of|with|for|is|my|at|in|to|a|was|have|that|from)\b"));

/// Whether a text is German, where every noun begins large.
pub(super) fn is_german(text: &str) -> bool {
    let german = GERMAN.find_iter(text).count();
    german >= 2 && german > ENGLISH.find_iter(text).count()
}

/// Words that begin large without being names.
const COMMON: &[&str] = &[
    "i",
    "dear",
    "sir",
    "madam",
    "mr",
    "mrs",
    "ms",
    "dr",
    "sincerely",
    "regards",
    "kind",
    "best",
    "yours",
    "ok",
    "phd",
    "mba",
    "bsc",
    "msc",
    "ba",
    "ma",
    "ms",
    "bs",
    "ceo",
    "cto",
    "cfo",
    "coo",
    "hr",
    "it",
    "cv",
    "internet",
    "english",
    "european",
    "american",
    "university",
    "college",
    "school",
    "institute",
    "master",
    "bachelor",
    "science",
    "arts",
    "doctor",
    "company",
    "team",
];

struct Run {
    range: Range<usize>,
    words: Vec<String>,
    initial: bool,
}

pub(super) fn check(context: &Context<'_>) -> Vec<Unsupported> {
    let mut unsupported = Vec::new();
    for run in runs(context.clause, context.german) {
        if let Some(reason) = fault(context, &run) {
            unsupported.push(context.unsupported(ClaimKind::Name, run.range, reason));
        }
    }
    unsupported
}

/// Words in a row that begin large, with "of", "&" and the like between them.
fn runs(clause: &str, german: bool) -> Vec<Run> {
    let words = words(clause);
    let mut runs: Vec<Run> = Vec::new();
    let mut index = 0;
    while let Some(word) = words.get(index) {
        if !is_large(clause, word) || is_stop_word(&word.folded) || (german && !is_german_name(clause, word)) {
            index += 1;
            continue;
        }
        let first = index;
        let mut last = index;
        while let Some(next) = words.get(last + 1) {
            let between = clause.get(words[last].span.end..next.span.start).unwrap_or("");
            let joined = matches!(between, " " | "-" | "'" | "’" | ". " | "." | " & ");
            let bridges = joined
                && matches!(next.folded.as_str(), "of" | "de" | "the" | "del" | "la" | "du" | "for" | "s")
                && words.get(last + 2).is_some_and(|after| is_large(clause, after));
            if joined && is_large(clause, next) && !is_stop_word(&next.folded) {
                last += 1;
            } else if bridges {
                last += 2;
            } else {
                break;
            }
        }
        let initial = clause.get(..word.span.start).is_none_or(|before| before.trim().is_empty());
        let range = words[first].span.start..words[last].span.end;
        let inside: Vec<String> = words[first..=last].iter().map(|word| word.folded.clone()).collect();
        runs.push(Run { range, words: inside, initial });
        index = last + 1;
    }
    runs
}

fn is_large(clause: &str, word: &Word) -> bool {
    let text = clause.get(word.span.clone()).unwrap_or("");
    text.chars().next().is_some_and(char::is_uppercase) || text.chars().skip(1).any(char::is_uppercase)
}

fn is_german_name(clause: &str, word: &Word) -> bool {
    let text = clause.get(word.span.clone()).unwrap_or("");
    let capitals = text.chars().filter(|character| character.is_uppercase()).count();
    capitals >= 2 || GERMAN_NAME.is_match(clause.get(..word.span.start).unwrap_or(""))
}

fn fault(context: &Context<'_>, run: &Run) -> Option<&'static str> {
    let facts = context.facts;
    let skipped = |word: &String| {
        word.chars().count() <= 1
            || is_stop_word(word)
            || COMMON.contains(&word.as_str())
            || is_month(word)
            || (is_language(word) && context.stance != Stance::Own)
            || word.chars().all(|character| character.is_ascii_digit())
            || facts.person.contains(word)
    };
    let wanted: Vec<String> = run.words.iter().filter(|word| !skipped(word)).cloned().collect();
    // A single word at the beginning is large because it is there.
    if wanted.is_empty() || (run.initial && run.words.len() == 1 && !looks_like_a_name(context, run)) {
        return None;
    }
    let before = context.clause.get(..run.range.start).unwrap_or("");
    if context.stance == Stance::Own && EMPLOYED.is_match(before) {
        let is_place = crate::resume::is_known_place(context.clause.get(run.range.clone()).unwrap_or(""));
        let known = facts
            .organisations
            .iter()
            .any(|name| contains_run(name, &wanted) || wanted.iter().all(|word| name.contains(word)));
        let elsewhere = is_place && wanted.iter().all(|word| facts.has_word(word));
        return (!known && !elsewhere).then_some("the profile has no such employer or school");
    }
    let known = |word: &String| match context.stance {
        Stance::Own => facts.has_word(word),
        Stance::Wish | Stance::Employer => facts.has_word(word) || facts.target_has_word(word),
    };
    let supported = wanted.iter().all(known) || facts.names_target(&wanted);
    (!supported).then_some("neither the profile nor the posting names it")
}

/// A first word that is a name beyond doubt: capitals inside, or the whole clause begins with it as somebody who acts.
fn looks_like_a_name(context: &Context<'_>, run: &Run) -> bool {
    let text = context.clause.get(run.range.clone()).unwrap_or("");
    text.chars().skip(1).any(char::is_uppercase)
}
