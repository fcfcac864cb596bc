//! How much one person and all together may ask for.

use std::{
    collections::HashMap,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use aerie_config::Limits;
use aerie_rpc::{PersonId, RpcError};
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::Instant,
};
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::{Status, body::Body};

/// A burst may hold this many seconds' worth of calls.
const BURST_SECONDS: f64 = 2.0;
/// Persons whose budget is remembered; beyond that, those with a full budget are forgotten, which changes nothing.
const MOST_PERSONS: usize = 10_000;
const RETRY_WHEN_FULL: Duration = Duration::from_millis(250);

/// Lets calls in, or says how long to wait.
#[derive(Debug)]
pub(crate) struct Admission {
    rate: f64,
    budgets: Mutex<HashMap<PersonId, Budget>>,
    places: Arc<Semaphore>,
    concurrency: usize,
    calls: Arc<Calls>,
    person_concurrency: usize,
}

/// Calls in progress by person; whoever has none is not in it.
type Calls = Mutex<HashMap<PersonId, usize>>;

/// A place for one call, given back when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    _permit: OwnedSemaphorePermit,
    person: PersonId,
    calls: Arc<Calls>,
    /// Ends whatever goes on for this call alone.
    _with: Option<DropGuard>,
}

impl Place {
    /// Cancels the token, too, when the place is given back.
    pub(crate) fn ending(self, token: CancellationToken) -> Self {
        let mut place = self;
        place._with = Some(token.drop_guard());
        place
    }

    /// Keeps the place until the body is done or dropped.
    pub(crate) fn until_end_of(self, body: Body) -> Body {
        Body::new(Held { body, _place: self })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = calls.get_mut(&self.person) {
            *count -= 1;
            if *count == 0 {
                calls.remove(&self.person);
            }
        }
    }
}

/// A body that keeps its call's place.
struct Held {
    body: Body,
    _place: Place,
}

impl HttpBody for Held {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A token bucket: calls left, and when they were counted.
#[derive(Debug, Clone, Copy)]
struct Budget {
    calls: f64,
    at: Instant,
}

impl Admission {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            rate: f64::from(limits.requests_per_second.max(1)),
            budgets: Mutex::new(HashMap::new()),
            places: Arc::new(Semaphore::new(limits.concurrency)),
            concurrency: limits.concurrency,
            calls: Arc::default(),
            person_concurrency: limits.person_concurrency,
        }
    }

    /// A place for one call, held until the answer is complete.
    ///
    /// # Errors
    /// `ResourceExhausted` with the time to wait.
    pub(crate) fn enter(&self, person: &PersonId, now: Instant) -> Result<Place, RpcError> {
        if let Err(wait) = self.spend(person, now) {
            let message = format!("more than {} calls per second; wait and try again", self.rate);
            return Err(RpcError::exhausted("RATE_LIMITED", message, wait));
        }
        let permit = self.places.clone().try_acquire_owned().map_err(|_| {
            let message = format!("{} calls are in progress, which is the limit", self.concurrency);
            RpcError::exhausted("TOO_MANY_CALLS", message, RETRY_WHEN_FULL)
        })?;
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        let count = calls.get(person).copied().unwrap_or_default();
        if count >= self.person_concurrency {
            let message = format!("{count} calls of yours are in progress, which is the limit for one person");
            return Err(RpcError::exhausted("TOO_MANY_CALLS_OF_ONE", message, RETRY_WHEN_FULL));
        }
        calls.insert(person.clone(), count + 1);
        Ok(Place { _permit: permit, person: person.clone(), calls: Arc::clone(&self.calls), _with: None })
    }

    fn spend(&self, person: &PersonId, now: Instant) -> Result<(), Duration> {
        let mut budgets = self.budgets.lock().unwrap_or_else(PoisonError::into_inner);
        if budgets.len() >= MOST_PERSONS && !budgets.contains_key(person) {
            budgets.retain(|_, budget| self.refilled(*budget, now) < self.rate * BURST_SECONDS);
        }
        let full = Budget { calls: self.rate * BURST_SECONDS, at: now };
        let budget = budgets.entry(person.clone()).or_insert(full);
        budget.calls = self.refilled(*budget, now);
        budget.at = now;
        if budget.calls < 1.0 {
            return Err(Duration::from_secs_f64((1.0 - budget.calls) / self.rate));
        }
        budget.calls -= 1.0;
        Ok(())
    }

    fn refilled(&self, budget: Budget, now: Instant) -> f64 {
        let elapsed = now.saturating_duration_since(budget.at).as_secs_f64();
        (budget.calls + elapsed * self.rate).min(self.rate * BURST_SECONDS)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use aerie_config::Loader;

    use super::*;

    fn admission(requests_per_second: u32, concurrency: usize, person_concurrency: usize) -> Admission {
        let config = Loader::new().environment([("AERIE_HOME", "/nowhere")]).load().unwrap();
        Admission::new(&Limits { requests_per_second, concurrency, person_concurrency, ..config.limits })
    }

    #[test]
    fn each_person_has_a_burst_and_then_a_rate() {
        let (admission, start) = (admission(10, 1000, 1000), Instant::now());
        let (ada, ben) = (PersonId::new("ada").unwrap(), PersonId::new("ben").unwrap());
        for _ in 0..20 {
            drop(admission.enter(&ada, start).unwrap());
        }
        let error = admission.enter(&ada, start).unwrap_err();
        assert_eq!(error.reason, "RATE_LIMITED");
        assert_eq!(error.retry_after, Some(Duration::from_millis(100)));
        assert!(admission.enter(&ben, start).is_ok(), "others are not affected");
        assert!(admission.enter(&ada, start + Duration::from_millis(100)).is_ok());
        assert!(admission.enter(&ada, start + Duration::from_millis(100)).is_err());
    }

    #[test]
    fn places_are_limited_and_come_back() {
        let (admission, person) = (admission(1000, 1, 1), PersonId::new("ada").unwrap());
        let place = admission.enter(&person, Instant::now()).unwrap();
        assert_eq!(admission.enter(&person, Instant::now()).unwrap_err().reason, "TOO_MANY_CALLS");
        drop(place);
        assert!(admission.enter(&person, Instant::now()).is_ok());
    }

    #[test]
    fn one_person_takes_no_more_than_their_share_of_the_places() {
        let (admission, now) = (admission(1000, 4, 2), Instant::now());
        let (ada, ben) = (PersonId::new("ada").unwrap(), PersonId::new("ben").unwrap());
        let places = [admission.enter(&ada, now).unwrap(), admission.enter(&ada, now).unwrap()];
        assert_eq!(admission.enter(&ada, now).unwrap_err().reason, "TOO_MANY_CALLS_OF_ONE");
        let others = [admission.enter(&ben, now).unwrap(), admission.enter(&ben, now).unwrap()];
        assert_eq!(admission.enter(&ada, now).unwrap_err().reason, "TOO_MANY_CALLS");
        drop(places);
        assert!(admission.enter(&ada, now).is_ok(), "the place of a refused call came back, too");
        drop(others);
        assert!(admission.calls.lock().unwrap().is_empty(), "whoever has no call is forgotten");
    }

    #[test]
    fn strangers_cannot_fill_the_memory() {
        let (admission, start) = (admission(1, 1, 1), Instant::now());
        for index in 0..MOST_PERSONS as u64 + 500 {
            let now = start + Duration::from_secs(index);
            drop(admission.enter(&PersonId::new(format!("p{index}")).unwrap(), now));
        }
        assert!(admission.budgets.lock().unwrap().len() <= MOST_PERSONS);
    }
}
