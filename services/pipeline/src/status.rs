//! The one place that knows which stage a job may move to.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Where a job stands between being found and being hired.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobStatus {
    /// Waits for review.
    Pending,
    /// The person wants it.
    Approved,
    /// Applied.
    Applied,
    /// A survey is to be answered.
    Survey,
    /// Phone screen.
    PhoneScreen,
    /// Interviews.
    Interviewing,
    /// Offer received.
    Offer,
    /// Hired.
    Hired,
    /// Rejected by either side.
    Rejected,
    /// Put away.
    Archived,
}

/// A move that the machine does not allow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a job cannot move from {from} to {to}; from {from} it can move to: {}", list(.legal))]
pub struct IllegalMove {
    /// Where it stands.
    pub from: JobStatus,
    /// Where it was to go.
    pub to: JobStatus,
    /// Where it may go.
    pub legal: Vec<JobStatus>,
}

fn list(statuses: &[JobStatus]) -> String {
    if statuses.is_empty() {
        return "nowhere (revert the last move instead)".to_owned();
    }
    statuses.iter().map(|status| status.as_str()).collect::<Vec<_>>().join(", ")
}

impl JobStatus {
    /// Every status, in the order of a job's way.
    pub const ALL: [Self; 10] = [
        Self::Pending,
        Self::Approved,
        Self::Applied,
        Self::Survey,
        Self::PhoneScreen,
        Self::Interviewing,
        Self::Offer,
        Self::Hired,
        Self::Rejected,
        Self::Archived,
    ];

    /// Name as stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Applied => "applied",
            Self::Survey => "survey",
            Self::PhoneScreen => "phone_screen",
            Self::Interviewing => "interviewing",
            Self::Offer => "offer",
            Self::Hired => "hired",
            Self::Rejected => "rejected",
            Self::Archived => "archived",
        }
    }

    /// Where a job may go from here. Going back is done by reverting, which needs no edge of its own.
    pub fn next(self) -> &'static [Self] {
        match self {
            Self::Pending => &[Self::Approved, Self::Rejected, Self::Archived],
            Self::Approved => &[Self::Applied, Self::Rejected, Self::Archived],
            // Not every employer sends a survey, so the stage can be passed over.
            Self::Applied => &[Self::Survey, Self::PhoneScreen, Self::Rejected, Self::Archived],
            Self::Survey => &[Self::PhoneScreen, Self::Rejected, Self::Archived],
            Self::PhoneScreen => &[Self::Interviewing, Self::Rejected, Self::Archived],
            Self::Interviewing => &[Self::Offer, Self::Rejected, Self::Archived],
            Self::Offer => &[Self::Hired, Self::Rejected, Self::Archived],
            Self::Hired => &[Self::Archived],
            Self::Rejected => &[Self::Archived],
            Self::Archived => &[],
        }
    }

    /// Checks a move.
    ///
    /// # Errors
    /// [`IllegalMove`] with the legal ones.
    pub fn check_move(self, to: Self) -> Result<(), IllegalMove> {
        if self.next().contains(&to) {
            return Ok(());
        }
        Err(IllegalMove { from: self, to, legal: self.next().to_vec() })
    }
}

impl fmt::Display for JobStatus {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// A text that names no status.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a job status; use one of pending, approved, applied, survey, phone_screen, interviewing, offer, hired, rejected, archived"
)]
pub struct UnknownStatus(pub String);

impl FromStr for JobStatus {
    type Err = UnknownStatus;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|status| status.as_str() == text).ok_or_else(|| UnknownStatus(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_whole_way_is_legal() {
        use JobStatus::{Applied, Approved, Hired, Interviewing, Offer, Pending, PhoneScreen, Survey};
        let way = [Pending, Approved, Applied, Survey, PhoneScreen, Interviewing, Offer, Hired];
        for step in way.windows(2) {
            step[0].check_move(step[1]).unwrap();
        }
        Applied.check_move(PhoneScreen).unwrap();
    }

    #[test]
    fn rejection_is_possible_from_every_stage_before_hired() {
        for status in JobStatus::ALL {
            let rejectable = !matches!(status, JobStatus::Hired | JobStatus::Rejected | JobStatus::Archived);
            assert_eq!(status.check_move(JobStatus::Rejected).is_ok(), rejectable, "{status}");
        }
    }

    #[test]
    fn an_illegal_move_names_the_legal_ones() {
        let error = JobStatus::Pending.check_move(JobStatus::Offer).unwrap_err();
        assert_eq!(
            error.to_string(),
            "a job cannot move from pending to offer; from pending it can move to: approved, rejected, archived"
        );
    }

    #[test]
    fn names_round_trip() {
        for status in JobStatus::ALL {
            assert_eq!(status.as_str().parse::<JobStatus>().unwrap(), status);
        }
        assert!("synced".parse::<JobStatus>().unwrap_err().to_string().contains("\"synced\""));
    }
}
