//! Judging an answer without a model, by what can be seen in it.

use aerie_matching::text::significant;
use aerie_postings::text::contains_words;

/// Fewest and most words of a good answer: half a minute to three minutes of speech.
const GOOD_LENGTH: std::ops::RangeInclusive<usize> = 50..=400;

/// Words that say what came of it.
const RESULTS: [&str; 14] = [
    "result",
    "as a result",
    "in the end",
    "so that",
    "which meant",
    "saved",
    "reduced",
    "increased",
    "cut",
    "grew",
    "faster",
    "learned",
    "improved",
    "outcome",
];

/// Words that say where and when it was.
const SITUATIONS: [&str; 12] = [
    "when",
    "at",
    "in my",
    "during",
    "we had",
    "the team",
    "the problem",
    "the task",
    "while",
    "once",
    "last year",
    "before",
];

/// What was seen in an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Judged {
    /// From 1 to 5.
    pub(super) score: u8,
    pub(super) feedback: String,
}

/// Judges an answer: one point for each of the things that interviewers listen for.
pub(super) fn judge(question: &str, answer: &str) -> Judged {
    let words = answer.split_whitespace().count();
    let has_any = |signs: &[&str]| signs.iter().any(|sign| contains_words(answer, sign));
    let own = ["I", "my", "ich"].iter().any(|word| contains_words(answer, word));
    let asked = significant(question);
    let on_topic = asked.is_empty() || !significant(answer).is_disjoint(&asked);
    let checks = [
        (
            GOOD_LENGTH.contains(&words),
            "It has the length of a good spoken answer.",
            if words < *GOOD_LENGTH.start() {
                "It is short: say what the situation was, what you did, and what came of it."
            } else {
                "It is long: keep it under three minutes, and leave details for when they ask."
            },
        ),
        (
            has_any(&SITUATIONS),
            "It says where it was.",
            "Begin with the situation: where, when, and what was at stake.",
        ),
        (own, "It says what you did yourself.", "Say what you did yourself, not only what the team did."),
        (
            has_any(&RESULTS) || answer.contains(|character: char| character.is_ascii_digit()),
            "It says what came of it.",
            "End with the result, with a number where you have one.",
        ),
        (
            on_topic,
            "It answers the question.",
            "It does not speak of what was asked; come back to the question's words.",
        ),
    ];
    let good: Vec<&str> = checks.iter().filter(|(holds, ..)| *holds).map(|(_, good, _)| *good).collect();
    let missing: Vec<&str> = checks.iter().filter(|(holds, ..)| !*holds).map(|(_, _, missing)| *missing).collect();
    // Five checks, of which an empty answer passes none.
    let score = if words == 0 { 1 } else { u8::try_from(good.len()).unwrap_or(5).max(1) };
    let feedback = if words == 0 { vec!["There is no answer yet."] } else { [good, missing].concat() };
    Judged { score, feedback: feedback.join(" ") }
}

/// The summary of a whole interview, by its scores.
pub(super) fn summary(scores: &[(String, u8)]) -> String {
    if scores.is_empty() {
        return "No question was answered.".to_owned();
    }
    let total: u32 = scores.iter().map(|(_, score)| u32::from(*score)).sum();
    let mean = f64::from(total) / scores.len() as f64;
    let mut ordered: Vec<&(String, u8)> = scores.iter().collect();
    ordered.sort_by_key(|(_, score)| *score);
    let mut lines = vec![format!("{} answers, {mean:.1} of 5 on average (judged by rules).", scores.len())];
    let words = match mean {
        mean if mean >= 4.0 => "You are ready: practise saying it aloud.",
        mean if mean >= 3.0 => "The substance is there; make the results clearer.",
        _ => "Write down a situation, what you did and what came of it for each question, then try again.",
    };
    lines.push(words.to_owned());
    if let (Some(worst), Some(best)) = (ordered.first(), ordered.last())
        && best.1 > worst.1
    {
        lines.push(format!("Strongest: {:?} ({} of 5).", best.0, best.1));
        lines.push(format!("Work on: {:?} ({} of 5).", worst.0, worst.1));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_answer_is_judged_better_than_a_thin_one() {
        let question = "Tell me about something that you did with PostgreSQL.";
        let full = "When our team at the mill ran out of disk, I moved the PostgreSQL ledger to a new machine over a weekend. \
                    I wrote the scripts, tested them on a copy for two weeks and told everybody what would happen. \
                    As a result the nightly report took 4 minutes instead of 50, and we lost nothing.";
        let (full, thin) = (judge(question, full), judge(question, "We used databases."));
        assert_eq!(full.score, 5, "{full:?}");
        assert!(thin.score <= 2 && thin.feedback.contains("short"), "{thin:?}");
        assert_eq!(judge(question, "  ").score, 1);
        let told = summary(&[("A?".into(), 5), ("B?".into(), 2)]);
        assert!(told.contains("3.5 of 5") && told.contains("Work on: \"B?\""), "{told}");
    }
}
