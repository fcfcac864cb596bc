//! How a posting asks: what is required, what is only an advantage, and which papers it wants.

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use regex::Regex;
use serde::{Deserialize, Serialize};

/// Headings and phrases under which skills are advantages.
static ADVANTAGE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)(?-u:\b)(?:nice[- ]to[- ]haves?|nice if|bonus(?: points)?|is a plus|are a plus|a (?:big |huge |strong |definite )?plus|an? (?:advantage|asset)|preferred|preferably|desirable|desired|optional(?:ly)?|good to have|ideally|would be (?:great|nice|helpful|beneficial)|beneficial|not (?:strictly )?(?:required|necessary|mandatory))(?-u:\b)").ok()
});

/// Headings that end a list of advantages.
static REQUIRED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)(?-u:\b)(?:requirements?|required|must[- ]haves?|you (?:must|need|have|bring|will)|minimum|basic|essential|responsibilities|what you(?:'ll| will)|qualifications|about|benefits|we offer|perks)(?-u:\b)").ok()
});

/// Longest line taken for a heading.
const HEADING: usize = 60;

/// Whether the name at `span` stands where a posting lists advantages: in a sentence that says so, or below such a heading.
pub fn is_advantage(text: &str, span: &Range<usize>) -> bool {
    let Some(advantage) = ADVANTAGE.as_ref() else { return false };
    let before = text.get(..span.start).unwrap_or_default();
    let start = before.rfind(['\n', '.', ';']).map_or(0, |end| end + 1);
    let after = text.get(span.end..).unwrap_or_default();
    let end = after.find(['\n', ';']).unwrap_or(after.len()).min(after.find(". ").unwrap_or(after.len()));
    let sentence = text.get(start..span.end + end).unwrap_or_default();
    if advantage.is_match(sentence) {
        return true;
    }
    under_advantage_heading(before, advantage)
}

/// Looks upwards for the nearest heading: a short line that ends in a colon or carries no bullet and no full stop.
fn under_advantage_heading(before: &str, advantage: &Regex) -> bool {
    let mut lines = before.rsplit('\n');
    lines.next();
    for line in lines.take(40) {
        let line = line.trim();
        let bullet = line.starts_with(['•', '-', '*', '–', '·']);
        if line.is_empty() || bullet || line.len() > HEADING || line.ends_with('.') {
            continue;
        }
        if advantage.is_match(line) {
            return true;
        }
        if line.ends_with(':') || REQUIRED.as_ref().is_some_and(|required| required.is_match(line)) {
            return false;
        }
    }
    false
}

static NO_SPONSORSHIP: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)(?:(?:(?-u:\b)(?:no|not|cannot|unable to|without)|n['’]t)(?-u:\b)[^.\n]{0,60}(?-u:\b)(?:visa sponsorship|sponsor(?:ship)?(?: (?:work )?visas?)?|h-?1b)|(?-u:\b)sponsorship (?:is )?(?:not|unavailable)|(?-u:\b)must (?:be (?:legally )?authori[sz]ed|have (?:the )?(?:legal )?right) to work)(?-u:\b)").ok()
});
static CITIZENSHIP: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)(?-u:\b)(?:(?:u\.?s\.?|uk|eu|american|british|canadian|australian) citizens?(?:hip)?(?-u:\b)[^.\n]{0,30}(?-u:\b)(?:only|required|is required|must)|must be (?:an? )?(?:u\.?s\.?|uk|eu|american|british|canadian|australian) citizens?|citizenship (?:is )?required|(?:active|current|obtain)[^.\n]{0,30}security clearance|security clearance (?:is )?required|itar)(?-u:\b)").ok()
});

/// Words of which each of the two patterns needs one.
static SIGNS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    let words = ["sponsor", "h1b", "h-1b", "authori", "right to work", "citizen", "clearance", "itar"];
    AhoCorasick::builder().ascii_case_insensitive(true).build(words).ok()
});

/// Papers a posting wants.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Demands {
    /// It sponsors no visa, or wants the right to work from the start.
    pub no_sponsorship: bool,
    /// It wants a citizenship or a clearance bound to one.
    pub citizenship: bool,
}

impl Demands {
    /// Reads a description.
    pub fn of(text: &str) -> Self {
        // Most postings hold none of the words; looking for the words is a hundred times faster than the patterns are.
        if !SIGNS.as_ref().is_none_or(|signs| signs.is_match(text)) {
            return Self::default();
        }
        let found = |pattern: &LazyLock<Option<Regex>>| pattern.as_ref().is_some_and(|pattern| pattern.is_match(text));
        Self { no_sponsorship: found(&NO_SPONSORSHIP), citizenship: found(&CITIZENSHIP) }
    }

    /// Where the text says so.
    pub(crate) fn span(text: &str) -> Option<Range<usize>> {
        let find = |pattern: &LazyLock<Option<Regex>>| pattern.as_ref().and_then(|pattern| pattern.find(text));
        find(&CITIZENSHIP).or_else(|| find(&NO_SPONSORSHIP)).map(|found| found.range())
    }

    pub(crate) fn bits(self) -> u8 {
        u8::from(self.no_sponsorship) | u8::from(self.citizenship) << 1
    }

    pub(crate) fn from_bits(bits: u8) -> Self {
        Self { no_sponsorship: bits & 1 != 0, citizenship: bits & 2 != 0 }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn advantages_are_told_from_requirements() {
        let text = "Requirements:\n• Rust\n• Kafka is a plus\nNice to have:\n• Kubernetes\nBenefits:\n• Excel lessons";
        let advantage = |name: &str| {
            let start = text.find(name).unwrap();
            is_advantage(text, &(start..start + name.len()))
        };
        assert!(!advantage("Rust"));
        assert!(advantage("Kafka"));
        assert!(advantage("Kubernetes"));
        assert!(!advantage("Excel"));
    }

    #[test]
    fn papers_are_recognised() {
        let table = [
            ("We are unable to provide visa sponsorship.", true, false),
            ("We don't offer H-1B transfers", true, false),
            ("Visa sponsorship is not available", true, false),
            ("You must have the right to work in the UK", true, false),
            ("MUST BE LEGALLY AUTHORISED TO WORK", true, false),
            ("Must be authorized to work in the US", true, false),
            ("This role falls under ITAR", false, true),
            ("British citizens only", false, true),
            ("US citizenship is required", false, true),
            ("We sponsor visas for everybody", false, false),
            ("We sell visas to nobody", false, false),
            ("An active security clearance helps", false, true),
        ];
        for (text, no_sponsorship, citizenship) in table {
            assert_eq!(Demands::of(text), Demands { no_sponsorship, citizenship }, "{text}");
        }
    }
}
