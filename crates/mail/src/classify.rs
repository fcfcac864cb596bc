//! What a mail is about, by rules that are data, with the sentence that says so.
//!
//! Every rule of `rules/` is a pattern over one sentence, the subject or the sender. A label's score is what its rules
//! found together; a sentence that only speaks of a possibility ("if you are not selected") does not count. The label is a
//! suggestion for a person: `certain` is set only where the rules that spoke are ones that are practically never wrong.

use serde::{Deserialize, Serialize};

use crate::message::Mail;
use crate::sentences::{Sentence, sentences};

mod company;
mod decide;
mod registry;
mod rules;
mod title;

pub use company::{guess_company, hiring_system};
pub use registry::{families, problems};
pub use rules::{Family, RuleError};
pub use title::guess_title;

/// What a mail is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Label {
    /// An interview is arranged, or is to be arranged by the reader.
    InterviewScheduled,
    /// A job is offered.
    OfferReceived,
    /// An application has ended.
    Rejected,
    /// Somebody is interested, with nothing arranged yet.
    PositiveResponse,
    /// A survey, questionnaire, test or exercise to complete.
    SurveyReceived,
    /// Something arranged moves to another time.
    EventRescheduled,
    /// Several openings in one mail.
    Digest,
    /// About an application, with nothing to move: received, under review, something missing.
    Neutral,
    /// About something else.
    Unrelated,
}

impl Label {
    /// Every label.
    pub const ALL: [Self; 9] = [
        Self::InterviewScheduled,
        Self::OfferReceived,
        Self::Rejected,
        Self::PositiveResponse,
        Self::SurveyReceived,
        Self::EventRescheduled,
        Self::Digest,
        Self::Neutral,
        Self::Unrelated,
    ];

    /// The name in files and interfaces.
    pub fn name(self) -> &'static str {
        match self {
            Self::InterviewScheduled => "interview_scheduled",
            Self::OfferReceived => "offer_received",
            Self::Rejected => "rejected",
            Self::PositiveResponse => "positive_response",
            Self::SurveyReceived => "survey_received",
            Self::EventRescheduled => "event_rescheduled",
            Self::Digest => "digest",
            Self::Neutral => "neutral",
            Self::Unrelated => "unrelated",
        }
    }

    /// The label of that name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|label| label.name() == name)
    }

    fn index(self) -> usize {
        Self::ALL.iter().position(|label| *label == self).unwrap_or(0)
    }
}

/// A rule that spoke.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reason {
    /// For which label; `None` for rules that only say that a mail is about applications.
    pub label: Option<Label>,
    /// The rule's name.
    pub rule: String,
    /// How much it counts.
    pub weight: f32,
    /// The sentence, subject or sender that it found.
    pub sentence: String,
}

/// What is suggested for a mail.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Classification {
    /// What it is about.
    pub label: Label,
    /// How sure that is, 0 to 1.
    pub confidence: f32,
    /// Whether it may be shown as certain. Everything else is shown as a guess.
    pub certain: bool,
    /// The sentence that says so.
    pub evidence: Option<String>,
    /// Every rule that spoke, strongest first.
    pub reasons: Vec<Reason>,
}

/// Says what a mail is about. Pure, and linear in the mail's bounded text.
pub fn classify(mail: &Mail) -> Classification {
    let read = Reading::of(mail);
    decide::decide(mail, &read, registry::rules().apply(&read))
}

/// A mail as rules see it.
pub(crate) struct Reading {
    pub(crate) subject: Sentence,
    pub(crate) sender: Sentence,
    pub(crate) body: Vec<Sentence>,
}

impl Reading {
    pub(crate) fn of(mail: &Mail) -> Self {
        let sender = mail.from.as_ref().map(|from| format!("{} <{}>", from.name, from.address)).unwrap_or_default();
        Self { subject: Sentence::new(&mail.subject), sender: Sentence::new(&sender), body: sentences(&mail.body.text) }
    }
}
