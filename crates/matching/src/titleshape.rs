//! What a job title says: its words without level and noise, and the kind of role at its core.

use crate::text::{term, words};

/// Words that say nothing about the occupation: levels, working arrangement, calls to apply.
const NOISE: [&str; 60] = [
    "senior",
    "sr",
    "junior",
    "jr",
    "lead",
    "principal",
    "staff",
    "mid",
    "level",
    "entry",
    "intern",
    "internship",
    "graduate",
    "trainee",
    "associate",
    "remote",
    "hybrid",
    "onsite",
    "site",
    "fully",
    "time",
    "part",
    "full",
    "contract",
    "contractor",
    "permanent",
    "temporary",
    "freelance",
    "m",
    "f",
    "d",
    "w",
    "x",
    "h",
    "mw",
    "all",
    "genders",
    "i",
    "ii",
    "iii",
    "iv",
    "v",
    "1",
    "2",
    "3",
    "4",
    "urgent",
    "hiring",
    "wanted",
    "job",
    "position",
    "vacancy",
    "new",
    "us",
    "usa",
    "uk",
    "eu",
    "emea",
    "home",
    "opportunity",
];

/// Words for the same thing in titles.
const SYNONYMS: [(&str, &str); 22] = [
    ("developer", "engineer"),
    ("programmer", "engineer"),
    ("coder", "engineer"),
    ("dev", "engineer"),
    ("development", "engineer"),
    ("engineering", "engineer"),
    ("swe", "software"),
    ("mgr", "manager"),
    ("management", "manager"),
    ("admin", "administrator"),
    ("exec", "executive"),
    ("rep", "representative"),
    ("asst", "assistant"),
    ("tech", "technology"),
    ("it", "technology"),
    ("cybersecurity", "security"),
    ("infosec", "security"),
    ("physician", "doctor"),
    ("rn", "nurse"),
    ("nursing", "nurse"),
    ("cook", "chef"),
    ("recruiting", "recruiter"),
];

/// Nouns that say what kind of role it is; two titles with different ones are different jobs however much else they share.
const ROLES: [&str; 40] = [
    "engineer",
    "manager",
    "analyst",
    "designer",
    "scientist",
    "technician",
    "administrator",
    "architect",
    "assistant",
    "accountant",
    "consultant",
    "representative",
    "executive",
    "director",
    "officer",
    "nurse",
    "doctor",
    "teacher",
    "driver",
    "clerk",
    "specialist",
    "coordinator",
    "recruiter",
    "writer",
    "editor",
    "sales",
    "marketer",
    "operator",
    "mechanic",
    "chef",
    "lawyer",
    "attorney",
    "advisor",
    "supervisor",
    "researcher",
    "trainer",
    "auditor",
    "buyer",
    "planner",
    "tester",
];

/// A title's words and its role.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct TitleShape {
    /// Terms in order, each once.
    pub(crate) terms: Vec<u32>,
    /// The term of the last role noun.
    pub(crate) role: Option<u32>,
}

/// Most words of a title that count.
const MAXIMUM_WORDS: usize = 12;

/// The meaning-bearing form of a title word, `None` for noise.
pub(crate) fn title_word(folded: &str) -> Option<&str> {
    if NOISE.contains(&folded) || (crate::text::is_stop_word(folded) && folded != "it") {
        return None;
    }
    Some(SYNONYMS.iter().find(|(from, _)| *from == folded).map_or(folded, |(_, to)| *to))
}

impl TitleShape {
    pub(crate) fn of(title: &str) -> Self {
        let mut shape = Self::default();
        for word in words(title) {
            let Some(plain) = title_word(&word.folded) else { continue };
            let term = term(plain);
            let singular = plain.strip_suffix('s').unwrap_or(plain);
            if ROLES.contains(&plain) || ROLES.contains(&singular) {
                shape.role = Some(term);
            }
            if !shape.terms.contains(&term) && shape.terms.len() < MAXIMUM_WORDS {
                shape.terms.push(term);
            }
        }
        shape
    }

    /// Likeness of a wanted title to a posted one, 0 to 1, with words weighted by rarity: the harmonic mean of the shares
    /// of both titles' weight that they have in common; three fifths of it when the kinds of role differ.
    pub(crate) fn likeness(&self, posted: &[u32], posted_role: Option<u32>, rarity: impl Fn(u32) -> f32) -> f32 {
        let weight = |terms: &[u32]| terms.iter().map(|&term| rarity(term).max(0.1)).sum::<f32>();
        let (wanted_weight, posted_weight) = (weight(&self.terms), weight(posted));
        if wanted_weight <= 0.0 || posted_weight <= 0.0 {
            return 0.0;
        }
        let shared: f32 =
            self.terms.iter().filter(|term| posted.contains(term)).map(|&term| rarity(term).max(0.1)).sum();
        if shared <= 0.0 {
            return 0.0;
        }
        let (covered, precise) = (shared / wanted_weight, shared / posted_weight);
        // Posted titles are longer ("…, Payments Platform"), so covering the wanted one counts for more.
        let likeness = 3.0 * covered * precise / (covered + 2.0 * precise);
        match (self.role, posted_role) {
            (Some(wanted), Some(posted)) if wanted != posted => likeness * 0.6,
            _ => likeness,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn likeness(wanted: &str, posted: &str) -> f32 {
        let posted = TitleShape::of(posted);
        TitleShape::of(wanted).likeness(&posted.terms, posted.role, |_| 1.0)
    }

    #[test]
    fn titles_of_one_occupation_are_alike() {
        assert!((likeness("Rust Engineer", "Senior Rust Developer (m/f/d)") - 1.0).abs() < 1e-6);
        assert!(likeness("Rust Engineer", "Rust Engineer, Payments") > 0.7);
        assert!(likeness("Network Technician", "Network Manager") < 0.4);
        assert!(likeness("Registered Nurse", "Truck Driver") < f32::EPSILON);
        assert!(
            likeness("Software Engineer", "Sales Engineer") < likeness("Software Engineer", "Software Engineer II")
        );
        assert!(likeness("", "Truck Driver") < f32::EPSILON);
    }
}
