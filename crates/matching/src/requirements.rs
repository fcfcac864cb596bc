//! How a posting asks: what is required, what is only an advantage, and which papers it wants.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;
use serde::{Deserialize, Serialize};

/// Headings and phrases under which skills are advantages.
static ADVANTAGE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)\b(?:nice[- ]to[- ]haves?|nice if|bonus(?: points)?|is a plus|are a plus|a (?:big |huge |strong |definite )?plus|an? (?:advantage|asset)|preferred|preferably|desirable|desired|optional(?:ly)?|good to have|ideally|would be (?:great|nice|helpful|beneficial)|beneficial|not (?:strictly )?(?:required|necessary|mandatory))\b").ok()
});

/// Headings that end a list of advantages.
static REQUIRED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)\b(?:requirements?|required|must[- ]haves?|you (?:must|need|have|bring|will)|minimum|basic|essential|responsibilities|what you(?:'ll| will)|qualifications|about|benefits|we offer|perks)\b").ok()
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
    Regex::new(r"(?i)\b(?:(?:no|not|n['’]t|cannot|unable to|without)\b[^.\n]{0,60}\b(?:visa sponsorship|sponsor(?:ship)?(?: (?:work )?visas?)?|h-?1b)|sponsorship (?:is )?(?:not|unavailable)|must (?:be (?:legally )?authori[sz]ed|have (?:the )?(?:legal )?right) to work)\b").ok()
});
static CITIZENSHIP: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)\b(?:(?:u\.?s\.?|uk|eu|american|british|canadian|australian) citizens?(?:hip)?\b[^.\n]{0,30}\b(?:only|required|is required|must)|must be (?:an? )?(?:u\.?s\.?|uk|eu|american|british|canadian|australian) citizens?|citizenship (?:is )?required|(?:active|current|obtain)[^.\n]{0,30}security clearance|security clearance (?:is )?required|itar)\b").ok()
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
            ("Must be authorized to work in the US", true, false),
            ("US citizenship is required", false, true),
            ("We sponsor visas for everybody", false, false),
            ("An active security clearance helps", false, true),
        ];
        for (text, no_sponsorship, citizenship) in table {
            assert_eq!(Demands::of(text), Demands { no_sponsorship, citizenship }, "{text}");
        }
    }
}
