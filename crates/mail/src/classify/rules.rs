//! Reading rules from their files, and applying them.

use std::collections::{BTreeMap, HashSet};
use std::sync::LazyLock;

use regex::bytes::{Regex, RegexBuilder};
use serde::Deserialize;

use super::{Label, Reading, Reason};
use crate::patterns::Pattern;
use crate::sentences::Sentence;

/// Why a family of rules cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RuleError {
    /// Not the format.
    #[error("rules/{family}.yaml: {source}")]
    Format {
        /// Which file.
        family: String,
        /// Where and what.
        source: serde_yaml_ng::Error,
    },
    /// A label that there is not.
    #[error("rules/{family}.yaml: no label is named `{label}`")]
    Label {
        /// Which file.
        family: String,
        /// What it says.
        label: String,
    },
    /// A pattern that is none.
    #[error("rules/{family}.yaml: rule `{rule}`: {source}")]
    Pattern {
        /// Which file.
        family: String,
        /// Which rule.
        rule: String,
        /// What is wrong with it.
        source: Box<regex::Error>,
    },
    /// A name twice, or a weight that says nothing.
    #[error("rules/{family}.yaml: rule `{rule}`: {problem}")]
    Rule {
        /// Which file.
        family: String,
        /// Which rule.
        rule: String,
        /// What is wrong with it.
        problem: &'static str,
    },
}

/// Where a rule looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Place {
    /// The subject and every sentence of the body.
    #[default]
    Text,
    /// The subject only.
    Subject,
    /// Name and address of the sender.
    Sender,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    label: String,
    #[serde(default, rename = "let")]
    words: BTreeMap<String, String>,
    rules: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    weight: f32,
    #[serde(default, rename = "in")]
    place: Place,
    #[serde(rename = "match")]
    pattern: String,
    #[serde(default)]
    unless: Option<String>,
    /// Sentences that must match before the rule counts.
    #[serde(default = "one")]
    least: usize,
}

fn one() -> usize {
    1
}

/// The rules of one file.
#[derive(Debug)]
pub struct Family {
    /// Name of the file.
    pub name: String,
    /// What the rules speak for; `None` for the topic of applications as such.
    pub label: Option<Label>,
    rules: Vec<Rule>,
}

#[derive(Debug)]
struct Rule {
    name: String,
    weight: f32,
    place: Place,
    pattern: Regex,
    unless: Option<Regex>,
    least: usize,
}

impl Family {
    /// Reads one file.
    ///
    /// # Errors
    /// When it is not in the format, names an unknown label, or holds a pattern that is none.
    pub fn read(name: &str, text: &str) -> Result<Self, RuleError> {
        let family = name.to_owned();
        let file: File =
            serde_yaml_ng::from_str(text).map_err(|source| RuleError::Format { family: family.clone(), source })?;
        let label = match file.label.as_str() {
            "topic" => None,
            label => Some(
                Label::of_name(label)
                    .ok_or_else(|| RuleError::Label { family: family.clone(), label: label.to_owned() })?,
            ),
        };
        let mut names = HashSet::new();
        let mut rules = Vec::new();
        for entry in file.rules {
            let wrong = |problem| RuleError::Rule { family: family.clone(), rule: entry.name.clone(), problem };
            if !names.insert(entry.name.clone()) {
                return Err(wrong("this name is used twice"));
            }
            if !(0.5..=10.0).contains(&entry.weight) || !(1..=20).contains(&entry.least) {
                return Err(wrong("weights are 0.5 to 10, `least` is 1 to 20"));
            }
            let compile = |pattern: &str| {
                compile(pattern, &file.words).map_err(|source| RuleError::Pattern {
                    family: family.clone(),
                    rule: entry.name.clone(),
                    source: Box::new(source),
                })
            };
            rules.push(Rule {
                pattern: compile(&entry.pattern)?,
                unless: entry.unless.as_deref().map(compile).transpose()?,
                weight: entry.weight,
                place: entry.place,
                least: entry.least,
                name: entry.name,
            });
        }
        Ok(Self { name: family, label, rules })
    }
}

/// Compared text is ASCII, so patterns need no Unicode tables; that keeps them small.
fn compile(pattern: &str, words: &BTreeMap<String, String>) -> Result<Regex, regex::Error> {
    let mut pattern = pattern.to_owned();
    for (name, word) in words {
        pattern = pattern.replace(&format!("{{{name}}}"), word);
    }
    RegexBuilder::new(&pattern).unicode(false).size_limit(4 << 20).build()
}

/// Words in front of a match that make it a possibility instead of a fact.
static HYPOTHETICAL: LazyLock<Pattern> = LazyLock::new(|| {
    Pattern::new(concat!(
        r"\b(?:if|should (?:we|you|your|the|a|an|any|this|there)|in case|in the event|whether|unless|as long as|provided that",
        r"|wenn|falls|sofern|sollten? (?:wir|sie|ihre?)|si (?:vous|votre|nous|votre|la|le|tu|su|el|hay|no)|s'il|au cas ou|en cas de|en caso)\b"
    ))
});

/// Conditions that say nothing about what follows.
static POLITE: LazyLock<Pattern> = LazyLock::new(|| {
    Pattern::new(concat!(
        r"\bif (?:you (?:have|had|should have) (?:any |further |more |other )?(?:questions?|queries|concerns|feedback|time)|possible|so|anything|not already",
        r"|that (?:is|'s) (?:ok|okay|all right|fine)|you would like|you(?: are|'re) still|you do not mind|you no longer wish|interested)\b"
    ))
});

/// Words behind a match that make it a warning: "will not move forward if you do not …".
static WARNING: LazyLock<Pattern> = LazyLock::new(|| {
    Pattern::new(r"^.{0,60}\b(?:if you (?:do not|did not|fail|are not able|have not)|unless you|until you)\b")
});

/// All rules.
pub(super) struct Rules {
    families: Vec<Family>,
}

impl Rules {
    pub(super) fn new(families: Vec<Family>) -> Self {
        Self { families }
    }

    pub(super) fn families(&self) -> &[Family] {
        &self.families
    }

    /// Every rule that finds something, once, with the first sentence that it finds.
    pub(super) fn apply(&self, read: &Reading) -> Vec<Reason> {
        let hypothetical: Vec<Option<usize>> =
            std::iter::once(&read.subject).chain(&read.body).map(hypothetical_from).collect();
        let mut reasons = Vec::new();
        for family in &self.families {
            for rule in &family.rules {
                if let Some(sentence) = rule.find(read, &hypothetical, family.label) {
                    reasons.push(Reason {
                        label: family.label,
                        rule: rule.name.clone(),
                        weight: rule.weight,
                        sentence: sentence.written.clone(),
                    });
                }
            }
        }
        reasons.sort_by(|left, right| right.weight.total_cmp(&left.weight));
        reasons
    }
}

impl Rule {
    fn find<'a>(
        &self,
        read: &'a Reading,
        hypothetical: &[Option<usize>],
        label: Option<Label>,
    ) -> Option<&'a Sentence> {
        if self.place == Place::Sender {
            return self.matches(&read.sender, None, label).then_some(&read.sender);
        }
        // Possibilities are what confirmations are made of; for every other label they are no evidence.
        let counts = matches!(label, Some(Label::Neutral | Label::Unrelated | Label::Digest) | None);
        let body = if self.place == Place::Subject { &[][..] } else { &read.body };
        let mut found = std::iter::once(&read.subject)
            .chain(body)
            .zip(hypothetical)
            .filter(|(sentence, from)| self.matches(sentence, if counts { None } else { **from }, label));
        let first = found.next()?;
        let more = self.least.saturating_sub(1);
        (more == 0 || found.nth(more - 1).is_some()).then_some(first.0)
    }

    fn matches(&self, sentence: &Sentence, hypothetical: Option<usize>, label: Option<Label>) -> bool {
        let Some(found) = self.pattern.find(sentence.folded.as_bytes()) else { return false };
        // "Not the right role for you?" is an advertisement.
        if label == Some(Label::Rejected) && sentence.folded.ends_with('?') {
            return false;
        }
        let excused = self.unless.as_ref().is_some_and(|unless| unless.is_match(sentence.folded.as_bytes()));
        let possible = hypothetical.is_some_and(|from| from < found.end());
        !excused && !possible && !is_warning(sentence, found.end())
    }
}

/// From where on a sentence speaks of a possibility only.
fn hypothetical_from(sentence: &Sentence) -> Option<usize> {
    let text = &sentence.folded;
    let polite: Vec<usize> = POLITE.find_iter(text).map(|found| found.start()).collect();
    let mut starts = HYPOTHETICAL.find_iter(text).map(|found| found.start());
    starts.find(|start| !polite.contains(start))
}

fn is_warning(sentence: &Sentence, end: usize) -> bool {
    sentence.folded.get(end..).is_some_and(|rest| WARNING.is_match(rest))
}
