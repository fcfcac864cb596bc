//! Whose turn it is: the sources of a run are fetched together and taken in one after another, in the order of the plan.
//!
//! What a newcomer is recognised as depends on what the catalogue holds already. With a fixed order a run ends with the
//! same catalogue however fast each source answered, and however often the program was killed in between.

use std::time::{Duration, Instant};

use aerie_tasks::{TaskContext, TaskError};

/// Longest time that a source waits for slower ones; longer than a lease, so that a killed one can be taken up.
const LONGEST_WAIT: Duration = Duration::from_secs(90);
/// How long one that comes earlier may be without a worker before this one gives its own worker away.
const PATIENCE: Duration = Duration::from_secs(1);
/// Time between two looks.
const PAUSE: Duration = Duration::from_millis(50);
/// How long one that gave way stays away, so that the others are claimed first.
pub(crate) const AWAY: Duration = Duration::from_secs(2);

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Go on.
    Come,
    /// Come back later: an earlier source waits for a worker, and all may be held by those who wait for it.
    GiveWay,
}

/// Waits until no earlier source of the run is at work.
pub(crate) async fn turn(context: &TaskContext) -> Result<Turn, TaskError> {
    let begun = Instant::now();
    let mut due_since = None;
    while begun.elapsed() < LONGEST_WAIT {
        let elders = context.elders().await?;
        if !elders.working && !elders.due {
            break;
        }
        if !elders.due {
            due_since = None;
        } else if due_since.get_or_insert_with(Instant::now).elapsed() >= PATIENCE {
            return Ok(Turn::GiveWay);
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(Turn::Come)
}
