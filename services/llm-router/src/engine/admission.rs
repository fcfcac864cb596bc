//! Who may ask a backend now: calls at once, requests and tokens a minute, dollars a day.
//!
//! What a call will use is reserved when it is let in and settled when it ends, so that many callers at once overshoot a
//! limit by one request at most. Calls that find no room wait in a fair queue, up to a time; a call that cannot be let in
//! before that time is refused at once.

mod minute;
mod queue;
mod room;
#[cfg(test)]
mod tests;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::oneshot,
    time::{Instant, sleep_until},
};

pub(crate) use self::room::Limits;
use self::{
    queue::{Queue, Waiter},
    room::{Blocked, Reserved, Room},
};
use super::deps::WallClock;
use crate::call::Priority;

/// The door of one backend.
#[derive(Debug, Clone)]
pub(crate) struct Admission {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    clock: Arc<dyn WallClock>,
    depth: usize,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    room: Room,
    queue: Queue,
}

/// What a call wants.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ticket {
    pub(crate) person: String,
    pub(crate) priority: Priority,
    pub(crate) model: String,
    /// Tokens of question and answer, rather too many than too few.
    pub(crate) tokens: u64,
    /// Cost in millionths of a dollar, rather too much than too little.
    pub(crate) micros: u64,
    /// Whether it counts for our rates and money: not with a person's own key.
    pub(crate) metered: bool,
}

/// Why a call was not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The queue is full.
    Full,
    /// There was no place in time.
    Waited,
    /// The requests or tokens of this minute are used up.
    Rate {
        /// Until there is room again.
        wait: Duration,
    },
    /// The money of today is spent.
    Money {
        /// Until tomorrow (UTC).
        wait: Duration,
    },
}

/// Numbers for people.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Load {
    pub(crate) in_flight: u32,
    pub(crate) queued: u32,
    pub(crate) requests: u64,
    pub(crate) tokens: u64,
    pub(crate) spent_micros: u64,
}

impl Admission {
    pub(crate) fn new(limits: Limits, depth: u32, clock: Arc<dyn WallClock>) -> Self {
        let state = State { room: Room::new(limits, Instant::now()), queue: Queue::default() };
        Self { shared: Arc::new(Shared { clock, depth: depth as usize, state: Mutex::new(state) }) }
    }

    /// Waits for a place until `until`. Dropping the future leaves the queue.
    pub(crate) async fn enter(&self, ticket: Ticket, until: Instant) -> Result<Permit, Refusal> {
        match self.shared.arrive(ticket, until)? {
            Arrival::Admitted(permit) => Ok(permit),
            Arrival::Waiting { number, answer } => Box::pin(self.wait(number, answer, until)).await,
        }
    }

    async fn wait(
        &self,
        number: u64,
        mut answer: oneshot::Receiver<Result<Permit, Refusal>>,
        until: Instant,
    ) -> Result<Permit, Refusal> {
        let _place = Place { shared: &self.shared, number };
        loop {
            let wake = self.shared.next_change().map_or(until, |change| change.min(until));
            tokio::select! {
                biased;
                // The sender is dropped with an answer only, or with the engine.
                answer = &mut answer => return answer.unwrap_or(Err(Refusal::Waited)),
                () = sleep_until(wake) => {}
            }
            if Instant::now() >= until {
                return Err(Refusal::Waited);
            }
            self.shared.let_in();
        }
    }

    pub(crate) fn limits(&self) -> Limits {
        self.shared.state().room.limits()
    }

    pub(crate) fn in_flight(&self) -> u32 {
        self.shared.state().room.in_flight()
    }

    pub(crate) fn load(&self) -> Load {
        let mut state = self.shared.state();
        let queued = state.queue.len() as u32;
        state.room.turn_day(self.shared.clock.now());
        Load { queued, ..state.room.load(Instant::now()) }
    }
}

enum Arrival {
    Admitted(Permit),
    Waiting { number: u64, answer: oneshot::Receiver<Result<Permit, Refusal>> },
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn arrive(self: &Arc<Self>, ticket: Ticket, until: Instant) -> Result<Arrival, Refusal> {
        let now = Instant::now();
        let (number, answer, evicted) = {
            let mut state = self.state();
            let day_ends = state.room.turn_day(self.clock.now());
            let blocked = state.room.blocked(&ticket, now);
            match blocked {
                None if state.queue.is_empty() => {
                    let reserved = state.room.reserve(&ticket, now);
                    return Ok(Arrival::Admitted(Permit { shared: self.clone(), reserved: Some(reserved) }));
                }
                Some(Blocked::Spent) => return Err(Refusal::Money { wait: day_ends }),
                Some(Blocked::Until(free)) if free > until => return Err(Refusal::Rate { wait: free - now }),
                _ => {}
            }
            let evicted = if state.queue.len() < self.depth {
                None
            } else {
                Some(state.queue.evict_for(ticket.priority).ok_or(Refusal::Full)?)
            };
            let (sender, answer) = oneshot::channel();
            (state.queue.push(Waiter::new(ticket, sender)), answer, evicted)
        };
        if let Some(evicted) = evicted {
            evicted.tell(Err(Refusal::Full));
        }
        Ok(Arrival::Waiting { number, answer })
    }

    /// Lets in whoever is next and has room.
    fn let_in(self: &Arc<Self>) {
        // Permits are sent when the lock is free: one whose caller just left comes back through it.
        while let Some((waiter, reserved)) = self.next() {
            waiter.tell(reserved.map(|reserved| Permit { shared: self.clone(), reserved: Some(reserved) }));
        }
    }

    fn next(&self) -> Option<(Waiter, Result<Reserved, Refusal>)> {
        let now = Instant::now();
        let mut state = self.state();
        let State { room, queue } = &mut *state;
        let day_ends = room.turn_day(self.clock.now());
        let choice = queue.choose(room.model())?;
        match room.blocked(queue.ticket(choice)?, now) {
            None => {
                let waiter = queue.take(choice)?;
                let reserved = room.reserve(&waiter.ticket, now);
                Some((waiter, Ok(reserved)))
            }
            Some(Blocked::Spent) => Some((queue.take(choice)?, Err(Refusal::Money { wait: day_ends }))),
            Some(Blocked::Busy | Blocked::Until(_)) => None,
        }
    }

    /// When room comes without anybody leaving.
    fn next_change(&self) -> Option<Instant> {
        let state = self.state();
        let choice = state.queue.choose(state.room.model())?;
        match state.room.blocked(state.queue.ticket(choice)?, Instant::now()) {
            Some(Blocked::Until(free)) => Some(free),
            _ => None,
        }
    }
}

/// A place in the queue; given up when dropped.
struct Place<'a> {
    shared: &'a Arc<Shared>,
    number: u64,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let left = self.shared.state().queue.remove(self.number);
        if left.is_some() {
            // Whoever is next now may need less room.
            self.shared.let_in();
        }
    }
}

/// A call that was let in. Dropped unsettled (its caller went away) it counts as reserved.
#[derive(Debug)]
pub(crate) struct Permit {
    shared: Arc<Shared>,
    reserved: Option<Reserved>,
}

impl Permit {
    /// The call is over and used this much.
    pub(crate) fn settle(mut self, tokens: u64, micros: u64) {
        if let Some(reserved) = self.reserved.take() {
            self.leave(reserved, Some((tokens, micros)));
        }
    }

    fn leave(&self, reserved: Reserved, used: Option<(u64, u64)>) {
        self.shared.state().room.leave(reserved, used);
        self.shared.let_in();
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(reserved) = self.reserved.take() {
            self.leave(reserved, None);
        }
    }
}
