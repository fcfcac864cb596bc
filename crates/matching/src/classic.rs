//! The keyword score of the earlier generation of tools, reproduced exactly so that people can compare.
//!
//! TF-IDF with scikit-learn's defaults fitted on just two documents, the résumé and the description: tokens of at least
//! two word characters, the English stop list, the 200 most frequent terms, raw counts,
//! `idf = ln((1 + 2) / (1 + df)) + 1`, unit length, cosine times 100 rounded to one decimal. Its gaps are words, not
//! skills, and its comparison with the résumé keeps punctuation; both are part of what is reproduced.

use std::collections::{BTreeMap, HashSet};
use std::sync::LazyLock;

use regex::Regex;
use serde::Serialize;

use crate::text::is_stop_word;

/// Terms kept: those with the highest count over both texts.
const VOCABULARY: usize = 200;
/// Terms of the description looked at for gaps, by falling weight.
const GAP_CANDIDATES: usize = 30;
/// Gaps reported.
const GAPS: usize = 10;

/// Runs of two or more word characters: what `\b\w\w+\b` means in Python.
static TOKENS: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"[\p{L}\p{N}_]{2,}").ok());

/// What the classic score says about two texts.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "outcome")]
pub enum ClassicScore {
    /// Both texts together hold at least one word.
    Scored {
        /// 0 to 100 in steps of 0.1.
        score: f64,
        /// Up to ten words of the description that the résumé lacks, heaviest first, ties in alphabetical order.
        gaps: Vec<String>,
    },
    /// Neither text holds a word that counts.
    NotScorable,
}

/// Scores a description against a résumé.
pub fn classic_score(resume: &str, description: &str) -> ClassicScore {
    let resume_lower = resume.to_lowercase();
    let mut counts: BTreeMap<String, (f64, f64)> = BTreeMap::new();
    for token in tokens(&resume_lower) {
        counts.entry(token).or_default().0 += 1.0;
    }
    for token in tokens(&description.to_lowercase()) {
        counts.entry(token).or_default().1 += 1.0;
    }
    if counts.is_empty() {
        return ClassicScore::NotScorable;
    }
    let mut terms: Vec<(String, (f64, f64))> = counts.into_iter().collect();
    // Stable: equal counts stay in alphabetical order.
    terms.sort_by(|left, right| (right.1.0 + right.1.1).total_cmp(&(left.1.0 + left.1.1)));
    terms.truncate(VOCABULARY);
    for (_, (resume, description)) in &mut terms {
        let documents = f64::from(u8::from(*resume > 0.0) + u8::from(*description > 0.0));
        let rarity = (3.0 / (1.0 + documents)).ln() + 1.0;
        *resume *= rarity;
        *description *= rarity;
    }
    let product: f64 = terms.iter().map(|(_, (left, right))| left * right).sum();
    let length = |side: fn(&(f64, f64)) -> f64| terms.iter().map(|(_, both)| side(both).powi(2)).sum::<f64>().sqrt();
    let lengths = length(|both| both.0) * length(|both| both.1);
    let cosine = if lengths > 0.0 { product / lengths } else { 0.0 };
    ClassicScore::Scored { score: one_decimal(100.0 * cosine), gaps: gaps(terms, &resume_lower) }
}

fn tokens(lower: &str) -> Vec<String> {
    let Some(pattern) = TOKENS.as_ref() else { return Vec::new() };
    pattern
        .find_iter(lower)
        .map(|found| found.as_str())
        .filter(|token| !is_stop_word(token))
        .map(str::to_owned)
        .collect()
}

fn gaps(mut terms: Vec<(String, (f64, f64))>, resume_lower: &str) -> Vec<String> {
    let known: HashSet<&str> = resume_lower.split_whitespace().collect();
    terms.sort_by(|left, right| right.1.1.total_cmp(&left.1.1).then_with(|| left.0.cmp(&right.0)));
    terms
        .into_iter()
        .take(GAP_CANDIDATES)
        .filter(|(term, (_, weight))| *weight > 0.0 && !known.contains(term.as_str()))
        .map(|(term, _)| term)
        .take(GAPS)
        .collect()
}

/// Rounds as Python's `round(value, 1)` does: by the exact decimal value.
fn one_decimal(value: f64) -> f64 {
    format!("{value:.1}").parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn scored(resume: &str, description: &str) -> (f64, Vec<String>) {
        match classic_score(resume, description) {
            ClassicScore::Scored { score, gaps } => (score, gaps),
            ClassicScore::NotScorable => panic!("not scorable: {resume:?} {description:?}"),
        }
    }

    /// Gaps of equal weight are compared as sets, tier by tier.
    fn check(resume: &str, description: &str, score: f64, tiers: &[&[&str]]) {
        let (found, gaps) = scored(resume, description);
        assert_eq!(found, score, "{description}");
        let mut rest = gaps.as_slice();
        for tier in tiers {
            let (head, tail) = rest.split_at(tier.len());
            assert_eq!(head.iter().map(String::as_str).collect::<BTreeSet<_>>(), tier.iter().copied().collect());
            rest = tail;
        }
        assert!(rest.is_empty(), "{rest:?}");
    }

    #[test]
    fn golden_vectors_are_met() {
        check("rust python sql", "rust python sql", 100.0, &[]);
        check("rust python sql", "java kotlin swift", 0.0, &[&["swift", "java", "kotlin"]]);
        check("rust python sql", "rust kubernetes", 26.1, &[&["kubernetes"]]);
        check(
            "Senior Rust engineer, distributed systems, PostgreSQL.",
            "We need a Rust engineer who knows PostgreSQL and Kubernetes.",
            33.6,
            &[&["need", "knows", "kubernetes"], &["engineer", "postgresql"]],
        );
        check(
            "support onboarding onboarding renewal",
            "Onboarding, renewal, churn. Onboarding specialists reduce churn!",
            46.1,
            &[&["churn"], &["reduce", "specialists"]],
        );
    }

    #[test]
    fn texts_without_words_are_not_scorable() {
        assert_eq!(classic_score("a b c", "the and of"), ClassicScore::NotScorable);
        assert_eq!(classic_score("", ""), ClassicScore::NotScorable);
    }

    proptest! {
        #[test]
        fn the_score_stays_in_bounds(resume in ".{0,200}", description in ".{0,200}") {
            if let ClassicScore::Scored { score, gaps } = classic_score(&resume, &description) {
                prop_assert!((0.0..=100.0).contains(&score));
                prop_assert!(gaps.len() <= 10);
            }
        }
    }
}
