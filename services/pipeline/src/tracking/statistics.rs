//! How applications went, from the moves of all jobs.

use std::collections::{BTreeMap, HashMap, HashSet};

use aerie_store::jobs::JobMove;
use chrono::{DateTime, Datelike, Days, NaiveDate, TimeDelta, Utc};
use uuid::Uuid;

use crate::status::JobStatus;

/// Width of a band of scores.
const BAND: i64 = 20;

/// Stages whose figures are shown, in the order of a job's way.
const STAGES: [JobStatus; 8] = [
    JobStatus::Pending,
    JobStatus::Approved,
    JobStatus::Applied,
    JobStatus::Survey,
    JobStatus::PhoneScreen,
    JobStatus::Interviewing,
    JobStatus::Offer,
    JobStatus::Hired,
];

/// One stage.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Stage {
    pub(crate) status: JobStatus,
    pub(crate) reached: usize,
    pub(crate) current: usize,
    pub(crate) median_days: Option<f64>,
    pub(crate) rejected: usize,
}

/// Answers to applications of one group.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Answers {
    pub(crate) group: String,
    pub(crate) applied: usize,
    pub(crate) answered: usize,
    pub(crate) positive: usize,
    pub(crate) median_days_to_answer: Option<f64>,
}

/// One week.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Week {
    pub(crate) monday: NaiveDate,
    pub(crate) reviewed: usize,
    pub(crate) applied: usize,
    pub(crate) conversations: usize,
    pub(crate) offers: usize,
    pub(crate) rejections: usize,
}

/// All of it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Statistics {
    pub(crate) stages: Vec<Stage>,
    pub(crate) answers: Answers,
    pub(crate) by_source: Vec<Answers>,
    pub(crate) by_score: Vec<Answers>,
    pub(crate) weeks: Vec<Week>,
}

/// An application and what came of it.
struct Application {
    source: String,
    score: Option<f64>,
    /// Time from applying to the first answer.
    answer_after: Option<TimeDelta>,
    positive: bool,
}

/// Adds everything up. `moves` are in order of time for each job; `current` are the jobs of each status now.
pub(crate) fn count(moves: &[JobMove], current: &BTreeMap<String, i64>, now: DateTime<Utc>, weeks: u32) -> Statistics {
    let applications = applications(moves);
    let mut by_source: HashMap<&str, Vec<&Application>> = HashMap::new();
    let mut by_score: BTreeMap<i64, Vec<&Application>> = BTreeMap::new();
    for one in applications.values() {
        by_source.entry(&one.source).or_default().push(one);
        if let Some(score) = one.score {
            // A score of exactly 100 belongs to the band below it.
            by_score.entry((score as i64).clamp(0, 99) / BAND).or_default().push(one);
        }
    }
    let mut by_source: Vec<Answers> =
        by_source.into_iter().map(|(source, group)| answers(source.to_owned(), &group)).collect();
    by_source.sort_by(|left, right| right.applied.cmp(&left.applied).then_with(|| left.group.cmp(&right.group)));
    let by_score = by_score
        .into_iter()
        .map(|(band, group)| answers(format!("{}-{}", band * BAND, (band + 1) * BAND), &group))
        .collect();
    Statistics {
        stages: stages(moves, current),
        answers: answers(String::new(), &applications.values().collect::<Vec<_>>()),
        by_source,
        by_score,
        weeks: activity(moves, now, weeks),
    }
}

fn status(name: &str) -> Option<JobStatus> {
    name.parse().ok()
}

fn applications(moves: &[JobMove]) -> HashMap<Uuid, Application> {
    let mut found: HashMap<Uuid, (DateTime<Utc>, Application)> = HashMap::new();
    for one in moves {
        let Some(to) = status(&one.to) else { continue };
        if to == JobStatus::Applied {
            let application =
                Application { source: one.source.clone(), score: one.score, answer_after: None, positive: false };
            found.insert(one.job_id, (one.at, application));
        } else if let Some((applied_at, application)) = found.get_mut(&one.job_id) {
            // Putting a job away is no answer of the employer.
            if to != JobStatus::Archived {
                application.answer_after.get_or_insert(one.at - *applied_at);
            }
            application.positive |= is_conversation(to) || matches!(to, JobStatus::Offer | JobStatus::Hired);
        }
    }
    found.into_iter().map(|(id, (_, application))| (id, application)).collect()
}

fn is_conversation(status: JobStatus) -> bool {
    matches!(status, JobStatus::PhoneScreen | JobStatus::Interviewing)
}

fn answers(group: String, applications: &[&Application]) -> Answers {
    let times: Vec<TimeDelta> = applications.iter().filter_map(|one| one.answer_after).collect();
    Answers {
        group,
        applied: applications.len(),
        answered: times.len(),
        positive: applications.iter().filter(|one| one.positive).count(),
        median_days_to_answer: median_days(times),
    }
}

/// The middle of some times in days; of an even number, the mean of the middle two.
fn median_days(mut times: Vec<TimeDelta>) -> Option<f64> {
    times.sort_unstable();
    let middle = times.len() / 2;
    let upper = times.get(middle)?.as_seconds_f64();
    let lower = if times.len().is_multiple_of(2) { times.get(middle - 1)?.as_seconds_f64() } else { upper };
    Some((lower + upper) / 2.0 / 86_400.0)
}

fn stages(moves: &[JobMove], current: &BTreeMap<String, i64>) -> Vec<Stage> {
    let mut reached: HashMap<JobStatus, HashSet<Uuid>> = HashMap::new();
    let mut stays: HashMap<JobStatus, Vec<TimeDelta>> = HashMap::new();
    let mut rejected: HashMap<JobStatus, usize> = HashMap::new();
    let mut since: HashMap<Uuid, DateTime<Utc>> = HashMap::new();
    for one in moves {
        let (Some(from), Some(to)) = (status(&one.from), status(&one.to)) else { continue };
        reached.entry(from).or_default().insert(one.job_id);
        reached.entry(to).or_default().insert(one.job_id);
        if let Some(since) = since.insert(one.job_id, one.at) {
            stays.entry(from).or_default().push(one.at - since);
        }
        if to == JobStatus::Rejected {
            *rejected.entry(from).or_default() += 1;
        }
    }
    let stage = |status: JobStatus| {
        let now = current.get(status.as_str()).copied().unwrap_or_default();
        let now = usize::try_from(now).unwrap_or_default();
        let moved = reached.get(&status).map_or(0, HashSet::len);
        Stage {
            status,
            // Jobs that still wait for review were never moved.
            reached: if status == JobStatus::Pending { moved + now } else { moved },
            current: now,
            median_days: median_days(stays.remove(&status).unwrap_or_default()),
            rejected: rejected.get(&status).copied().unwrap_or_default(),
        }
    };
    STAGES.into_iter().map(stage).collect()
}

fn monday(time: DateTime<Utc>) -> NaiveDate {
    let date = time.date_naive();
    date.checked_sub_days(Days::new(u64::from(date.weekday().num_days_from_monday()))).unwrap_or(date)
}

fn activity(moves: &[JobMove], now: DateTime<Utc>, weeks: u32) -> Vec<Week> {
    let last = monday(now);
    let first = last.checked_sub_days(Days::new(7 * u64::from(weeks.saturating_sub(1)))).unwrap_or(last);
    let mut found: Vec<Week> = first
        .iter_weeks()
        .take_while(|monday| *monday <= last)
        .map(|monday| Week { monday, ..Week::default() })
        .collect();
    for one in moves {
        let Ok(index) = found.binary_search_by_key(&monday(one.at), |week| week.monday) else { continue };
        let (Some(from), Some(to), Some(week)) = (status(&one.from), status(&one.to), found.get_mut(index)) else {
            continue;
        };
        week.reviewed += usize::from(from == JobStatus::Pending);
        week.applied += usize::from(to == JobStatus::Applied);
        week.conversations += usize::from(is_conversation(to));
        week.offers += usize::from(to == JobStatus::Offer);
        let after_applying = !matches!(from, JobStatus::Pending | JobStatus::Approved);
        week.rejections += usize::from(to == JobStatus::Rejected && after_applying);
    }
    found
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use chrono::TimeZone;

    use super::*;

    fn day(day: i64) -> DateTime<Utc> {
        // A Monday.
        Utc.with_ymd_and_hms(2026, 3, 2, 9, 0, 0).unwrap() + TimeDelta::days(day)
    }

    fn course(job: u128, source: &str, score: f64, steps: &[(&str, i64)]) -> Vec<JobMove> {
        let mut from = "pending";
        steps
            .iter()
            .map(|(to, at)| JobMove {
                job_id: Uuid::from_u128(job),
                from: std::mem::replace(&mut from, to).to_owned(),
                to: (*to).to_owned(),
                at: day(*at),
                source: source.to_owned(),
                score: Some(score),
            })
            .collect()
    }

    fn three() -> Vec<JobMove> {
        [
            course(1, "lever", 85.0, &[("approved", 0), ("applied", 1), ("phone_screen", 5), ("rejected", 9)]),
            course(2, "lever", 100.0, &[("approved", 0), ("applied", 2), ("rejected", 12)]),
            course(3, "remotive", 15.0, &[("approved", 1), ("applied", 3), ("archived", 30)]),
            course(4, "remotive", 5.0, &[("rejected", 1)]),
        ]
        .concat()
    }

    #[test]
    fn the_funnel_counts_each_job_once() {
        let current = BTreeMap::from([("pending".to_owned(), 6), ("rejected".to_owned(), 3)]);
        let statistics = count(&three(), &current, day(30), 2);
        let reached: Vec<usize> = statistics.stages.iter().map(|stage| stage.reached).collect();
        assert_eq!(reached, [10, 3, 3, 0, 1, 0, 0, 0]);
        let applied = &statistics.stages[2];
        assert_eq!((applied.rejected, applied.median_days), (1, Some(10.0)), "stays of 4, 10 and 27 days");
        assert_eq!(statistics.stages[0].rejected, 1, "turned down in review");
    }

    #[test]
    fn putting_away_is_no_answer() {
        let statistics = count(&three(), &BTreeMap::new(), day(30), 2);
        let all = &statistics.answers;
        assert_eq!((all.applied, all.answered, all.positive), (3, 2, 1));
        assert_eq!(all.median_days_to_answer, Some(7.0), "after 4 and 10 days");
        let groups: Vec<(&str, usize, usize)> =
            statistics.by_source.iter().map(|one| (one.group.as_str(), one.applied, one.answered)).collect();
        assert_eq!(groups, [("lever", 2, 2), ("remotive", 1, 0)]);
        let bands: Vec<(&str, usize)> =
            statistics.by_score.iter().map(|one| (one.group.as_str(), one.applied)).collect();
        assert_eq!(bands, [("0-20", 1), ("80-100", 2)]);
    }

    #[test]
    fn weeks_begin_on_mondays_and_end_with_this_one() {
        let weeks = count(&three(), &BTreeMap::new(), day(9), 3).weeks;
        let mondays: Vec<String> = weeks.iter().map(|week| week.monday.to_string()).collect();
        assert_eq!(mondays, ["2026-02-23", "2026-03-02", "2026-03-09"]);
        let of = |week: &Week| (week.reviewed, week.applied, week.conversations, week.rejections);
        assert_eq!(of(&weeks[1]), (4, 3, 1, 0));
        assert_eq!(of(&weeks[2]), (0, 0, 0, 2));
    }
}
