//! Twelve signs that a posting is stale, vague or not meant to be filled. They stand beside the score and never enter it.
//!
//! Every sign is decided from typed inputs; one whose input is missing is *not evaluated*, which lowers the confidence
//! and nothing else. `trust = 1 - clamp(sum of the weights of triggered signs)`, `confidence = evaluated / 12`.

use serde::{Deserialize, Serialize};

/// What is known about a posting and its employer. `None` means unknown.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TrustInputs {
    /// Days since it was first posted.
    pub age_days: Option<u32>,
    /// How often the same opening was posted again.
    pub reposts: Option<u32>,
    /// Whether it states pay.
    pub states_salary: Option<bool>,
    /// Whether the place's law demands that it does (CO, CA, NY, WA, IL, MA).
    pub salary_required_by_law: Option<bool>,
    /// Whether it says that applications are always open ("talent pool").
    pub always_open: Option<bool>,
    /// Whether an agency posted it.
    pub staffing_agency: Option<bool>,
    /// Number of requirements it lists.
    pub requirements: Option<u32>,
    /// Whether the employer was in the news for layoffs lately.
    pub recent_layoffs: Option<bool>,
    /// Characters of the description; `None` when the source gives none or clips it.
    pub description_characters: Option<u32>,
    /// Whether its hiring system is known for never answering.
    pub unanswering_system: Option<bool>,
    /// Number of applicants shown.
    pub applicants: Option<u32>,
    /// Share of applications to this employer that were never answered, 0 to 1.
    pub unanswered_share: Option<f64>,
    /// Whether it was posted on a Saturday or Sunday.
    pub posted_on_weekend: Option<bool>,
}

/// The name of a sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrustSign {
    /// Posted more than 30 days ago.
    OldListing,
    /// Posted again three times or more.
    Reposted,
    /// States no pay.
    NoSalary,
    /// Always open.
    AlwaysOpen,
    /// Posted by an agency.
    StaffingAgency,
    /// More than 12 requirements.
    TooManyRequirements,
    /// Layoffs in the news.
    Layoffs,
    /// Fewer than 400 characters of description.
    VagueDescription,
    /// A hiring system that does not answer.
    UnansweringSystem,
    /// More than 200 applicants.
    ManyApplicants,
    /// More than 60 % of applications unanswered.
    PoorResponse,
    /// Posted on a weekend.
    WeekendPosting,
}

/// One sign and whether it speaks against the posting.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TrustSignal {
    /// Which sign.
    pub sign: TrustSign,
    /// What it takes off when triggered, 0 to 1.
    pub weight: f64,
    /// `None` when the input to decide it is missing.
    pub triggered: Option<bool>,
    /// What was seen, for a person to read; empty when not evaluated.
    pub detail: String,
}

/// The twelve signs together.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TrustReport {
    /// 0 (every sign speaks against it) to 1, four decimals.
    pub trust: f64,
    /// Share of the signs that could be evaluated, 0 to 1, four decimals.
    pub confidence: f64,
    /// All twelve, in the order of [`TrustSign`].
    pub signals: Vec<TrustSignal>,
}

/// Evaluates the twelve signs.
pub fn evaluate_trust(inputs: &TrustInputs) -> TrustReport {
    let signals = vec![
        above(TrustSign::OldListing, 0.25, inputs.age_days, 30, "days old"),
        above(TrustSign::Reposted, 0.25, inputs.reposts, 2, "reposts"),
        salary_signal(inputs),
        flag(TrustSign::AlwaysOpen, 0.20, inputs.always_open, "always open for applications"),
        flag(TrustSign::StaffingAgency, 0.15, inputs.staffing_agency, "posted by an agency"),
        above(TrustSign::TooManyRequirements, 0.12, inputs.requirements, 12, "requirements"),
        flag(TrustSign::Layoffs, 0.12, inputs.recent_layoffs, "recent layoffs in the news"),
        vague_signal(inputs.description_characters),
        flag(TrustSign::UnansweringSystem, 0.10, inputs.unanswering_system, "hiring system known for not answering"),
        above(TrustSign::ManyApplicants, 0.08, inputs.applicants, 200, "applicants"),
        response_signal(inputs.unanswered_share),
        flag(TrustSign::WeekendPosting, 0.04, inputs.posted_on_weekend, "posted on a weekend"),
    ];
    let against: f64 = signals.iter().filter(|signal| signal.triggered == Some(true)).map(|signal| signal.weight).sum();
    let evaluated = signals.iter().filter(|signal| signal.triggered.is_some()).count();
    TrustReport {
        trust: four_decimals(1.0 - against.clamp(0.0, 1.0)),
        confidence: four_decimals(evaluated as f64 / signals.len() as f64),
        signals,
    }
}

fn signal(sign: TrustSign, weight: f64, triggered: Option<bool>, detail: String) -> TrustSignal {
    TrustSignal { sign, weight, triggered, detail }
}

fn above(sign: TrustSign, weight: f64, value: Option<u32>, limit: u32, unit: &str) -> TrustSignal {
    let detail = value.map_or_else(String::new, |value| format!("{value} {unit} (limit {limit})"));
    signal(sign, weight, value.map(|value| value > limit), detail)
}

fn flag(sign: TrustSign, weight: f64, value: Option<bool>, meaning: &str) -> TrustSignal {
    let detail = match value {
        Some(true) => meaning.to_owned(),
        Some(false) => format!("not {meaning}"),
        None => String::new(),
    };
    signal(sign, weight, value, detail)
}

fn salary_signal(inputs: &TrustInputs) -> TrustSignal {
    let detail = match (inputs.states_salary, inputs.salary_required_by_law) {
        (Some(false), Some(true)) => "states no pay although the law of its place demands it",
        (Some(false), _) => "states no pay",
        (Some(true), _) => "states pay",
        (None, _) => "",
    };
    signal(TrustSign::NoSalary, 0.20, inputs.states_salary.map(|stated| !stated), detail.to_owned())
}

fn vague_signal(characters: Option<u32>) -> TrustSignal {
    let detail =
        characters.map_or_else(String::new, |count| format!("{count} characters of description (400 expected)"));
    signal(TrustSign::VagueDescription, 0.10, characters.map(|count| count < 400), detail)
}

fn response_signal(share: Option<f64>) -> TrustSignal {
    let share = share.filter(|share| share.is_finite()).map(|share| share.clamp(0.0, 1.0));
    let detail = share.map_or_else(String::new, |share| format!("{:.0} % of applications unanswered", share * 100.0));
    signal(TrustSign::PoorResponse, 0.08, share.map(|share| share > 0.6), detail)
}

fn four_decimals(value: f64) -> f64 {
    (value * 10_000.0).round() / 10_000.0
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn nothing_known_is_full_trust_without_confidence() {
        let report = evaluate_trust(&TrustInputs::default());
        assert_eq!((report.trust, report.confidence, report.signals.len()), (1.0, 0.0, 12));
    }

    #[test]
    fn limits_are_exclusive_and_weights_add_up() {
        let at_limit = TrustInputs {
            age_days: Some(30),
            reposts: Some(2),
            requirements: Some(12),
            applicants: Some(200),
            unanswered_share: Some(0.6),
            description_characters: Some(400),
            ..TrustInputs::default()
        };
        let report = evaluate_trust(&at_limit);
        assert_eq!((report.trust, report.confidence), (1.0, 0.5));
        let over = TrustInputs { age_days: Some(31), reposts: Some(3), states_salary: Some(false), ..at_limit };
        let report = evaluate_trust(&over);
        assert_eq!((report.trust, report.confidence), (0.3, 0.5833));
    }

    #[test]
    fn every_sign_together_is_clamped() {
        let worst = TrustInputs {
            age_days: Some(400),
            reposts: Some(9),
            states_salary: Some(false),
            salary_required_by_law: Some(true),
            always_open: Some(true),
            staffing_agency: Some(true),
            requirements: Some(40),
            recent_layoffs: Some(true),
            description_characters: Some(10),
            unanswering_system: Some(true),
            applicants: Some(900),
            unanswered_share: Some(0.9),
            posted_on_weekend: Some(true),
        };
        let report = evaluate_trust(&worst);
        assert_eq!((report.trust, report.confidence), (0.0, 1.0));
        assert!(report.signals[2].detail.contains("law"));
    }
}
