//! A letter without a model: the profile's own words in a fixed order.

use std::collections::HashSet;

use aerie_matching::{SkillVocabulary, text::significant};

use super::{
    LetterRequest, mask, matching_missions,
    wording::{Wording, filled},
};
use crate::{
    content::LetterContent,
    resume::{Position, Profile},
};

/// Most skills that are named.
const MOST_SKILLS: usize = 5;

/// Most points that are quoted.
const MOST_POINTS: usize = 2;

/// Writes a letter by rules. It says nothing that the profile does not say: titles and employers as they are, skills
/// that both the profile and the posting name, and the points of the résumé that share most words with the posting.
pub fn write_from_template(request: &LetterRequest<'_>, vocabulary: &SkillVocabulary) -> LetterContent {
    let words = Wording::of(request.language);
    let profile = mask(request.profile, request.confidential, request.language);
    let mut letter = request.frame(&profile);
    let mut opening =
        vec![filled(words.opening, &[("title", request.posting.title.trim()), ("company", &request.posting.company)])];
    opening.extend(present(&profile, words));
    letter.paragraphs.push(opening.join(" "));
    let skills = shared_skills(&profile, request, vocabulary);
    if !skills.is_empty() {
        letter.paragraphs.push(filled(words.skills, &[("skills", &enumerated(&skills, words.and))]));
    }
    for (employer, point) in best_points(&profile, request) {
        letter.paragraphs.push(filled(words.at, &[("employer", &employer), ("point", &point)]));
    }
    letter
        .paragraphs
        .extend(matching_missions(request.posting, request.missions).first().map(|mission| mission.note.clone()));
    letter.paragraphs.push(words.ending.to_owned());
    letter
}

fn present(profile: &Profile, words: &Wording) -> Option<String> {
    let is_current = |position: &&Position| position.period.as_ref().is_some_and(|period| period.value.is_current());
    let current = profile.positions.iter().find(is_current);
    let position = current.or(profile.positions.first())?;
    let (title, employer) = (position.title.as_ref()?, position.employer.as_ref()?);
    let pattern = if current.is_some() { words.current } else { words.latest };
    Some(filled(pattern, &[("title", &title.value), ("employer", &employer.value)]))
}

/// Skills that the posting names, under the names that the profile has for them.
fn shared_skills(profile: &Profile, request: &LetterRequest<'_>, vocabulary: &SkillVocabulary) -> Vec<String> {
    let asked: HashSet<_> =
        vocabulary.mentions(&request.posting.description_text).into_iter().map(|mention| mention.skill).collect();
    let mut seen = HashSet::new();
    let shared = profile
        .all_skills()
        .filter(|skill| vocabulary.lookup(skill).is_some_and(|id| asked.contains(&id) && seen.insert(id)));
    shared.take(MOST_SKILLS).map(str::to_owned).collect()
}

fn enumerated(items: &[String], and: &str) -> String {
    match items {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} {and} {last}", first.join(", ")),
    }
}

/// The points with most in common with the posting, each with its employer.
fn best_points(profile: &Profile, request: &LetterRequest<'_>) -> Vec<(String, String)> {
    let wanted = significant(&request.posting.description_text);
    let mut points: Vec<(usize, usize, String, String)> = Vec::new();
    for position in &profile.positions {
        let Some(employer) = &position.employer else { continue };
        for bullet in &position.bullets {
            let shared = significant(&bullet.value).intersection(&wanted).count();
            points.push((shared, points.len(), employer.value.clone(), ended(&bullet.value)));
        }
    }
    points.sort_by_key(|(shared, index, _, _)| (std::cmp::Reverse(*shared), *index));
    points.into_iter().take(MOST_POINTS).map(|(_, _, employer, point)| (employer, point)).collect()
}

fn ended(point: &str) -> String {
    let point = point.trim();
    if point.ends_with(['.', '!', '?']) { point.to_owned() } else { format!("{point}.") }
}
