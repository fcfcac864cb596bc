//! The sentences of the template writer in four languages. `{…}` are filled in.

use chrono::{Datelike, NaiveDate};

use crate::content::Language;

pub(super) struct Wording {
    pub document_title: &'static str,
    pub subject: &'static str,
    pub salutation: &'static str,
    pub opening: &'static str,
    pub current: &'static str,
    pub latest: &'static str,
    pub skills: &'static str,
    pub at: &'static str,
    pub ending: &'static str,
    pub closing: &'static str,
    pub and: &'static str,
    pub masked: &'static str,
}

impl Wording {
    pub(super) fn of(language: Language) -> &'static Self {
        match language {
            Language::English => &ENGLISH,
            Language::German => &GERMAN,
            Language::French => &FRENCH,
            Language::Spanish => &SPANISH,
        }
    }
}

const ENGLISH: Wording = Wording {
    document_title: "Letter to {company}",
    subject: "Application: {title}",
    salutation: "Dear hiring team,",
    opening: "I am writing to apply for the position of {title} at {company}.",
    current: "I currently work as {title} at {employer}.",
    latest: "Most recently I worked as {title} at {employer}.",
    skills: "Of what your posting asks for, I bring {skills}.",
    at: "From my time at {employer}: {point}",
    ending: "I would be glad to tell you more in a conversation, and look forward to your answer.",
    closing: "Kind regards,",
    and: "and",
    masked: "an employer under a confidentiality agreement",
};
const GERMAN: Wording = Wording {
    document_title: "Anschreiben an {company}",
    subject: "Bewerbung: {title}",
    salutation: "Sehr geehrte Damen und Herren,",
    opening: "hiermit bewerbe ich mich bei {company} auf die Stelle {title}.",
    current: "Derzeit arbeite ich als {title} bei {employer}.",
    latest: "Zuletzt habe ich als {title} bei {employer} gearbeitet.",
    skills: "Von dem, was Sie suchen, bringe ich {skills} mit.",
    at: "Aus meiner Zeit bei {employer}: {point}",
    ending: "Über eine Einladung zu einem Gespräch würde ich mich freuen.",
    closing: "Mit freundlichen Grüßen",
    and: "und",
    masked: "einem Arbeitgeber unter Vertraulichkeit",
};
const FRENCH: Wording = Wording {
    document_title: "Lettre à {company}",
    subject: "Candidature : {title}",
    salutation: "Madame, Monsieur,",
    opening: "Je vous adresse ma candidature au poste de {title} chez {company}.",
    current: "Je travaille actuellement comme {title} chez {employer}.",
    latest: "J’ai travaillé en dernier lieu comme {title} chez {employer}.",
    skills: "Parmi ce que vous recherchez, j’apporte {skills}.",
    at: "De mon passage chez {employer} : {point}",
    ending: "Je serais heureux d’échanger avec vous de vive voix.",
    closing: "Cordialement,",
    and: "et",
    masked: "un employeur sous accord de confidentialité",
};
const SPANISH: Wording = Wording {
    document_title: "Carta a {company}",
    subject: "Candidatura: {title}",
    salutation: "Estimados señores:",
    opening: "Les escribo para solicitar el puesto de {title} en {company}.",
    current: "Actualmente trabajo como {title} en {employer}.",
    latest: "Mi último puesto fue {title} en {employer}.",
    skills: "De lo que buscan, aporto {skills}.",
    at: "De mi etapa en {employer}: {point}",
    ending: "Me gustaría hablar con ustedes y quedo a la espera de su respuesta.",
    closing: "Un cordial saludo,",
    and: "y",
    masked: "una empresa bajo acuerdo de confidencialidad",
};

/// Fills places in one pass, so that what is filled in is never looked at again.
pub(super) fn filled(pattern: &str, values: &[(&str, &str)]) -> String {
    let mut text = String::new();
    let mut rest = pattern;
    while let Some(start) = rest.find('{') {
        let Some(end) = rest[start..].find('}').map(|end| start + end) else { break };
        let name = &rest[start + 1..end];
        text.push_str(&rest[..start]);
        text.push_str(values.iter().find(|(key, _)| *key == name).map_or("", |(_, value)| value));
        rest = &rest[end + 1..];
    }
    text.push_str(rest);
    text
}

const MONTHS: [[&str; 12]; 4] = [
    [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
    [
        "Januar",
        "Februar",
        "März",
        "April",
        "Mai",
        "Juni",
        "Juli",
        "August",
        "September",
        "Oktober",
        "November",
        "Dezember",
    ],
    [
        "janvier",
        "février",
        "mars",
        "avril",
        "mai",
        "juin",
        "juillet",
        "août",
        "septembre",
        "octobre",
        "novembre",
        "décembre",
    ],
    [
        "enero",
        "febrero",
        "marzo",
        "abril",
        "mayo",
        "junio",
        "julio",
        "agosto",
        "septiembre",
        "octubre",
        "noviembre",
        "diciembre",
    ],
];

/// A day in words.
pub(super) fn day(day: NaiveDate, language: Language) -> String {
    let (number, year) = (day.day(), day.year());
    let name = |names: &[&'static str; 12]| names.get(day.month0() as usize).copied().unwrap_or_default();
    match language {
        Language::English => format!("{number} {} {year}", name(&MONTHS[0])),
        Language::German => format!("{number}. {} {year}", name(&MONTHS[1])),
        Language::French => format!("{number} {} {year}", name(&MONTHS[2])),
        Language::Spanish => format!("{number} de {} de {year}", name(&MONTHS[3])),
    }
}
