//! Levels from whole words of a title.

use crate::Seniority;
use crate::text::{fold, words};

/// The level that a source's own field names ("Mid-Senior level", "entry_level", "Executive"); `None` when the field
/// says nothing ("Not Applicable", "Any").
///
/// "Mid-Senior" spans two levels and gives [`Seniority::Mid`]; see [`spans_levels`].
pub fn seniority_of_field(field: &str) -> Option<Seniority> {
    let folded = fold(field);
    let tokens: Vec<&str> = words(&folded).collect();
    let joined = tokens.join(" ");
    if spans_levels(field) {
        return Some(Seniority::Mid);
    }
    let level = match joined.as_str() {
        "internship" | "intern" | "student" | "trainee" | "apprentice" | "apprenticeship" | "student college"
        | "student school" => Seniority::Intern,
        "entry level" | "entry" | "junior" | "associate" | "graduate" | "beginner" | "no experience"
        | "entry level jobs" | "berufseinsteiger" | "debutant" | "starter" => Seniority::Junior,
        "mid"
        | "mid level"
        | "midlevel"
        | "intermediate"
        | "midweight"
        | "experienced"
        | "professional"
        | "medior"
        | "berufserfahren"
        | "experienced non manager"
        | "confirme"
        | "middle" => Seniority::Mid,
        "senior" | "senior level" | "sr" | "expert" => Seniority::Senior,
        "lead" | "staff" | "principal" | "lead staff" | "lead manager" => Seniority::Lead,
        "manager" | "management" | "head" | "supervisor" | "manager supervisor" | "mid manager" => Seniority::Manager,
        "director" | "senior manager" | "senior management" | "director executive" => Seniority::Director,
        "vp" | "vice president" | "vp above" => Seniority::VicePresident,
        "executive" | "c level" | "cxo" | "c suite" | "founder" | "executive senior management" => Seniority::Executive,
        _ => return seniority_of_title(field),
    };
    Some(level)
}

/// Whether the field covers several levels ("Mid-Senior level"), so that a level word of the title is more precise.
pub fn spans_levels(field: &str) -> bool {
    let folded = fold(field);
    let tokens: Vec<&str> = words(&folded).collect();
    tokens.windows(2).any(|pair| pair == ["mid", "senior"] || pair == ["mid", "sr"])
}

/// The level that whole words of a title name, in several languages; `None` when no word does.
///
/// Words count in their setting: "Lead Generation" leads nobody, a "Product Manager" manages a product, "Chief of
/// Staff" is neither staff nor chief officer, an assistant to the CEO is not the CEO.
pub fn seniority_of_title(title: &str) -> Option<Seniority> {
    let folded = fold(title);
    // What stands behind "reporting to" or "to the" is somebody else's level.
    let own = folded.split(" reporting to ").next().unwrap_or(&folded);
    let tokens: Vec<&str> = words(own).collect();
    let title = Title { tokens };
    title.level()
}

struct Title<'a> {
    tokens: Vec<&'a str>,
}

const CHIEF_ABBREVIATIONS: [&str; 19] = [
    "ceo",
    "cto",
    "cfo",
    "coo",
    "cmo",
    "cpo",
    "cio",
    "ciso",
    "cso",
    "cro",
    "cco",
    "chro",
    "cdo",
    "clo",
    "cao",
    "cxo",
    "pdg",
    "founder",
    "cofounder",
];

/// Words for interns, working students and apprentices.
const INTERN: [&str; 33] = [
    "intern",
    "interns",
    "internship",
    "internships",
    "praktikum",
    "praktikant",
    "praktikantin",
    "werkstudent",
    "werkstudentin",
    "werkstudierende",
    "stagiaire",
    "stagiair",
    "alternance",
    "alternant",
    "alternante",
    "apprentice",
    "apprenticeship",
    "azubi",
    "auszubildende",
    "auszubildender",
    "ausbildung",
    "tirocinio",
    "tirocinante",
    "becario",
    "becaria",
    "practicas",
    "estagio",
    "estagiario",
    "stazysta",
    "praktik",
    "coop",
    "lehrling",
    "afstudeerstage",
];

/// Nouns before "manager" that are managed instead of people: product, account, project.
const MANAGED: [&str; 52] = [
    "product",
    "project",
    "program",
    "programme",
    "account",
    "accounts",
    "case",
    "community",
    "office",
    "success",
    "relationship",
    "relations",
    "media",
    "category",
    "brand",
    "content",
    "campaign",
    "channel",
    "property",
    "release",
    "incident",
    "vendor",
    "contract",
    "contracts",
    "event",
    "events",
    "delivery",
    "portfolio",
    "partner",
    "partnership",
    "partnerships",
    "territory",
    "change",
    "risk",
    "configuration",
    "data",
    "network",
    "asset",
    "information",
    "engagement",
    "implementation",
    "onboarding",
    "crm",
    "seo",
    "growth",
    "lifecycle",
    "proposal",
    "process",
    "key",
    "customer",
    "client",
    "produkt",
];

/// Nouns that a roman numeral or number behind them grades ("Engineer II").
const GRADED: [&str; 34] = [
    "engineer",
    "developer",
    "analyst",
    "specialist",
    "technician",
    "associate",
    "scientist",
    "designer",
    "accountant",
    "administrator",
    "representative",
    "coordinator",
    "assistant",
    "manager",
    "consultant",
    "nurse",
    "clerk",
    "programmer",
    "researcher",
    "architect",
    "buyer",
    "planner",
    "officer",
    "operator",
    "mechanic",
    "paralegal",
    "auditor",
    "writer",
    "recruiter",
    "tester",
    "level",
    "rep",
    "sde",
    "swe",
];

impl Title<'_> {
    fn has(&self, wanted: &[&str]) -> bool {
        self.tokens.iter().any(|token| wanted.contains(token))
    }

    fn has_phrase(&self, phrase: &[&str]) -> bool {
        self.tokens.windows(phrase.len()).any(|window| window == phrase)
    }

    /// Whether a word occurs with neighbours that do not take its meaning away.
    fn has_in_setting(&self, wanted: &[&str], not_before: &[&str], not_behind: &[&str]) -> bool {
        self.tokens.iter().enumerate().any(|(index, token)| {
            let before = index.checked_sub(1).and_then(|before| self.tokens.get(before));
            let behind = self.tokens.get(index + 1);
            wanted.contains(token)
                && !before.is_some_and(|before| not_before.contains(before))
                && !behind.is_some_and(|behind| not_behind.contains(behind))
        })
    }

    fn level(&self) -> Option<Seniority> {
        if self.is_intern() {
            return Some(Seniority::Intern);
        }
        let assists = self.has(&["assistant", "assistante", "assistent", "assistentin", "secretary", "referent"])
            && self.has(&["to", "of", "de", "der", "executive", "personal"]);
        if !assists {
            if self.is_executive() {
                return Some(Seniority::Executive);
            }
            if self.has(&["vp", "svp", "evp", "avp"]) || self.has_phrase(&["vice", "president"]) {
                return Some(Seniority::VicePresident);
            }
            if self.is_director() {
                return Some(Seniority::Director);
            }
        }
        let senior = self.is_senior();
        if !senior && self.has(&["junior", "jr", "trainee", "entry", "einsteiger", "berufseinsteiger", "debutant"]) {
            return Some(Seniority::Junior);
        }
        if self.is_manager() {
            return Some(Seniority::Manager);
        }
        if self.is_lead() {
            return Some(Seniority::Lead);
        }
        if senior {
            return Some(Seniority::Senior);
        }
        self.grade().or_else(|| self.is_junior().then_some(Seniority::Junior)).or_else(|| self.mid())
    }

    fn is_intern(&self) -> bool {
        let names_intern = self.tokens.iter().enumerate().any(|(index, token)| {
            INTERN.contains(token) && !self.looks_after_interns(self.tokens.get(index + 1..).unwrap_or(&[]))
        });
        // "Stage" is an internship in French titles, where it stands first.
        let is_stage = self.tokens.first() == Some(&"stage")
            && self.tokens.get(1).is_none_or(|next| !matches!(*next, "manager" | "hand" | "director"));
        names_intern
            || is_stage
            || self.has_phrase(&["working", "student"])
            || self.has_phrase(&["co", "op"])
            || self.has_phrase(&["studentische", "hilfskraft"])
    }

    /// "Internship Program Manager" is no intern, "Internship Program" is.
    fn looks_after_interns(&self, behind: &[&str]) -> bool {
        let behind = match behind {
            ["program" | "programs" | "programme", rest @ ..] => rest,
            _ => behind,
        };
        matches!(behind.first(), Some(&("coordinator" | "recruiter" | "manager" | "director" | "supervisor" | "lead")))
    }

    fn is_executive(&self) -> bool {
        let chief_officer = self
            .tokens
            .iter()
            .position(|token| *token == "chief")
            .is_some_and(|at| self.tokens.iter().skip(at + 1).take(4).any(|token| *token == "officer"));
        chief_officer
            || self.has_in_setting(&CHIEF_ABBREVIATIONS, &["the", "to"], &["office", "staff"])
            || self.has_phrase(&["co", "founder"])
            || self.has_phrase(&["managing", "director"])
            || self.has_in_setting(&["president"], &["vice", "the", "to", "of"], &["office"])
            || self.has(&["geschaftsfuhrer", "geschaftsfuhrerin", "geschaeftsfuehrer", "vorstand"])
    }

    fn is_director(&self) -> bool {
        self.has_in_setting(
            &[
                "director",
                "directors",
                "directeur",
                "directrice",
                "direktor",
                "direktorin",
                "directora",
                "direttore",
                "dyrektor",
            ],
            &["to", "the"],
            &["assistant"],
        )
    }

    fn is_manager(&self) -> bool {
        if self.has_phrase(&["head", "of"]) || self.tokens.first() == Some(&"head") {
            return true;
        }
        if self.has(&[
            "teamleiter",
            "teamleiterin",
            "teamleitung",
            "abteilungsleiter",
            "abteilungsleiterin",
            "bereichsleiter",
            "leiter",
            "leiterin",
            "leitung",
            "supervisor",
            "gerente",
            "jefe",
            "kierownik",
        ]) {
            return true;
        }
        if self.has_phrase(&["group", "product", "manager"]) || self.has_phrase(&["general", "manager"]) {
            return true;
        }
        self.has_in_setting(&["manager", "managers", "mgr"], &MANAGED, &["tools"])
    }

    fn is_lead(&self) -> bool {
        self.has_in_setting(
            &["lead", "leader"],
            &["thought"],
            &[
                "generation",
                "gen",
                "generator",
                "qualification",
                "time",
                "acid",
                "free",
                "management",
                "nurturing",
                "paint",
                "conversion",
            ],
        ) || self.has_in_setting(
            &["staff"],
            &[
                "of",
                "support",
                "technical",
                "medical",
                "kitchen",
                "office",
                "nursing",
                "teaching",
                "waiting",
                "bar",
                "temporary",
            ],
            &[
                "accountant",
                "nurse",
                "assistant",
                "attorney",
                "augmentation",
                "writer",
                "sergeant",
                "pharmacist",
                "auditor",
                "member",
                "training",
            ],
        ) || self.has_in_setting(&["principal"], &["assistant", "school", "vice", "the"], &["of"])
            || self.has_in_setting(&["distinguished"], &[], &[])
            || self.has_in_setting(
                &["fellow"],
                &["research", "postdoctoral", "doctoral", "teaching", "clinical"],
                &["ship"],
            )
    }

    fn is_senior(&self) -> bool {
        self.has_in_setting(
            &["senior", "sr", "snr", "seniors", "experimente"],
            &[],
            &["living", "care", "center", "services", "home", "homes"],
        )
    }

    fn is_junior(&self) -> bool {
        self.has_in_setting(
            &["graduate", "graduates", "absolvent", "absolventin"],
            &["post"],
            &["school", "programs", "admissions", "studies", "education", "student", "assistant"],
        ) || self.has_phrase(&["new", "grad"])
            || self.has_phrase(&["university", "grad"])
            || self.has_phrase(&["early", "career"])
            || self.has_in_setting(&["associate"], &[], &["professor", "dean", "partner", "counsel", "principal"])
    }

    fn mid(&self) -> Option<Seniority> {
        (self.has(&["midlevel", "intermediate", "medior"])
            || self.tokens.first() == Some(&"mid")
            || self.has_phrase(&["mid", "level"]))
        .then_some(Seniority::Mid)
    }

    /// The level of a numeral behind a role noun: "Engineer III".
    fn grade(&self) -> Option<Seniority> {
        self.tokens.windows(2).find_map(|pair| {
            let [noun, numeral] = pair else { return None };
            if !GRADED.contains(noun) {
                return None;
            }
            match *numeral {
                "i" | "1" => Some(Seniority::Junior),
                "ii" | "2" => Some(Seniority::Mid),
                "iii" | "3" | "iv" | "4" => Some(Seniority::Senior),
                "v" | "vi" => Some(Seniority::Lead),
                _ => None,
            }
        })
    }
}

#[cfg(test)]
mod tests;
