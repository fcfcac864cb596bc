//! A brief without a model: the sources' own sentences, sorted under the heads.

use std::collections::HashSet;

use aerie_documents::tailoring::gap_report;
use aerie_matching::{SkillVocabulary, text::significant};
use aerie_postings::{
    Posting,
    text::{contains_words, fold},
};

use super::{
    brief::{
        BriefSection, INCLUSION, LEADERSHIP, MARKET, OVERVIEW, PRODUCT, QUESTIONS, RECENT, RED_FLAGS, SECTIONS,
        Statement, TALKING_POINTS, masked_points,
    },
    web::{Source, SourceKind},
};
use crate::letters::Applicant;

/// Most statements of a section.
const MOST_STATEMENTS: usize = 5;

/// Words that put a sentence under a head.
const SIGNS: &[(&str, &[&str])] = &[
    (
        MARKET,
        &[
            "funding",
            "series a",
            "series b",
            "series c",
            "investors",
            "revenue",
            "valuation",
            "raised",
            "acquired",
            "acquisition",
            "competitors",
            "market leader",
            "market share",
            "profitable",
            "listed",
            "ipo",
        ],
    ),
    (
        LEADERSHIP,
        &[
            "ceo",
            "cto",
            "founder",
            "founders",
            "founded by",
            "chief",
            "leadership",
            "managing director",
            "culture",
            "values",
            "our team",
            "teamwork",
        ],
    ),
    (
        INCLUSION,
        &[
            "inclusion",
            "inclusive",
            "diversity",
            "accessibility",
            "accessible",
            "equal opportunity",
            "disabilities",
            "accommodation",
            "accommodations",
            "lgbtq",
            "parental leave",
        ],
    ),
    (
        RED_FLAGS,
        &[
            "layoffs",
            "laid off",
            "lawsuit",
            "fined",
            "insolvency",
            "bankruptcy",
            "turnover",
            "toxic",
            "unpaid",
            "overtime",
            "fast-paced",
            "work hard play hard",
            "wear many hats",
            "rockstar",
            "investigation",
        ],
    ),
    (
        RECENT,
        &[
            "announced",
            "announces",
            "launched",
            "launches",
            "new office",
            "opened",
            "partnership",
            "expands",
            "today",
            "this year",
            "recently",
        ],
    ),
    (
        PRODUCT,
        &[
            "platform",
            "product",
            "products",
            "technology",
            "software",
            "built with",
            "stack",
            "engineering",
            "customers use",
            "service",
            "tools",
        ],
    ),
    (
        OVERVIEW,
        &[
            "founded in",
            "headquartered",
            "employees",
            "offices",
            "we are",
            "is a",
            "mission",
            "customers",
            "since",
            "about us",
            "our company",
        ],
    ),
];

/// Questions that fit any talk; one that the sources answer is left out.
const ASKS: &[(&str, &[&str])] = &[
    ("What would you want the new person to have achieved after six months?", &["first six months", "first 6 months"]),
    ("How is the team put together, and who would I work with most?", &["team of", "your team"]),
    ("How do you decide what is built next?", &["roadmap"]),
    ("What does working remotely look like here from day to day?", &["remote", "hybrid", "on-site", "office"]),
    ("Which pay range have you set for this role?", &["salary", "compensation", "per year", "p.a."]),
    ("What are the next steps, and when do you decide?", &["interview process", "hiring process"]),
];

/// Writes a brief by rules: every statement is a sentence of a source, or says that it has none.
pub(super) fn brief(
    posting: &Posting,
    applicant: &Applicant,
    sources: &[Source],
    vocabulary: &SkillVocabulary,
) -> Vec<BriefSection> {
    let mut sections: Vec<BriefSection> =
        SECTIONS.iter().map(|title| BriefSection { title: (*title).to_owned(), statements: vec![] }).collect();
    let mut add = |title: &str, statement: Statement| {
        let section = sections.iter_mut().find(|section| section.title == title);
        if let Some(section) = section.filter(|section| section.statements.len() < MOST_STATEMENTS) {
            section.statements.push(statement);
        }
    };
    let mut seen: HashSet<String> = HashSet::new();
    for (index, source) in sources.iter().enumerate() {
        for sentence in sentences(&source.text) {
            let names_it = contains_words(&sentence, &posting.company);
            let is_news = source.kind == SourceKind::News;
            let sign = SIGNS.iter().find(|(_, words)| words.iter().any(|word| contains_words(&sentence, word)));
            let title = match sign {
                // A page of somebody else speaks of many.
                Some((title, _)) if names_it || source.kind != SourceKind::Web => *title,
                None if is_news && names_it => RECENT,
                None if names_it && source.kind == SourceKind::Company => OVERVIEW,
                _ => continue,
            };
            if seen.insert(fold(&sentence)) {
                add(title, Statement { text: sentence, sources: vec![index] });
            }
        }
    }
    for statement in talking_points(posting, applicant, sources, vocabulary) {
        add(TALKING_POINTS, statement);
    }
    let told = sources.iter().map(|source| source.text.as_str()).collect::<Vec<_>>().join("\n");
    for (ask, _) in ASKS.iter().filter(|(_, words)| !words.iter().any(|word| contains_words(&told, word))) {
        add(QUESTIONS, Statement { text: (*ask).to_owned(), sources: vec![] });
    }
    sections.retain(|section| !section.statements.is_empty());
    sections
}

/// What the person did that the posting asks for, and what they should be ready to be asked about.
fn talking_points(
    posting: &Posting,
    applicant: &Applicant,
    sources: &[Source],
    vocabulary: &SkillVocabulary,
) -> Vec<Statement> {
    let from_posting: Vec<usize> =
        sources.iter().position(|source| source.kind == SourceKind::Posting).into_iter().collect();
    let wanted = significant(&posting.description_text);
    let mut points: Vec<Statement> = masked_points(applicant, posting)
        .into_iter()
        .filter(|point| significant(point).intersection(&wanted).count() >= 2)
        .take(3)
        .map(|point| Statement {
            text: format!("They look for this, and you did it: {point}"),
            sources: from_posting.clone(),
        })
        .collect();
    let report = gap_report(&applicant.resume, &posting.description_text, vocabulary);
    let missing: Vec<String> =
        report.gaps.into_iter().filter(|gap| !gap.optional).take(3).map(|gap| gap.skill).collect();
    if !missing.is_empty() {
        let text = format!("Be ready to be asked about {}: your résumé does not show it.", missing.join(", "));
        points.push(Statement { text, sources: from_posting });
    }
    points
}

/// Sentences of a text that can stand alone.
fn sentences(text: &str) -> Vec<String> {
    let mut sentences = Vec::new();
    for line in text.lines() {
        let mut rest = line.trim().trim_start_matches(['-', '*', '•', '·']).trim();
        while !rest.is_empty() {
            let end = rest
                .char_indices()
                .find(|(at, character)| {
                    matches!(character, '.' | '!' | '?')
                        && rest.get(at + character.len_utf8()..).is_some_and(|tail| tail.is_empty() || tail.starts_with(' '))
                        // "Inc. of Leeds": a short word with a capital before the dot is no end.
                        && !rest.get(..*at).and_then(|head| head.split(' ').next_back()).is_some_and(is_abbreviation)
                })
                .map_or(rest.len(), |(at, character)| at + character.len_utf8());
            let (sentence, tail) = rest.split_at(end);
            let words = sentence.split_whitespace().count();
            if (3..=60).contains(&words) {
                sentences.push(sentence.trim().to_owned());
            }
            rest = tail.trim_start();
        }
    }
    sentences
}

fn is_abbreviation(word: &str) -> bool {
    word.chars().count() <= 4
        && word.chars().next().is_some_and(char::is_uppercase)
        && word.chars().all(char::is_alphabetic)
}
