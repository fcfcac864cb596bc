//! What a posting gives rather than asks: "Benefits: a training budget" wants no training of anybody.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

/// Lines above a list of what is given.
static OFFER_HEADING: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let words = r"(?i)^\W*(?:(?:our |the |your |company |employee |additional |great )*(?:benefits|perks)|what (?:we|you(?:'ll|’ll| will)?)(?: can)? (?:offer|get|receive)|what(?:'|’)s in it for you|we offer|why (?:join us|you(?:'ll|’ll| will) love))\b";
    Regex::new(words).ok()
});

/// Openings of a sentence about what is given.
static OFFER_SENTENCE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)^\W*(?:(?:our |the |your )*(?:benefits|perks)\b|(?:in return,? )?we (?:also )?(?:offer|give you|pay for|cover)\b|you(?:(?:'ll|’ll| will) (?:get|receive|enjoy)| get)\b)").ok()
});

/// Words after a name that make it something given, not something known.
static GIVEN: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)^\s*(?:and \w+\s+)?(?:budgets?|allowances?|stipends?|reimbursements?|days|leave|lessons|classes|courses|opportunities|provided)\b").ok()
});

/// Longest line taken for a heading.
const HEADING: usize = 60;
/// Lines looked at above a name.
const LINES_ABOVE: usize = 25;

/// Whether the name at `span` is part of what a posting offers.
pub fn is_offered(text: &str, span: &Range<usize>) -> bool {
    let matches = |pattern: &LazyLock<Option<Regex>>, text: &str| pattern.as_ref().is_some_and(|it| it.is_match(text));
    if matches(&GIVEN, text.get(span.end..).unwrap_or_default()) {
        return true;
    }
    let before = text.get(..span.start).unwrap_or_default();
    let start = before.rfind(['\n', '.', '!', '?']).map_or(0, |end| end + 1);
    if matches(&OFFER_SENTENCE, before.get(start..).unwrap_or_default()) {
        return true;
    }
    for line in before.rsplit('\n').skip(1).take(LINES_ABOVE) {
        let line = line.trim();
        let is_heading = !line.is_empty()
            && line.len() <= HEADING
            && !line.ends_with('.')
            && !line.starts_with(['•', '-', '*', '–', '·']);
        if is_heading {
            return matches(&OFFER_HEADING, line);
        }
    }
    false
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn gifts_are_told_from_demands() {
        let table = [
            ("We offer a training budget and 30 days off.", "training", true),
            ("You will get training in Excel from day one.", "Excel", true),
            ("Requirements:\n• Rust\n\nBenefits:\n• Remote work\n• Excel lessons", "Excel", true),
            ("What we offer\n• Modern offices\n• Coaching by seniors", "Coaching", true),
            ("Perks: coaching, fruit", "coaching", true),
            ("A yearly training budget for everybody.", "training", true),
            ("Benefits:\n• Fruit\nRequirements:\n• Excel", "Excel", false),
            ("You have experience in training teams.", "training", false),
            ("You give training to customers.", "training", false),
            ("We are looking for somebody with Rust.", "Rust", false),
        ];
        for (text, name, offered) in table {
            let start = text.find(name).unwrap();
            assert_eq!(is_offered(text, &(start..start + name.len())), offered, "{text}");
        }
    }

    #[test]
    fn any_span_is_answered() {
        assert!(!is_offered("é", &(1..1)));
        assert!(!is_offered("", &(5..9)));
    }
}
