//! Who a clause is about, and whether it states or wishes.

use std::{ops::Range, sync::LazyLock};

use super::{TextKind, facts::Facts};
use crate::pattern::{Pattern, pattern};

/// Who is meant, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stance {
    /// The person states something of themselves.
    Own,
    /// A wish, an offer, the application itself.
    Wish,
    /// The employer or the posting.
    Employer,
}

static FIRST_PERSON: LazyLock<Pattern> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:I|I['’](?:m|ve|d|ll)|my|mine|me|we|our|us|ich|mein\w*|mir|mich|wir|unser\w*|je|j['’]\w+|mon|ma|mes|moi|nous|notre|nos|yo|mi|mis|nosotros|nuestr[oa]s?)\b",
    )
});
static WISH: LazyLock<Pattern> = LazyLock::new(|| {
    pattern(
        r"(?ix)\b(?:would|could|look(?:ing)?\s+forward|eager|keen|hope|hoping|want\s+to|wish|excited|am\s+writing|apply|applying|application|interested\s+in|interests\s+me|attracts\s+me|drew\s+me|appeals\s+to\s+me|happy\s+to\s+learn|ready\s+to\s+learn|willing\s+to|plan\s+to|intend\s+to|
        gerne?|m[öo]chte|w[üu]rde|k[öo]nnte|freue\s+mich|reizt|bewerbe|interessiert|einarbeiten|hoffe|
        souhait\w+|voudrais|aimerais|candidature|postul\w+|serais|heureux|heureuse|
        quisiera|gustar[íi]a|deseo|solicit\w+|espero|interesa)\b",
    )
});
/// Words that state an experience even beside a wish: "I have led ... and would like to".
static EXPERIENCE: LazyLock<Pattern> = LazyLock::new(|| {
    pattern(
        r"(?ix)\b(?:I|we|ich|habe)(?:\s+\w+ly)?\s+(?:have|had|led|managed|built|used|worked|wrote|designed|ran|was|were|held|hold|gearbeitet|geleitet)\b",
    )
});
static CLAUSE: LazyLock<Pattern> =
    LazyLock::new(|| pattern(r"(?i),\s+(?:and|but|while|aber|und|mais|pero)\s+|;\s+|\s+[–—]\s+"));

impl Stance {
    /// Of a whole sentence.
    pub(super) fn of(sentence: &str, kind: TextKind, facts: &Facts) -> Self {
        if kind == TextKind::Resume {
            return Self::Own;
        }
        let _ = facts;
        match (FIRST_PERSON.is_match(sentence), WISH.is_match(sentence)) {
            (_, true) if !EXPERIENCE.is_match(sentence) => Self::Wish,
            (true, _) => Self::Own,
            (false, _) => Self::Employer,
        }
    }

    /// Of a clause within a sentence of this stance. A clause without its own person keeps that of the sentence, unless
    /// it is about the employer by name.
    pub(super) fn in_clause(self, clause: &str, kind: TextKind, facts: &Facts) -> Self {
        if kind == TextKind::Resume {
            return Self::Own;
        }
        let of_itself = Self::of(clause, kind, facts);
        match of_itself {
            Self::Employer if facts.is_about_target(clause) => Self::Employer,
            Self::Employer => self,
            other => other,
        }
    }
}

/// The clauses of a sentence: parts that may be about somebody else.
pub(super) fn clauses(sentence: &str) -> Vec<Range<usize>> {
    let mut clauses = Vec::new();
    let mut start = 0;
    for joint in CLAUSE.find_iter(sentence) {
        clauses.push(start..joint.start());
        start = joint.end();
    }
    clauses.push(start..sentence.len());
    clauses
}
