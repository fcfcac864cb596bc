//! One request at a time per host, with a pause between two, and hosts that asked for a long rest are left alone.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// Most hosts whose state is kept; idle ones are forgotten beyond that.
const MOST_HOSTS: usize = 4_096;

/// The gates of all hosts.
pub struct Pace {
    interval: Duration,
    hosts: Mutex<HashMap<String, Arc<Gate>>>,
    all: Arc<Semaphore>,
}

/// The gate of one host.
pub struct Gate {
    turn: Arc<Semaphore>,
    state: Mutex<GateState>,
}

#[derive(Default)]
struct GateState {
    not_before: Option<Instant>,
    closed_until: Option<Instant>,
}

/// The right to send one request; the pause begins when it is dropped.
pub struct Turn {
    gate: Arc<Gate>,
    interval: Duration,
    _host: OwnedSemaphorePermit,
    _all: OwnedSemaphorePermit,
}

impl Pace {
    /// A pause of `interval` between two requests to one host, and at most `concurrency` requests in all.
    pub fn new(interval: Duration, concurrency: usize) -> Self {
        Self { interval, hosts: Mutex::default(), all: Arc::new(Semaphore::new(concurrency.max(1))) }
    }

    /// The gate of a host.
    pub fn gate(&self, host: &str) -> Arc<Gate> {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        if hosts.len() >= MOST_HOSTS {
            hosts.retain(|_, gate| Arc::strong_count(gate) > 1 || gate.is_resting());
        }
        Arc::clone(
            hosts
                .entry(host.to_ascii_lowercase())
                .or_insert_with(|| Arc::new(Gate { turn: Arc::new(Semaphore::new(1)), state: Mutex::default() })),
        )
    }

    /// Waits until this host may be asked again; `None` when it asked for a rest longer than a run waits.
    /// `interval` lengthens the usual pause (robots.txt `Crawl-delay`).
    pub async fn turn(&self, gate: &Arc<Gate>, interval: Option<Duration>) -> Option<Turn> {
        let host = Arc::clone(&gate.turn).acquire_owned().await.ok()?;
        if gate.rest().is_some() {
            return None;
        }
        let wait_until = gate.lock().not_before;
        if let Some(moment) = wait_until {
            tokio::time::sleep_until(moment).await;
        }
        let all = Arc::clone(&self.all).acquire_owned().await.ok()?;
        let interval = interval.unwrap_or_default().max(self.interval);
        Some(Turn { gate: Arc::clone(gate), interval, _host: host, _all: all })
    }
}

impl Gate {
    fn lock(&self) -> std::sync::MutexGuard<'_, GateState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets nobody ask before `wait` is over.
    pub fn delay(&self, wait: Duration) {
        let moment = Instant::now() + wait;
        let mut state = self.lock();
        state.not_before = Some(state.not_before.map_or(moment, |known| known.max(moment)));
    }

    /// Lets nobody ask, nor wait, before `rest` is over.
    pub fn close(&self, rest: Duration) {
        self.lock().closed_until = Some(Instant::now() + rest);
    }

    /// How long the host still wants to be left alone.
    pub fn rest(&self) -> Option<Duration> {
        let until = self.lock().closed_until?;
        let rest = until.saturating_duration_since(Instant::now());
        (!rest.is_zero()).then_some(rest)
    }

    fn is_resting(&self) -> bool {
        let now = Instant::now();
        let state = self.lock();
        state.closed_until.is_some_and(|until| until > now) || state.not_before.is_some_and(|until| until > now)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.gate.delay(self.interval);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_request_at_a_time_with_a_pause() {
        let pace = Pace::new(Duration::from_millis(250), 8);
        let gate = pace.gate("boards.example");
        let start = Instant::now();
        drop(pace.turn(&gate, None).await.unwrap());
        drop(pace.turn(&gate, None).await.unwrap());
        assert_eq!(start.elapsed(), Duration::from_millis(250));
        drop(pace.turn(&pace.gate("other.example"), None).await.unwrap());
        assert_eq!(start.elapsed(), Duration::from_millis(250), "another host does not wait");
        gate.close(Duration::from_secs(100));
        assert!(pace.turn(&gate, None).await.is_none());
        tokio::time::sleep(Duration::from_secs(101)).await;
        assert!(pace.turn(&gate, None).await.is_some());
    }
}
