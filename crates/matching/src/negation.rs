//! Words that turn what follows into its opposite: in a profile ("not interested in databases") and in a posting
//! ("no Java required").

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use crate::text::bounded;

/// Openings of a wish not to do something. What follows, to the end of the clause, is not wanted.
static UNWANTED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?i)\b(?:(?:(?:not|never|no longer|isn['’]?t|aren['’]?t|am not|n['’]t)\s+(?:\w+\s+)?",
        r"(?:interested in|looking for|looking to|keen on|fond of|open to|want(?:ing)?(?: to)?|wish(?:ing)?(?: to)?|comfortable with|",
        r"available for|willing to))|(?:(?:do not|does not|don['’]?t|won['’]?t|will not|would not|wouldn['’]?t|would rather not)\s+(?:\w+\s+)?",
        r"(?:want|like|wish|enjoy|do|work|consider|use|accept|care)(?:\s+(?:to|with|for|about|on|in|as))*)|",
        r"no interest in|no desire to|not\s+into|please no|nothing (?:to do )?with|anything but|tired of|done with|avoid(?:ing)?|dislike|hate|",
        r"no (?:knowledge of|experience (?:with|in|of|using)|background in)|never (?:worked|used|touched)(?:\s+(?:with|in|on))?|",
        r"without (?:any )?(?:knowledge of|experience (?:with|in)))\b"
    ))
    .ok()
});

/// Where a clause ends, and with it what a negation reaches.
static CLAUSE_END: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)[.;!?](?:\s|$)|\n|\(|,?\s+(?:but|however|although|though|except|instead|rather|only)\b|,\s+(?:i|and i|we|looking|happy|want|interested|love|prefer|strong|experienced|skilled)\b").ok()
});

/// Words before a name that say a posting does not ask for it.
static NOT_ASKED_BEFORE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)\b(?:no|not|without|non|n['’]t|never|neither|nor|instead of|rather than|other than|not (?:a|an)|(?:don['’]?t|do not|doesn['’]?t) (?:need|require|use|have to know|expect))(?:\s+(?:any|prior|previous|need|needed|use|need for|experience|knowledge|of|in|with|for|to|know|require|a|an|the|or|and|is|prior experience))*\s*$").ok()
});

/// Words after a name that say the same.
static NOT_ASKED_AFTER: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)^\s*(?:(?:experience|knowledge|skills?|background|degree|certification)\s+)?(?:(?:is|are|experience is)\s+)?(?:not|n['’]t|never)\s+(?:strictly\s+)?(?:required|needed|necessary|a must|mandatory|essential|expected)").ok()
});

/// Words after "no X" that leave no doubt it is about a requirement.
static REQUIREMENT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)^[^.;\n]{0,40}\b(?:required|needed|necessary|experience|knowledge|expected)\b").ok()
});

/// The ranges of a profile text that name what the person does not want or does not know.
pub fn unwanted_ranges(text: &str) -> Vec<Range<usize>> {
    let text = bounded(text);
    let (Some(unwanted), Some(clause_end)) = (UNWANTED.as_ref(), CLAUSE_END.as_ref()) else { return Vec::new() };
    unwanted
        .find_iter(text)
        .map(|cue| {
            let rest = text.get(cue.end()..).unwrap_or_default();
            let length = clause_end.find(rest).map_or(rest.len(), |end| end.start());
            cue.start()..cue.end() + length
        })
        .collect()
}

/// Whether a posting says about the name at `span` that it is not asked for.
pub fn is_not_asked(text: &str, span: &Range<usize>) -> bool {
    let before = text.get(..span.start).unwrap_or_default();
    let sentence = before.rfind(['.', ';', '\n', '!', '?', ':']).map_or(0, |end| end + 1);
    let before = before.get(sentence..).unwrap_or_default();
    let after = text.get(span.end..).unwrap_or_default();
    let after = after.split(['\n']).next().unwrap_or_default();
    if NOT_ASKED_AFTER.as_ref().is_some_and(|pattern| pattern.is_match(after)) {
        return true;
    }
    let Some(cue) = NOT_ASKED_BEFORE.as_ref().and_then(|pattern| pattern.find(before)) else { return false };
    // "not only Java" and "no-code" style uses are let through; a lone "no" needs a word that makes it a requirement.
    let cue = cue.as_str().trim().to_ascii_lowercase();
    if cue == "no" || cue == "not" || cue == "non" {
        return REQUIREMENT.as_ref().is_some_and(|pattern| pattern.is_match(after)) || cue == "no";
    }
    true
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn wishes_not_to_do_something_are_found() {
        let table = [
            ("Backend engineer, not interested in databases. Likes Rust.", Some("not interested in databases")),
            ("I don't want to work with PHP or Perl, but love Go", Some("don't want to work with PHP or Perl")),
            ("No experience with Kubernetes", Some("No experience with Kubernetes")),
            ("Worked with no supervision on databases", None),
            ("I avoid sales; marketing is fine", Some("avoid sales")),
            ("not looking for management roles", Some("not looking for management roles")),
        ];
        for (text, expected) in table {
            let ranges = unwanted_ranges(text);
            assert_eq!(ranges.first().map(|range| &text[range.clone()]), expected, "{text}");
        }
    }

    #[test]
    fn postings_may_say_what_they_do_not_ask_for() {
        let table = [
            ("No Java required.", "Java", true),
            ("no prior experience in Java needed", "Java", true),
            ("Java experience is not required", "Java", true),
            ("Java is required, no exceptions", "Java", false),
            ("You do not need to know Java", "Java", true),
            ("We use Kotlin instead of Java", "Java", true),
            ("Remote: no. Java: yes", "Java", false),
            ("Strong Java skills", "Java", false),
        ];
        for (text, name, expected) in table {
            let start = text.find(name).unwrap();
            assert_eq!(is_not_asked(text, &(start..start + name.len())), expected, "{text}");
        }
    }
}
