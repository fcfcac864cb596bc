//! What a call brings along to the calls that are made for it.

use std::{future::Future, time::Duration};

use tokio::time::Instant;

tokio::task_local! {
    static DEADLINE: Instant;
}

/// Runs the handling of a call whose caller waits until `deadline`. Calls made meanwhile, in the same task, end then too.
pub(crate) async fn within<F: Future>(deadline: Option<Instant>, work: F) -> F::Output {
    match deadline {
        Some(deadline) => DEADLINE.scope(deadline, work).await,
        None => work.await,
    }
}

/// The time that is left to the call that is being handled here; none when nobody set a limit.
pub(crate) fn time_left() -> Option<Duration> {
    DEADLINE.try_with(|deadline| deadline.saturating_duration_since(Instant::now())).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_time_that_is_left_shrinks_and_is_known_only_inside() {
        assert_eq!(time_left(), None);
        within(Some(Instant::now() + Duration::from_secs(5)), async {
            tokio::time::advance(Duration::from_secs(2)).await;
            assert_eq!(time_left(), Some(Duration::from_secs(3)));
            tokio::time::advance(Duration::from_secs(9)).await;
            assert_eq!(time_left(), Some(Duration::ZERO));
        })
        .await;
        assert_eq!(time_left(), None);
    }
}
