//! Connections that wait for the next request.

use std::{
    fmt,
    sync::{Mutex, PoisonError},
    task::{Context, Waker},
    time::Duration,
};

use hyper::client::conn::http2;
use tokio::time::Instant;

use super::{
    body::Segments,
    connection::{Connection, Exclusive},
};

/// Most connections that wait.
const MOST_IDLE: usize = 128;
/// Longest time one waits; many servers close earlier, which is noticed when it is taken.
const IDLE_TIME: Duration = Duration::from_secs(60);

#[derive(Default)]
pub(super) struct Pool {
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    /// The last used is the last. They come boxed and go on boxed.
    #[allow(clippy::vec_box)]
    exclusive: Vec<Box<Exclusive>>,
    shared: Option<http2::SendRequest<Segments>>,
}

impl Pool {
    /// A connection that can be used, if there is one.
    pub(super) fn take(&self) -> Option<Connection> {
        loop {
            let mut exclusive = {
                let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(shared) = &waiting.shared {
                    if shared.is_ready() {
                        return Some(Connection::Many(shared.clone()));
                    }
                    waiting.shared = None;
                }
                waiting.exclusive.pop()?
            };
            // One reading shows whether the other side closed it meanwhile.
            let mut context = Context::from_waker(Waker::noop());
            if exclusive.used.elapsed() < IDLE_TIME && exclusive.is_free(&mut context) {
                return Some(Connection::One(exclusive));
            }
        }
    }

    /// Keeps a connection whose exchange is over; drops it if it cannot be used again.
    pub(super) fn give(&self, connection: Connection) {
        let Connection::One(mut exclusive) = connection else { return };
        let mut context = Context::from_waker(Waker::noop());
        if !exclusive.is_free(&mut context) {
            return;
        }
        let now = Instant::now();
        exclusive.used = now;
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let old = waiting.exclusive.iter().take_while(|one| now.duration_since(one.used) >= IDLE_TIME).count();
        waiting.exclusive.drain(..old);
        if waiting.exclusive.len() < MOST_IDLE {
            waiting.exclusive.push(exclusive);
        }
    }

    /// Keeps a connection that carries many exchanges.
    pub(super) fn share(&self, shared: http2::SendRequest<Segments>) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).shared = Some(shared);
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Pool")
    }
}
