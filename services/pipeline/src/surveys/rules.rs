//! Answers without a model: questions and options told apart, and only what is safe to say about them.
//!
//! Rules know nothing of a person's character. So they recommend where nearly every employer hopes for the same (help a
//! colleague, own a mistake), and say that the person must choose everywhere else.

use std::sync::LazyLock;

use regex::Regex;

/// Most questions that are answered.
const MOST_QUESTIONS: usize = 200;

const HOPED: &[&str] = &[
    "ask for help",
    "collaborat",
    "communicat",
    "team",
    "help",
    "learn",
    "listen",
    "responsib",
    "honest",
    "feedback",
    "customer",
    "together",
    "admit",
    "own the",
    "improve",
    "respect",
    "clarify",
    "talk to",
    "discuss",
    "share",
];
const FEARED: &[&str] = &[
    "ignore",
    "blame",
    "alone",
    "hide",
    "avoid",
    "give up",
    "refuse",
    "complain",
    "never ask",
    "cover up",
    "wait until",
    "not my job",
    "somebody else's",
    "someone else's",
    "argue",
    "quit",
];

#[allow(clippy::expect_used)]
static OPTION: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^\s*(?:\(?([A-Ha-h])[).:]|[-*•○◯☐□])\s+(\S.*)$").expect("a constant pattern"));
#[allow(clippy::expect_used)]
static QUESTION: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^\s*(?:Q(?:uestion)?\s*)?(\d{1,3})[).:]?\s+(\S.*)$").expect("a constant pattern"));

/// A question with its options.
#[derive(Debug, Default, PartialEq)]
struct Asked {
    number: String,
    text: String,
    /// Mark and words.
    options: Vec<(String, String)>,
}

/// One line for each question, labelled as what rules can say.
pub(super) fn answer(text: &str) -> String {
    let questions = questions(text);
    let mut lines =
        vec!["Suggested by rules, without a model: read each line as a hint, and answer as yourself.".to_owned()];
    if questions.is_empty() {
        lines.push("No questions were recognised. Number them, one on each line, with their options below.".to_owned());
    }
    for asked in questions.iter().take(MOST_QUESTIONS) {
        lines.push(format!("{}. {}", asked.number, advice(asked)));
    }
    lines.join("\n")
}

fn questions(text: &str) -> Vec<Asked> {
    let mut found: Vec<Asked> = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let option = OPTION.captures(line);
        if let (Some(option), Some(asked)) = (&option, found.last_mut()) {
            let words = option.get(2).map_or("", |words| words.as_str()).to_owned();
            let mark = option.get(1).map(|mark| mark.as_str().to_uppercase());
            let mark = mark.unwrap_or_else(|| (asked.options.len() + 1).to_string());
            asked.options.push((mark, words));
        } else if let Some(question) = QUESTION.captures(line) {
            let part = |group: usize| question.get(group).map_or("", |part| part.as_str()).to_owned();
            found.push(Asked { number: part(1), text: part(2), options: vec![] });
        } else if line.ends_with('?') || found.is_empty() {
            let number = (found.len() + 1).to_string();
            found.push(Asked { number, text: line.to_owned(), options: vec![] });
        } else if let Some(asked) = found.last_mut() {
            // A question that runs on; after its options it is a remark.
            if asked.options.is_empty() {
                asked.text.push(' ');
                asked.text.push_str(line);
            }
        }
    }
    found.retain(|asked| !asked.options.is_empty() || asked.text.ends_with('?') || is_statement(&asked.text));
    found
}

/// Whether a text is one to agree with or not.
fn is_statement(text: &str) -> bool {
    let text = text.to_lowercase();
    text.starts_with("i ") || text.starts_with("my ") || text.starts_with("we ")
}

fn advice(asked: &Asked) -> String {
    let best = asked.options.iter().map(|(mark, words)| (leaning(words), mark, words)).max_by_key(|(lean, ..)| *lean);
    match best {
        Some((lean, mark, words)) if lean > 0 && stands_out(asked, lean) => {
            format!("{mark} - \"{words}\" shows what most employers hope for.")
        }
        Some(_) => "Your own choice: no option is plainly what every employer hopes for.".to_owned(),
        None if is_statement(&asked.text) => match leaning(&asked.text) {
            lean if lean > 0 => "Agree, if it is true of you: most employers hope for it.".to_owned(),
            lean if lean < 0 => "Disagree, if you can honestly say so: most employers shy away from it.".to_owned(),
            _ => "Your own choice: it is a matter of character, not of right or wrong.".to_owned(),
        },
        None => "Answer in two or three sentences with one example from your own work.".to_owned(),
    }
}

/// Whether only one option leans that far.
fn stands_out(asked: &Asked, lean: i32) -> bool {
    asked.options.iter().filter(|(_, words)| leaning(words) == lean).count() == 1
}

fn leaning(words: &str) -> i32 {
    let words = words.to_lowercase();
    let count = |list: &[&str]| list.iter().filter(|part| words.contains(**part)).count() as i32;
    count(HOPED) - 2 * count(FEARED)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    const SURVEY: &str = "Please answer all questions.\n\n1. A colleague struggles with a deadline. What do you do?\n\
        A) Ignore it, it is not my job\nB) Offer to help and share the load\nC) Complain to the manager\n\n\
        2) I like working alone.\n3. Which colour do you prefer?\n(a) Blue\n(b) Green\n4. Why us?";

    #[test]
    fn only_what_is_plain_is_recommended() {
        let answer = answer(SURVEY);
        let lines: Vec<&str> = answer.lines().collect();
        assert!(lines[0].contains("without a model"));
        assert!(lines[1].starts_with("1. B - "), "{answer}");
        assert!(lines[2].starts_with("2. Disagree"), "{answer}");
        assert!(lines[3].starts_with("3. Your own choice"), "{answer}");
        assert!(lines[4].starts_with("4. Answer in two or three sentences"), "{answer}");
        assert_eq!(lines.len(), 5);
    }

    #[test]
    fn a_text_without_questions_says_how_to_write_them() {
        assert!(answer("Thank you for your interest.").contains("No questions were recognised"));
    }

    proptest! {
        #[test]
        fn any_text_gets_a_bounded_answer(text in "(?s).{0,2000}") {
            prop_assert!(answer(&text).len() < 10_000 + 3 * text.len());
        }
    }
}
