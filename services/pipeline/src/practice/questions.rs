//! Likely questions by rules, and notes for their answers out of the résumé.

use std::collections::HashSet;

use aerie_documents::{
    Profile as ResumeProfile,
    content::Language,
    letters::mask,
    resume::{Position, Sourced},
    tailoring::gap_report,
};
use aerie_matching::{SkillVocabulary, text::significant};
use aerie_postings::{Posting, text::contains_words};
use serde::{Deserialize, Serialize};

use crate::letters::Applicant;

/// Skills that are asked about.
const MOST_SKILLS: usize = 5;

/// Missing skills that are asked about.
const MOST_GAPS: usize = 3;

/// Notes for one question.
const MOST_NOTES: usize = 3;

/// What a question is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Topic {
    Background,
    Skill,
    Behaviour,
    Gap,
    Motivation,
}

/// A likely question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Likely {
    pub(crate) question: String,
    pub(crate) topic: Topic,
    /// The posting's words that make it likely.
    pub(crate) reason: String,
    pub(crate) notes: Vec<Note>,
}

/// A note in the order situation, task, action, result. The task stays open: no résumé says it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Note {
    pub(crate) situation: String,
    pub(crate) task: String,
    pub(crate) action: String,
    pub(crate) result: String,
    pub(crate) point: String,
}

/// Questions about behaviour that fit any job, each with words of points that answer it.
const BEHAVIOUR: [(&str, &[&str]); 4] = [
    (
        "Tell me about something that did not go as planned. What did you do?",
        &["migrated", "recovered", "fixed", "outage", "rescued"],
    ),
    (
        "Tell me about a disagreement in a team, and how it ended.",
        &["team", "led", "agreed", "together", "mentored", "coordinated"],
    ),
    (
        "Tell me about a time when you had too little time.",
        &["deadline", "weeks", "days", "months", "quickly", "within"],
    ),
    (
        "What are you proudest of in your last job?",
        &["cut", "raised", "built", "increased", "reduced", "saved", "grew"],
    ),
];

/// The questions that a posting makes likely, in the order in which a talk goes.
pub(super) fn likely(posting: &Posting, applicant: &Applicant, vocabulary: &SkillVocabulary) -> Vec<Likely> {
    let resume = mask(&applicant.resume, &applicant.writing.confidential_employers, Language::English);
    let text = &posting.description_text;
    let report = gap_report(&resume, text, vocabulary);
    let company = if posting.company.is_empty() { "this company" } else { &posting.company };
    let mut questions = vec![Likely {
        question: format!("Walk me through your way to this role as {}.", posting.title.trim()),
        topic: Topic::Background,
        reason: "Most talks begin with it.".to_owned(),
        notes: resume.positions.iter().take(MOST_NOTES).filter_map(first_note).collect(),
    }];
    for shown in report.shown.iter().take(MOST_SKILLS) {
        questions.push(Likely {
            question: format!("Tell me about something that you did with {}.", shown.skill),
            topic: Topic::Skill,
            reason: line_with(text, &shown.skill),
            notes: notes_about(&resume, &shown.skill),
        });
    }
    for gap in report.gaps.iter().filter(|gap| !gap.optional).take(MOST_GAPS) {
        let evidence = gap.evidence.first().map(|span| line_with(text, span.of(text))).unwrap_or_default();
        questions.push(Likely {
            question: format!("We need {}. How would you get up to speed?", gap.skill),
            topic: Topic::Gap,
            reason: evidence,
            notes: notes_about(&resume, &gap.skill),
        });
    }
    for (question, words) in BEHAVIOUR {
        questions.push(Likely {
            question: question.to_owned(),
            topic: Topic::Behaviour,
            reason: "Asked in most talks, whatever the job.".to_owned(),
            notes: notes_where(&resume, |point| words.iter().any(|word| contains_words(point, word))),
        });
    }
    questions.push(Likely {
        question: format!("Why {company}?"),
        topic: Topic::Motivation,
        reason: "Most talks end with it.".to_owned(),
        notes: vec![],
    });
    questions
}

/// Notes for a question that somebody else thought of: the points with most in common with it.
pub(super) fn notes_for(applicant: &Applicant, question: &str) -> Vec<Note> {
    let resume = mask(&applicant.resume, &applicant.writing.confidential_employers, Language::English);
    let wanted = significant(question);
    let mut ranked: Vec<(usize, Note)> = all_points(&resume)
        .map(|(position, bullet)| (significant(&bullet.value).intersection(&wanted).count(), note(position, bullet)))
        .filter(|(shared, _)| *shared > 0)
        .collect();
    ranked.sort_by_key(|(shared, _)| std::cmp::Reverse(*shared));
    ranked.into_iter().take(MOST_NOTES).map(|(_, note)| note).collect()
}

fn all_points(resume: &ResumeProfile) -> impl Iterator<Item = (&Position, &Sourced)> {
    resume.positions.iter().flat_map(|position| position.bullets.iter().map(move |bullet| (position, bullet)))
}

fn notes_where(resume: &ResumeProfile, wanted: impl Fn(&str) -> bool) -> Vec<Note> {
    let fitting = all_points(resume).filter(|(_, bullet)| wanted(&bullet.value));
    fitting.take(MOST_NOTES).map(|(position, bullet)| note(position, bullet)).collect()
}

fn notes_about(resume: &ResumeProfile, skill: &str) -> Vec<Note> {
    let words: HashSet<u32> = significant(skill);
    notes_where(resume, |point| contains_words(point, skill) || !significant(point).is_disjoint(&words))
}

fn first_note(position: &Position) -> Option<Note> {
    position.bullets.first().map(|bullet| note(position, bullet))
}

/// The point with what is known around it. What came of it is the part that holds a number or says so in words.
fn note(position: &Position, bullet: &Sourced) -> Note {
    let value = |field: &Option<Sourced>| field.as_ref().map(|field| field.value.clone()).unwrap_or_default();
    let (title, employer) = (value(&position.title), value(&position.employer));
    let situation = match (title.as_str(), employer.as_str()) {
        ("", "") => String::new(),
        ("", employer) => format!("At {employer}"),
        (title, "") => format!("As {title}"),
        (title, employer) => format!("As {title} at {employer}"),
    };
    let (action, result) = split_result(bullet.value.trim());
    Note {
        situation,
        task: String::new(),
        action: action.to_owned(),
        result: result.to_owned(),
        point: bullet.value.clone(),
    }
}

/// "Moved the ledger to PostgreSQL, which cut costs by 30 %" in two.
fn split_result(point: &str) -> (&str, &str) {
    const JOINTS: [&str; 9] = [
        ", which ",
        ", resulting in ",
        ", saving ",
        ", cutting ",
        ", reducing ",
        ", so that ",
        " to save ",
        ", raising ",
        " resulting in ",
    ];
    let lower = point.to_ascii_lowercase();
    let found = JOINTS.iter().filter_map(|joint| lower.find(joint)).min();
    match found {
        Some(at) => {
            let (action, result) = point.split_at(at);
            (action, result.trim_start_matches([',', ' ']))
        }
        None if point.contains(|character: char| character.is_ascii_digit()) => (point, point),
        None => (point, ""),
    }
}

/// The line of a text that names something.
fn line_with(text: &str, words: &str) -> String {
    let line = text.lines().find(|line| contains_words(line, words)).unwrap_or("");
    line.trim().trim_start_matches(['-', '*', '•']).trim().chars().take(240).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_is_split_where_it_says_what_came_of_it() {
        assert_eq!(split_result("Moved it, which cut costs"), ("Moved it", "which cut costs"));
        assert_eq!(split_result("Served 12 shops"), ("Served 12 shops", "Served 12 shops"));
        assert_eq!(split_result("Watered plants"), ("Watered plants", ""));
    }
}
