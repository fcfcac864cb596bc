//! What a posting asks for against what a résumé shows, and the same résumé in the order that fits the posting.

use std::{cmp::Reverse, collections::HashSet};

use aerie_matching::{SkillVocabulary, negation, requirements, skills::SkillId, text::significant};
use serde::{Deserialize, Serialize};

use crate::resume::{Profile, Span};

/// A skill that the posting asks for and the résumé does not show.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Gap {
    /// The skill.
    pub skill: String,
    /// The posting's words, by their bytes in its text.
    pub evidence: Vec<Span>,
    /// The posting says that it would be good to have, not that it is needed.
    pub optional: bool,
    /// Where the résumé could show it, if it is true.
    pub place: GapPlace,
}

/// Where a skill is best shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GapPlace {
    /// In the list of skills: tools and methods that a scanner looks for there.
    Skills,
    /// In the points of a position: it is named more than once, so that a reader will ask how it was used.
    Experience,
    /// In the summary: habits and ways of working.
    Summary,
}

/// A skill that both have.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Shown {
    /// The skill.
    pub skill: String,
    /// It is only in the text, not in the list of skills, where scanners of hiring systems look first.
    pub only_in_text: bool,
}

/// The report.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct GapReport {
    /// What is missing, needed skills first, in the posting's order.
    pub gaps: Vec<Gap>,
    /// What is there.
    pub shown: Vec<Shown>,
    /// Share of the skills asked for that the résumé shows, from 0 to 1; 1 where the posting names none.
    pub coverage: f64,
}

/// Compares the skills of a posting's text with a profile. Skills that the posting says it does not need are left out.
pub fn gap_report(profile: &Profile, posting: &str, vocabulary: &SkillVocabulary) -> GapReport {
    let listed: HashSet<SkillId> = profile.all_skills().flat_map(|skill| mentioned(skill, vocabulary)).collect();
    let told: HashSet<SkillId> = mentioned(&resume_text(profile), vocabulary).into_iter().collect();
    let mut asked: Vec<(SkillId, Vec<Span>, bool)> = Vec::new();
    for mention in vocabulary.mentions(posting) {
        if negation::is_not_asked(posting, &mention.span) {
            continue;
        }
        let span = Span { start: mention.span.start, end: mention.span.end };
        let optional = requirements::is_advantage(posting, &mention.span);
        match asked.iter_mut().find(|(skill, _, _)| *skill == mention.skill) {
            Some((_, spans, known)) => {
                spans.push(span);
                *known &= optional;
            }
            None => asked.push((mention.skill, vec![span], optional)),
        }
    }
    let total = asked.len();
    let mut report = GapReport::default();
    for (skill, evidence, optional) in asked {
        let Some(label) = vocabulary.label(skill) else { continue };
        if listed.contains(&skill) || told.contains(&skill) {
            report.shown.push(Shown { skill: label.to_owned(), only_in_text: !listed.contains(&skill) });
            continue;
        }
        let place = match (vocabulary.weight(skill) < 1.0, evidence.len()) {
            (true, _) => GapPlace::Summary,
            (false, 1) => GapPlace::Skills,
            (false, _) => GapPlace::Experience,
        };
        report.gaps.push(Gap { skill: label.to_owned(), evidence, optional, place });
    }
    report.gaps.sort_by_key(|gap| gap.optional);
    report.coverage = if total == 0 { 1.0 } else { report.shown.len() as f64 / total as f64 };
    report
}

fn mentioned(text: &str, vocabulary: &SkillVocabulary) -> Vec<SkillId> {
    let named = vocabulary.lookup(text);
    named.into_iter().chain(vocabulary.mentions(text).into_iter().map(|mention| mention.skill)).collect()
}

fn resume_text(profile: &Profile) -> String {
    let mut lines: Vec<&str> = profile.summary.iter().map(|summary| summary.value.as_str()).collect();
    for position in &profile.positions {
        lines.extend([&position.title, &position.summary].into_iter().flatten().map(|field| field.value.as_str()));
        lines.extend(position.bullets.iter().map(|bullet| bullet.value.as_str()));
    }
    lines.extend(profile.certificates.iter().map(|certificate| certificate.name.value.as_str()));
    lines.extend(profile.sections.iter().flat_map(|section| &section.lines).map(|line| line.value.as_str()));
    lines.join("\n")
}

/// How a résumé is cut to a posting.
#[derive(Debug, Clone, Copy)]
pub struct Cut {
    /// Most points of one position.
    pub points: usize,
    /// Positions after these keep title, employer and dates, but no points.
    pub full_positions: usize,
}

impl Default for Cut {
    fn default() -> Self {
        Self { points: 5, full_positions: 4 }
    }
}

/// The same résumé for a posting: within each position the points that share most with it come first and the others may
/// fall away, and so do skills within and among their groups. Positions keep their order and none is left out, as a gap
/// in the dates would say something untrue. Every word is the profile's own.
pub fn tailored(profile: &Profile, posting: &str, vocabulary: &SkillVocabulary, cut: Cut) -> Profile {
    let wanted = significant(posting);
    let asked: HashSet<SkillId> = vocabulary.mentions(posting).into_iter().map(|mention| mention.skill).collect();
    let skills_in =
        |text: &str| mentioned(text, vocabulary).into_iter().collect::<HashSet<_>>().intersection(&asked).count();
    let value = |text: &str| skills_in(text) * 3 + significant(text).intersection(&wanted).count();
    let mut tailored = profile.clone();
    for (index, position) in tailored.positions.iter_mut().enumerate() {
        position.bullets.sort_by_cached_key(|bullet| Reverse(value(&bullet.value)));
        position.bullets.truncate(if index < cut.full_positions { cut.points } else { 0 });
    }
    for group in &mut tailored.skills {
        group.skills.sort_by_cached_key(|skill| Reverse(skills_in(&skill.value)));
    }
    tailored
        .skills
        .sort_by_cached_key(|group| Reverse(group.skills.iter().map(|skill| skills_in(&skill.value)).sum::<usize>()));
    tailored
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{
        claims::{Checker, Target, TextKind},
        content::{Language, ResumeContent},
        output::resume_markdown,
        resume::{YearMonth, from_json_resume},
    };

    const POSTING: &str =
        "We need Rust and PostgreSQL. Kubernetes is a plus. Docker, and Docker again. No PHP required.";

    fn profile() -> Profile {
        from_json_resume(
            r#"{"basics": {"name": "Ada Quill"}, "work": [{"name": "Acme", "position": "Engineer", "startDate": "2019",
                "highlights": ["Watered the plants", "Moved the ledger to PostgreSQL", "Answered mail"]},
                {"name": "Oak", "position": "Clerk", "startDate": "2015", "endDate": "2018", "highlights": ["Filed things"]}],
                "skills": [{"name": "Crafts", "keywords": ["Knitting"]}, {"name": "Code", "keywords": ["Python", "Rust"]}]}"#,
        )
        .unwrap()
    }

    #[test]
    fn gaps_name_what_is_asked_and_not_shown() {
        let report = gap_report(&profile(), POSTING, &SkillVocabulary::built_in());
        let gaps: Vec<(&str, bool)> = report.gaps.iter().map(|gap| (gap.skill.as_str(), gap.optional)).collect();
        assert_eq!(gaps, [("Docker", false), ("Kubernetes", true)]);
        assert_eq!(report.gaps[0].place, GapPlace::Experience);
        assert_eq!(report.gaps[0].evidence[0].of(POSTING), "Docker");
        let shown: Vec<(&str, bool)> =
            report.shown.iter().map(|shown| (shown.skill.as_str(), shown.only_in_text)).collect();
        assert_eq!(shown, [("Rust", false), ("PostgreSQL", true)]);
        assert!((report.coverage - 0.5).abs() < 1e-9);
    }

    #[test]
    fn a_tailored_resume_says_nothing_new() {
        let profile = profile();
        let cut = Cut { points: 2, full_positions: 1 };
        let tailored = tailored(&profile, POSTING, &SkillVocabulary::built_in(), cut);
        assert_eq!(tailored.positions[0].bullets[0].value, "Moved the ledger to PostgreSQL");
        assert_eq!((tailored.positions[0].bullets.len(), tailored.positions[1].bullets.len()), (2, 0));
        assert_eq!(tailored.all_skills().collect::<Vec<_>>(), ["Rust", "Python", "Knitting"]);
        let target = Target { company: "Fern", title: "Engineer", description: POSTING };
        let checker = Checker::new(&profile, target, SkillVocabulary::built_in(), YearMonth::new(2026, None).unwrap());
        let text = tailored
            .positions
            .iter()
            .flat_map(|position| &position.bullets)
            .map(|bullet| bullet.value.as_str())
            .collect::<Vec<_>>()
            .join("\n\n");
        assert!(checker.unsupported(&text, TextKind::Resume).is_empty());
        assert!(resume_markdown(&ResumeContent::of(&tailored, Language::English)).contains("Moved the ledger"));
    }
}
