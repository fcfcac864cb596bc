//! Time, passed in so that tests never wait for it.

use std::{
    fmt::Debug,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use aerie_store::{Database, Engine, Stores};
use chrono::{DateTime, TimeDelta, Utc};
use tokio_util::sync::CancellationToken;

use crate::{QueueError, metric};

/// How often the server's clock is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// A difference between two machines that is worth a warning: half of what signed identities bear.
const NOTEWORTHY: TimeDelta = TimeDelta::seconds(15);

/// Tells the time.
pub trait Clock: Debug + Send + Sync {
    /// The present, with microseconds at most: what both engines store.
    fn now(&self) -> DateTime<Utc>;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> DateTime<Utc> {
        to_micros(Utc::now())
    }
}

/// The clock that the database server shows: one for all processes that share it, however wrong their machines' clocks are.
/// Leases of tasks are compared between processes, so they need it.
///
/// Between two looks it goes on by this machine's monotonic clock, which nobody sets.
#[derive(Debug)]
pub struct ServerClock {
    looked: Mutex<(DateTime<Utc>, Instant)>,
}

impl ServerClock {
    /// The clock for the tasks of these stores: the server's, looked at again and again until `stop`, or the machine's own
    /// where the stores are files of this machine.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn of(stores: &Stores, stop: CancellationToken) -> Result<Arc<dyn Clock>, QueueError> {
        let database = stores.platform().clone();
        if database.engine() == Engine::Sqlite {
            return Ok(Arc::new(SystemClock));
        }
        let clock = Arc::new(Self { looked: Mutex::new(look(&database).await?) });
        clock.tell_difference();
        let this = Arc::clone(&clock);
        tokio::spawn(stop.run_until_cancelled_owned(async move {
            loop {
                tokio::time::sleep(LOOK_EVERY).await;
                match look(&database).await {
                    Ok(looked) => *this.looked.lock().unwrap_or_else(PoisonError::into_inner) = looked,
                    Err(error) => tracing::debug!(%error, "the server's clock could not be looked at: {error}"),
                }
                this.tell_difference();
            }
        }));
        Ok(clock)
    }

    /// Other services know no database, and compare with their own clocks; so does whoever reads a log.
    fn tell_difference(&self) {
        let ahead = Utc::now() - self.now();
        metric::clock_ahead(ahead);
        if ahead.abs() > NOTEWORTHY {
            tracing::warn!(
                seconds = ahead.as_seconds_f64(),
                "this machine's clock is {:.1} s ahead of the database server's; other services refuse calls beyond 30 s: \
                 let a time service set both",
                ahead.as_seconds_f64()
            );
        }
    }
}

impl Clock for ServerClock {
    fn now(&self) -> DateTime<Utc> {
        let (server, at) = *self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        to_micros(server + at.elapsed())
    }
}

/// What the server's clock shows, and the moment of this machine at which it did.
async fn look(database: &Database) -> Result<(DateTime<Utc>, Instant), QueueError> {
    let mut tx = database.read().await?;
    let asked = Instant::now();
    let row = tx.fetch_one("select clock_timestamp() as now", vec![]).await?;
    // Read about half-way between the question and the answer.
    let at = asked + asked.elapsed() / 2;
    tx.rollback().await?;
    Ok((row.time("now")?, at))
}

/// A clock that stands still until it is moved.
#[derive(Debug)]
pub struct ManualClock {
    now: Mutex<DateTime<Utc>>,
}

impl ManualClock {
    /// A clock that shows `now`.
    pub fn new(now: DateTime<Utc>) -> Self {
        Self { now: Mutex::new(to_micros(now)) }
    }

    /// Moves the clock.
    pub fn advance(&self, by: TimeDelta) {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner) += by;
    }
}

impl Clock for ManualClock {
    fn now(&self) -> DateTime<Utc> {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn to_micros(time: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(time.timestamp_micros()).unwrap_or(time)
}
