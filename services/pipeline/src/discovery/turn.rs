//! Whose turn it is: the sources of a run are fetched together and taken in one after another, in the order of the plan.
//!
//! What a newcomer is recognised as depends on what the catalogue holds already. With a fixed order a run ends with the
//! same catalogue however fast each source answered, and however often the program was killed in between. A source that
//! is much slower than the others is not waited for: then the order is that of the answers.

use std::time::Duration;

use aerie_tasks::{TaskContext, TaskError};
use tokio::time::{Instant, sleep};

/// How long a source whose answer is there waits for one that comes before it.
const PATIENCE: Duration = Duration::from_secs(20);
/// How much longer for each further one, so that those who stop waiting for a slow one do it in their own order.
const PATIENCE_EACH: Duration = Duration::from_millis(500);
/// Time between two looks.
const PAUSE: Duration = Duration::from_millis(50);

/// Waits until no earlier source of the run is at work, or for as long as is sensible.
pub(crate) async fn turn(context: &TaskContext) -> Result<(), TaskError> {
    if context.elders().await? == 0 {
        return Ok(());
    }
    context.stage("waiting for its turn", None).await?;
    wait(|| context.elders()).await
}

async fn wait<W>(mut ahead: impl FnMut() -> W) -> Result<(), TaskError>
where
    W: Future<Output = Result<usize, TaskError>>,
{
    let begun = Instant::now();
    loop {
        let ahead = ahead().await?;
        if ahead == 0 || begun.elapsed() >= patience(ahead) {
            return Ok(());
        }
        sleep(PAUSE).await;
    }
}

/// How long to wait while `ahead` sources come before this one.
fn patience(ahead: usize) -> Duration {
    let further = u32::try_from(ahead.saturating_sub(1)).unwrap_or(u32::MAX);
    PATIENCE.saturating_add(PATIENCE_EACH.saturating_mul(further)).min(2 * PATIENCE)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// Waits while the numbers of those ahead are as given at each time (in seconds); how long that took.
    async fn waited(ahead: &[(u64, usize)]) -> Duration {
        let begun = Instant::now();
        let now = || {
            let passed = begun.elapsed().as_secs();
            std::future::ready(Ok(ahead.iter().rev().find(|(from, _)| *from <= passed).map_or(0, |(_, count)| *count)))
        };
        wait(now).await.unwrap();
        begun.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_is_first_does_not_wait() {
        assert_eq!(waited(&[(0, 0)]).await, Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn the_turn_comes_when_all_before_have_ended() {
        let waited = waited(&[(0, 3), (1, 2), (4, 1), (6, 0)]).await;
        assert!((6.0..6.2).contains(&waited.as_secs_f64()), "{waited:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_source_holds_the_others_up_for_a_while_only_and_they_go_on_in_order() {
        let (second, third) = (waited(&[(0, 1)]).await, waited(&[(0, 2)]).await);
        assert!(second < third, "{second:?} {third:?}");
        assert!(waited(&[(0, 1_000)]).await <= 2 * PATIENCE + PAUSE);
    }
}
