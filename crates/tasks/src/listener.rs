//! Hearing of other processes' changes on a PostgreSQL server.

use std::{collections::HashSet, time::Duration};

use aerie_events::{CHANNEL, PostgresBus};
use aerie_store::PersonId;
use sqlx::postgres::PgListener;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::Queue;

/// Wake-ups that come close together are one for the runner.
const GATHER: Duration = Duration::from_millis(20);
/// Waiting time after a failed connection, doubled up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Listens on the server at `url` until `stop`, and hands wake-ups to `bus` (for subscribers) and `queue` (for its
/// runner). A lost connection is made again; meanwhile both find new rows by polling.
///
/// Needs a session of its own: it does not work through a pooler in transaction mode.
pub async fn listen(url: &str, bus: &PostgresBus, queue: &Queue, stop: CancellationToken) {
    let mut pause = FIRST_PAUSE;
    while !stop.is_cancelled() {
        let lost = tokio::select! {
            () = stop.cancelled() => return,
            lost = hear(url, bus, queue, &mut pause) => lost,
        };
        if let Err(error) = lost {
            tracing::warn!(%error, "cannot hear of other processes' changes, polling meanwhile: {error}");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = sleep(pause) => pause = (pause * 2).min(LONGEST_PAUSE),
        }
    }
}

/// Hears until the connection is lost.
async fn hear(url: &str, bus: &PostgresBus, queue: &Queue, pause: &mut Duration) -> Result<(), sqlx::Error> {
    let mut listener = PgListener::connect(url).await?;
    listener.listen(CHANNEL).await?;
    *pause = FIRST_PAUSE;
    bus.begin_hearing();
    loop {
        let mut stirred: HashSet<PersonId> = HashSet::new();
        let Some(first) = listener.try_recv().await? else { return Ok(()) };
        stirred.extend(bus.hear(first.payload()));
        // What else comes in this short time is gathered; the end of the time is the usual way out.
        let _ = timeout(GATHER, async {
            while let Ok(Some(next)) = listener.try_recv().await {
                stirred.extend(bus.hear(next.payload()));
            }
        })
        .await;
        stirred.into_iter().for_each(|person| queue.stir(person));
    }
}
