//! How a source is doing: nothing breaks in silence.

use std::time::Duration;

use aerie_boards::SourceError;
use aerie_store::{
    Database, StoreError,
    sources::{self, SourceHealth},
};
use chrono::{DateTime, TimeDelta, Utc};

/// A source that usually carries at least this many postings and suddenly none is looked at as broken.
const USUAL_COUNT_THAT_CANNOT_VANISH: f64 = 5.0;

/// Shortest rest after a refusal, doubled with each one in a row.
const SHORTEST_REST: Duration = Duration::from_secs(5 * 60);
/// Longest rest.
const LONGEST_REST: Duration = Duration::from_secs(24 * 60 * 60);

/// What is known of one errand's health.
pub(crate) async fn read(platform: &Database, name: &str) -> Result<Option<SourceHealth>, StoreError> {
    let mut tx = platform.read().await?;
    sources::health(&mut tx, name).await
}

/// Why the source must not be asked now, if it must not.
pub(crate) fn resting(health: Option<&SourceHealth>, now: DateTime<Utc>) -> Option<String> {
    let health = health?;
    let until = health.retry_at.filter(|until| *until > now)?;
    let reason = health.last_reason.as_deref().unwrap_or("it refused the last request");
    Some(format!("left alone until {}: {reason}", until.format("%Y-%m-%d %H:%M UTC")))
}

/// Why an empty answer looks like a breakdown, if it does.
pub(crate) fn suspicious_silence(health: Option<&SourceHealth>, fetched: usize) -> Option<String> {
    let usual = health?.usual_count.filter(|usual| *usual >= USUAL_COUNT_THAT_CANNOT_VANISH)?;
    (fetched == 0).then(|| {
        format!("answered with no posting, where there usually are about {usual:.0}; open the board in a browser to see whether it changed")
    })
}

/// Records a failure; a refusal makes the source rest, longer each time.
pub(crate) async fn record_failure(
    platform: &Database,
    name: &str,
    error: &SourceError,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let failures = read(platform, name).await?.map_or(0, |health| health.failures_in_a_row);
    let rest = match error {
        SourceError::RateLimited { retry_after, .. } => {
            Some(retry_after.unwrap_or(SHORTEST_REST).clamp(Duration::from_secs(1), LONGEST_REST))
        }
        SourceError::Blocked { .. } => Some(growing_rest(failures)),
        _ => None,
    };
    let retry_at = rest.and_then(|rest| Some(now + TimeDelta::from_std(rest).ok()?));
    let mut tx = platform.begin().await?;
    sources::record_failure(&mut tx, name, &error.to_string(), retry_at, now).await?;
    tx.commit().await
}

fn growing_rest(failures: i64) -> Duration {
    let doublings = u32::try_from(failures.clamp(0, 10)).unwrap_or(10);
    SHORTEST_REST.saturating_mul(1 << doublings).min(LONGEST_REST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rests_grow_and_end() {
        assert_eq!(growing_rest(0), Duration::from_secs(300));
        assert_eq!(growing_rest(1), Duration::from_secs(600));
        assert_eq!(growing_rest(i64::MAX), LONGEST_REST);
    }
}
