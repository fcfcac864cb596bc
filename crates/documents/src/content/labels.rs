//! Heads and months in the languages that documents are written in.

use serde::{Deserialize, Serialize};

use crate::resume::YearMonth;

/// A language of documents.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Language {
    /// English.
    #[default]
    #[serde(rename = "en")]
    English,
    /// German.
    #[serde(rename = "de")]
    German,
    /// French.
    #[serde(rename = "fr")]
    French,
    /// Spanish.
    #[serde(rename = "es")]
    Spanish,
}

impl Language {
    /// The two-letter code (ISO 639-1).
    pub fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
            Self::French => "fr",
            Self::Spanish => "es",
        }
    }

    /// The language with this code, with or without a region: "de", "de-AT".
    pub fn from_code(code: &str) -> Option<Self> {
        let all = [Self::English, Self::German, Self::French, Self::Spanish];
        let short = code.split(['-', '_']).next().unwrap_or(code).to_ascii_lowercase();
        all.into_iter().find(|language| language.code() == short)
    }
}

/// The heads of a résumé.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "each is the head of that name")]
pub struct Labels {
    pub resume: String,
    pub contact: String,
    pub summary: String,
    pub experience: String,
    pub education: String,
    pub skills: String,
    pub languages: String,
    pub certificates: String,
    pub present: String,
}

impl Labels {
    pub(super) fn of(language: Language) -> Self {
        let words = match language {
            Language::English => [
                "Résumé",
                "Contact",
                "Summary",
                "Experience",
                "Education",
                "Skills",
                "Languages",
                "Certificates",
                "present",
            ],
            Language::German => [
                "Lebenslauf",
                "Kontakt",
                "Profil",
                "Berufserfahrung",
                "Ausbildung",
                "Kenntnisse",
                "Sprachen",
                "Zertifikate",
                "heute",
            ],
            Language::French => [
                "CV",
                "Contact",
                "Profil",
                "Expérience professionnelle",
                "Formation",
                "Compétences",
                "Langues",
                "Certifications",
                "aujourd’hui",
            ],
            Language::Spanish => [
                "Currículum",
                "Contacto",
                "Perfil",
                "Experiencia",
                "Formación",
                "Competencias",
                "Idiomas",
                "Certificados",
                "actualidad",
            ],
        };
        let [resume, contact, summary, experience, education, skills, languages, certificates, present] =
            words.map(str::to_owned);
        Self { resume, contact, summary, experience, education, skills, languages, certificates, present }
    }
}

const MONTHS: [[&str; 12]; 4] = [
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"],
    ["Jan.", "Feb.", "März", "Apr.", "Mai", "Juni", "Juli", "Aug.", "Sept.", "Okt.", "Nov.", "Dez."],
    ["janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc."],
    ["ene.", "feb.", "mar.", "abr.", "may.", "jun.", "jul.", "ago.", "sept.", "oct.", "nov.", "dic."],
];

/// "Mar 2018", or the year alone.
pub(super) fn month_text(month: YearMonth, language: Language) -> String {
    let names = match language {
        Language::English => MONTHS[0],
        Language::German => MONTHS[1],
        Language::French => MONTHS[2],
        Language::Spanish => MONTHS[3],
    };
    match month.month.and_then(|number| names.get(usize::from(number).checked_sub(1)?)) {
        Some(name) => format!("{name} {}", month.year),
        None => month.year.to_string(),
    }
}
