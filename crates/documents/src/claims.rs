//! Checks what a letter or a rewritten résumé claims against the profile and the posting.
//!
//! Every sentence is looked at on its own, by rules that can be read: numbers, dates and durations, names (employers,
//! schools, products), titles, degrees, certificates, languages, skills, awards. What a person says of themselves has to
//! be in the profile; what is said of the employer, or as a wish, may be in the posting. A sentence with anything
//! unsupported is marked, with the words and the reason; whether it stays is the person's decision.

use std::{ops::Range, sync::Arc};

use aerie_matching::SkillVocabulary;
use serde::{Deserialize, Serialize};

use crate::resume::{Profile, Span, YearMonth};

mod credentials;
mod facts;
mod names;
mod numbers;
mod sentences;
mod stance;
mod titles;

use facts::Facts;
use stance::Stance;

/// What kind of claim it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClaimKind {
    /// An employer, school, product or another name.
    Name,
    /// A title held.
    Title,
    /// A year, or how long something lasted.
    Date,
    /// A number or an amount.
    Number,
    /// A degree.
    Degree,
    /// A certificate or licence.
    Certificate,
    /// A skill.
    Skill,
    /// A language.
    Language,
    /// An award, a publication, a company founded.
    Distinction,
}

/// Words that nothing supports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unsupported {
    /// What kind of claim they make.
    pub kind: ClaimKind,
    /// Their bytes in the text.
    pub span: Span,
    /// The words.
    pub words: String,
    /// Why: "the profile has no such employer".
    pub reason: String,
}

/// A sentence with what is unsupported in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckedSentence {
    /// Its bytes in the text.
    pub span: Span,
    /// Claims that nothing supports; empty where all is well.
    pub unsupported: Vec<Unsupported>,
}

/// What a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextKind {
    /// A letter: sentences with "I" are about the person, others may be about the employer.
    Letter,
    /// A résumé: everything is about the person.
    Resume,
}

/// The posting that a letter answers.
#[derive(Debug, Clone, Copy, Default)]
pub struct Target<'text> {
    /// Who offers it.
    pub company: &'text str,
    /// The title offered.
    pub title: &'text str,
    /// Its text.
    pub description: &'text str,
}

/// Checks texts against one profile and one posting.
pub struct Checker {
    facts: Facts,
    vocabulary: Arc<SkillVocabulary>,
}

impl Checker {
    /// Prepares the facts. `today` is what "present" ends at.
    pub fn new(profile: &Profile, target: Target<'_>, vocabulary: Arc<SkillVocabulary>, today: YearMonth) -> Self {
        Self { facts: Facts::of(profile, target, &vocabulary, today), vocabulary }
    }

    /// Every sentence of the text, in order.
    pub fn check(&self, text: &str, kind: TextKind) -> Vec<CheckedSentence> {
        let german = names::is_german(text);
        sentences::split(text).into_iter().map(|range| self.sentence(text, range, kind, german)).collect()
    }

    /// The sentences in which something is unsupported.
    pub fn unsupported(&self, text: &str, kind: TextKind) -> Vec<CheckedSentence> {
        let mut sentences = self.check(text, kind);
        sentences.retain(|sentence| !sentence.unsupported.is_empty());
        sentences
    }

    fn sentence(&self, text: &str, range: Range<usize>, kind: TextKind, german: bool) -> CheckedSentence {
        let sentence = text.get(range.clone()).unwrap_or("");
        let whole = Stance::of(sentence, kind, &self.facts);
        let mut unsupported = Vec::new();
        for clause in stance::clauses(sentence) {
            let words = sentence.get(clause.clone()).unwrap_or("");
            let stance = whole.in_clause(words, kind, &self.facts);
            let context =
                Context { facts: &self.facts, vocabulary: &self.vocabulary, sentence, clause: words, stance, german };
            for mut found in context.check() {
                found.span.start += range.start + clause.start;
                found.span.end += range.start + clause.start;
                unsupported.push(found);
            }
        }
        unsupported.sort_by_key(|found| found.span);
        CheckedSentence { span: Span { start: range.start, end: range.end }, unsupported }
    }
}

/// One clause with all that is needed to judge it. Spans that the checks return are bytes of the clause.
struct Context<'a> {
    facts: &'a Facts,
    vocabulary: &'a SkillVocabulary,
    sentence: &'a str,
    clause: &'a str,
    stance: Stance,
    german: bool,
}

impl Context<'_> {
    fn check(&self) -> Vec<Unsupported> {
        let mut found = numbers::check(self);
        found.extend(titles::check(self));
        found.extend(credentials::check(self));
        found.extend(names::check(self));
        // The same words are named once, by the check that knows most about them.
        let mut seen: Vec<Span> = Vec::new();
        found.retain(|claim| {
            let new = !seen.iter().any(|span| span.start < claim.span.end && claim.span.start < span.end);
            seen.push(claim.span);
            new
        });
        found
    }

    fn unsupported(&self, kind: ClaimKind, range: Range<usize>, reason: impl Into<String>) -> Unsupported {
        let words = self.clause.get(range.clone()).unwrap_or("").to_owned();
        Unsupported { kind, span: Span { start: range.start, end: range.end }, words, reason: reason.into() }
    }
}

#[cfg(test)]
mod tests;
