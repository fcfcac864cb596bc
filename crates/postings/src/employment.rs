//! Employment types and working arrangement from words.

use crate::EmploymentType;
use crate::text::{fold, words};

mod arrangement;

pub use arrangement::{remote_kind_of_description, remote_kind_of_title, remote_words};

/// Words of a field that name an employment type, in folded form, with `_`, `-` and case ignored, in several
/// languages. Longer phrases stand before their parts.
const FIELD_PHRASES: &[(&str, EmploymentType)] = &[
    // Phrases that hold a word of another type.
    ("fixed term contract", EmploymentType::Temporary),
    ("temporary contract", EmploymentType::Temporary),
    ("permanent contract", EmploymentType::FullTime),
    ("unlimited contract", EmploymentType::FullTime),
    ("indefinite contract", EmploymentType::FullTime),
    ("contrat a duree indeterminee", EmploymentType::FullTime),
    ("contrat a duree determinee", EmploymentType::Temporary),
    ("tiempo indefinido", EmploymentType::FullTime),
    ("mini job", EmploymentType::PartTime),
    ("non permanent", EmploymentType::Temporary),
    // Full time.
    ("full time", EmploymentType::FullTime),
    ("fulltime", EmploymentType::FullTime),
    ("vollzeit", EmploymentType::FullTime),
    ("festanstellung", EmploymentType::FullTime),
    ("unbefristet", EmploymentType::FullTime),
    ("permanent", EmploymentType::FullTime),
    ("regular", EmploymentType::FullTime),
    ("temps plein", EmploymentType::FullTime),
    ("cdi", EmploymentType::FullTime),
    ("tiempo completo", EmploymentType::FullTime),
    ("jornada completa", EmploymentType::FullTime),
    ("indefinido", EmploymentType::FullTime),
    ("tempo pieno", EmploymentType::FullTime),
    ("tempo indeterminato", EmploymentType::FullTime),
    ("tempo integral", EmploymentType::FullTime),
    ("heltid", EmploymentType::FullTime),
    ("fuldtid", EmploymentType::FullTime),
    ("voltijd", EmploymentType::FullTime),
    ("fulltijd", EmploymentType::FullTime),
    ("pelny etat", EmploymentType::FullTime),
    ("kokoaikainen", EmploymentType::FullTime),
    // Part time.
    ("part time", EmploymentType::PartTime),
    ("parttime", EmploymentType::PartTime),
    ("teilzeit", EmploymentType::PartTime),
    ("minijob", EmploymentType::PartTime),
    ("temps partiel", EmploymentType::PartTime),
    ("tiempo parcial", EmploymentType::PartTime),
    ("media jornada", EmploymentType::PartTime),
    ("tempo parziale", EmploymentType::PartTime),
    ("tempo parcial", EmploymentType::PartTime),
    ("deltid", EmploymentType::PartTime),
    ("deeltijd", EmploymentType::PartTime),
    ("osa aikainen", EmploymentType::PartTime),
    // Contract.
    ("corp to corp", EmploymentType::Contract),
    ("self employed", EmploymentType::Contract),
    ("contractor", EmploymentType::Contract),
    ("contract", EmploymentType::Contract),
    ("subcontractor", EmploymentType::Contract),
    ("freelance", EmploymentType::Contract),
    ("freelancer", EmploymentType::Contract),
    ("freiberuflich", EmploymentType::Contract),
    ("freie mitarbeit", EmploymentType::Contract),
    ("b2b", EmploymentType::Contract),
    ("c2c", EmploymentType::Contract),
    ("1099", EmploymentType::Contract),
    ("zzp", EmploymentType::Contract),
    ("autonomo", EmploymentType::Contract),
    // Temporary.
    ("fixed term", EmploymentType::Temporary),
    ("temporary", EmploymentType::Temporary),
    ("temp", EmploymentType::Temporary),
    ("seasonal", EmploymentType::Temporary),
    ("befristet", EmploymentType::Temporary),
    ("zeitarbeit", EmploymentType::Temporary),
    ("cdd", EmploymentType::Temporary),
    ("interim", EmploymentType::Temporary),
    ("temporal", EmploymentType::Temporary),
    ("tempo determinato", EmploymentType::Temporary),
    ("tijdelijk", EmploymentType::Temporary),
    ("maternity cover", EmploymentType::Temporary),
    // Internship.
    ("working student", EmploymentType::Internship),
    ("intern", EmploymentType::Internship),
    ("interns", EmploymentType::Internship),
    ("internship", EmploymentType::Internship),
    ("internships", EmploymentType::Internship),
    ("intern trainee", EmploymentType::Internship),
    ("trainee", EmploymentType::Internship),
    ("praktikum", EmploymentType::Internship),
    ("praktikant", EmploymentType::Internship),
    ("praktikantin", EmploymentType::Internship),
    ("werkstudent", EmploymentType::Internship),
    ("werkstudentin", EmploymentType::Internship),
    ("ausbildung", EmploymentType::Internship),
    ("azubi", EmploymentType::Internship),
    ("stage", EmploymentType::Internship),
    ("stagiaire", EmploymentType::Internship),
    ("stagiair", EmploymentType::Internship),
    ("alternance", EmploymentType::Internship),
    ("apprenticeship", EmploymentType::Internship),
    ("apprentice", EmploymentType::Internship),
    ("apprentissage", EmploymentType::Internship),
    ("tirocinio", EmploymentType::Internship),
    ("practicas", EmploymentType::Internship),
    ("estagio", EmploymentType::Internship),
    ("co op", EmploymentType::Internship),
    ("coop", EmploymentType::Internship),
    // Volunteer.
    ("volunteer", EmploymentType::Volunteer),
    ("voluntary", EmploymentType::Volunteer),
    ("ehrenamt", EmploymentType::Volunteer),
    ("ehrenamtlich", EmploymentType::Volunteer),
    ("benevolat", EmploymentType::Volunteer),
    ("voluntariado", EmploymentType::Volunteer),
    // By the day.
    ("per diem", EmploymentType::PerDiem),
    ("perdiem", EmploymentType::PerDiem),
    ("prn", EmploymentType::PerDiem),
    ("on call", EmploymentType::PerDiem),
    ("casual", EmploymentType::PerDiem),
    ("zero hours", EmploymentType::PerDiem),
];

/// The employment types that a field names, in rising order without repetition: codes of sources (`FULL_TIME`,
/// `FullTime`, `CONTRACTOR`) and words in several languages. A field that is not empty but names none of them gives
/// [`EmploymentType::Other`].
pub fn employment_types(field: &str) -> Vec<EmploymentType> {
    let spaced = split_camel_case(field);
    let folded = fold(&spaced);
    let tokens: Vec<&str> = words(&folded).collect();
    if tokens.is_empty() {
        return Vec::new();
    }
    let mut found = match_phrases(&tokens, FIELD_PHRASES);
    if found.is_empty() {
        found.push(EmploymentType::Other);
    }
    found
}

/// Words of a title that name an employment type, with the words that deny it when they follow ("Contract Manager"
/// manages contracts).
const TITLE_PHRASES: &[(&str, EmploymentType)] = &[
    ("working student", EmploymentType::Internship),
    ("part time", EmploymentType::PartTime),
    ("full time", EmploymentType::FullTime),
    ("teilzeit", EmploymentType::PartTime),
    ("intern", EmploymentType::Internship),
    ("internship", EmploymentType::Internship),
    ("internships", EmploymentType::Internship),
    ("co op", EmploymentType::Internship),
    ("praktikum", EmploymentType::Internship),
    ("praktikant", EmploymentType::Internship),
    ("praktikantin", EmploymentType::Internship),
    ("werkstudent", EmploymentType::Internship),
    ("werkstudentin", EmploymentType::Internship),
    ("stagiaire", EmploymentType::Internship),
    ("alternance", EmploymentType::Internship),
    ("ausbildung", EmploymentType::Internship),
    ("apprentice", EmploymentType::Internship),
    ("apprenticeship", EmploymentType::Internship),
    ("freelance", EmploymentType::Contract),
    ("freelancer", EmploymentType::Contract),
    ("contract", EmploymentType::Contract),
    ("fixed term", EmploymentType::Temporary),
    ("temporary", EmploymentType::Temporary),
    ("seasonal", EmploymentType::Temporary),
    ("per diem", EmploymentType::PerDiem),
    ("volunteer", EmploymentType::Volunteer),
];

/// What follows such a word when it is the matter of the work, not its kind.
const MATTER: [&str; 26] = [
    "manager",
    "managers",
    "management",
    "specialist",
    "administrator",
    "administration",
    "coordinator",
    "negotiator",
    "analyst",
    "engineer",
    "recruiter",
    "recruiting",
    "program",
    "programs",
    "programme",
    "services",
    "lead",
    "director",
    "officer",
    "attorney",
    "counsel",
    "lifecycle",
    "manufacturing",
    "research",
    "platform",
    "staffing",
];

/// The employment types that a title names by whole words.
pub fn employment_types_of_title(title: &str) -> Vec<EmploymentType> {
    let folded = fold(title);
    let tokens: Vec<&str> = words(&folded).collect();
    let mut found = Vec::new();
    for (phrase, kind) in TITLE_PHRASES {
        let phrase: Vec<&str> = phrase.split(' ').collect();
        for (index, window) in tokens.windows(phrase.len()).enumerate() {
            let next = tokens.get(index + phrase.len());
            // "Contract Manager" manages contracts; "Intern Engineer" and "Internship Program" are internships.
            let can_be_matter = matches!(kind, EmploymentType::Contract | EmploymentType::Volunteer)
                || next.is_some_and(|next| matches!(*next, "recruiter" | "coordinator"))
                || next.is_some_and(|next| next.starts_with("program"))
                    && tokens
                        .get(index + phrase.len() + 1)
                        .is_some_and(|last| matches!(*last, "manager" | "coordinator" | "director" | "lead"));
            let is_matter = can_be_matter && next.is_some_and(|next| MATTER.contains(next));
            if window == phrase.as_slice() && !is_matter && !found.contains(kind) {
                found.push(*kind);
            }
        }
    }
    found.sort();
    found
}

/// Phrases found in the words; a phrase's words are used up by it, so that "fixed term contract" is no contract.
fn match_phrases(tokens: &[&str], phrases: &[(&str, EmploymentType)]) -> Vec<EmploymentType> {
    let mut rest: Vec<Option<&str>> = tokens.iter().copied().map(Some).collect();
    let mut found = Vec::new();
    for (phrase, kind) in phrases {
        let phrase: Vec<Option<&str>> = phrase.split(' ').map(Some).collect();
        let mut from = 0;
        while let Some(at) =
            rest.get(from..).and_then(|rest| rest.windows(phrase.len()).position(|window| window == phrase.as_slice()))
        {
            let start = from + at;
            for slot in rest.iter_mut().skip(start).take(phrase.len()) {
                *slot = None;
            }
            if !found.contains(kind) {
                found.push(*kind);
            }
            from = start + phrase.len();
        }
    }
    found.sort();
    found
}

/// "FullTime" as "Full Time": a capital behind a small letter begins a word.
fn split_camel_case(text: &str) -> String {
    let mut spaced = String::with_capacity(text.len() + 4);
    let mut after_small = false;
    for character in text.chars().take(500) {
        if after_small && character.is_uppercase() {
            spaced.push(' ');
        }
        after_small = character.is_lowercase();
        spaced.push(character);
    }
    spaced
}

#[cfg(test)]
mod tests;
