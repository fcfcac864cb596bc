//! Titles that a person says they hold or held.

use std::sync::LazyLock;

use aerie_matching::text::{is_stop_word, words};

use super::{ClaimKind, Context, Unsupported, facts::contains_run, stance::Stance};
use crate::{
    lexicon::title_score,
    pattern::{Pattern, pattern},
};

/// What comes before a title that somebody claims.
static TRIGGER: LazyLock<Pattern> = LazyLock::new(|| {
    pattern(
        r"(?ix)\b(?:as|als|en\s+tant\s+que|como|worked\s+as|served\s+as|promoted\s+to|became|bef[öo]rdert\s+zur?m?|role\s+of|I\s+am|I['’]m|I\s+was|I\s+have\s+been|we\s+were|ich\s+bin|ich\s+war|je\s+suis|soy|been)\s+(?:now\s+|currently\s+|first\s+)?(?:an?\s+|the\s+|their\s+|its\s+|eine?r?\s+|une?\s+|un[ao]?\s+)?",
    )
});
/// Where a title ends.
static STOP: LazyLock<Pattern> = LazyLock::new(|| {
    pattern(
        r"(?ix)[.;:!?()]|,\s|\s(?:at|in|for|with|who|where|when|and|that|since|from|on|by|under|to|bei|f[üu]r|mit|seit|im|und|der|die|chez|pour|avec|desde|con|para|y|et|[a-z]+ing|I|we|ich)(?:\s|$)",
    )
});

pub(super) fn check(context: &Context<'_>) -> Vec<Unsupported> {
    if context.stance != Stance::Own {
        return Vec::new();
    }
    let mut unsupported = Vec::new();
    for trigger in TRIGGER.find_iter(context.clause) {
        let rest = context.clause.get(trigger.end()..).unwrap_or("");
        let end = STOP.find(rest).map_or(rest.len(), |stop| stop.start());
        let phrase = rest.get(..end).unwrap_or("").trim_end();
        if phrase.split_whitespace().count() > 8 || title_score(phrase) == 0 {
            continue;
        }
        if !is_held(context, phrase) {
            let range = trigger.end()..trigger.end() + phrase.len();
            unsupported.push(context.unsupported(
                ClaimKind::Title,
                range,
                "the profile has no position with this title",
            ));
        }
    }
    unsupported
}

/// Every word of the title stands in one title of the profile; where the employer is named too, in one held there.
fn is_held(context: &Context<'_>, phrase: &str) -> bool {
    let wanted: Vec<String> =
        words(phrase).into_iter().map(|word| word.folded).filter(|word| !is_stop_word(word)).collect();
    let facts = context.facts;
    // The phrase may name the employer too: "as Chief Operating Officer of Groene Halm".
    let of_employer = |word: &String| facts.organisations.iter().any(|name| name.contains(word));
    let core: Vec<&String> = wanted.iter().filter(|word| !of_employer(word)).collect();
    if core.is_empty() {
        return true;
    }
    let there: Vec<_> = facts.mentioned(context.sentence);
    let sentence: Vec<String> = words(context.sentence).into_iter().map(|word| word.folded).collect();
    let names_employer = there.iter().any(|held| {
        held.employer.first().is_some_and(|_| contains_run(&sentence, held.employer.get(..1).unwrap_or_default()))
    });
    if names_employer {
        let by_title = there.iter().any(|held| core.iter().all(|word| held.title.contains(word)));
        return by_title;
    }
    facts.titles.iter().any(|title| core.iter().all(|word| title.contains(*word)))
}
