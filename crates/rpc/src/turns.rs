//! Futures that wake themselves go on at once.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use futures::task::AtomicWaker;

/// Turns of one poll. A future that wakes itself without end, as it does when its time slice is used up, goes back to the
/// scheduler after them.
const MOST_TURNS: usize = 8;

/// Not being polled: wakes go to the scheduler.
const RESTS: u8 = 0;
/// Being polled.
const TURNS: u8 = 1;
/// Being polled, and woken meanwhile.
const AGAIN: u8 = 2;

/// Polls a future once more, there and then, when it was woken while it was polled.
///
/// The two ends of an HTTP exchange are often one task (a handler reads the body that its connection holds; a caller drives
/// the connection whose answer it waits for), and each end wakes the other, which is the task itself. The scheduler takes
/// such a wake for work to share: it wakes another thread, which carries the task away from the caches that it is in. Here
/// it is another turn instead.
pub struct Turns<F> {
    future: F,
    state: Arc<State>,
    waker: Waker,
}

struct State {
    phase: AtomicU8,
    task: AtomicWaker,
}

impl<F: Future + Unpin> Turns<F> {
    /// Wraps a future; box or pin one that cannot be moved.
    pub fn new(future: F) -> Self {
        let state = Arc::new(State { phase: AtomicU8::new(RESTS), task: AtomicWaker::new() });
        Self { future, waker: state.clone().into(), state }
    }

    /// The future, to be told something.
    pub fn get_mut(&mut self) -> &mut F {
        &mut self.future
    }
}

impl<F: Future + Unpin> Future for Turns<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = &mut *self;
        this.state.task.register(context.waker());
        for _ in 0..MOST_TURNS {
            this.state.phase.store(TURNS, Ordering::Release);
            if let Poll::Ready(output) = Pin::new(&mut this.future).poll(&mut Context::from_waker(&this.waker)) {
                return Poll::Ready(output);
            }
            // Fails when it was woken meanwhile.
            let rests = this.state.phase.compare_exchange(TURNS, RESTS, Ordering::AcqRel, Ordering::Acquire);
            if rests.is_ok() {
                return Poll::Pending;
            }
        }
        this.state.phase.store(RESTS, Ordering::Release);
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Wake for State {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let noted = self.phase.compare_exchange(TURNS, AGAIN, Ordering::AcqRel, Ordering::Acquire);
        if noted == Err(RESTS) {
            self.task.wake();
        }
    }
}

impl<F> fmt::Debug for Turns<F> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Turns")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::{future::poll_fn, sync::atomic::AtomicUsize};

    use super::*;

    /// Counts how often a task is woken.
    #[derive(Default)]
    struct Wakes(AtomicUsize);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn poll_once<F: Future + Unpin>(future: &mut F) -> (Poll<F::Output>, usize) {
        let wakes = Arc::new(Wakes::default());
        let waker = Waker::from(wakes.clone());
        let polled = Pin::new(future).poll(&mut Context::from_waker(&waker));
        (polled, wakes.0.load(Ordering::SeqCst))
    }

    #[test]
    fn a_future_that_wakes_itself_goes_on_in_the_same_poll() {
        let mut left = 3;
        let mut turns = Turns::new(poll_fn(|context| {
            left -= 1;
            context.waker().wake_by_ref();
            if left == 0 { Poll::Ready(7) } else { Poll::Pending }
        }));
        assert_eq!(poll_once(&mut turns), (Poll::Ready(7), 0));
    }

    #[test]
    fn one_that_never_stops_waking_itself_gives_way() {
        let mut polls = 0;
        let mut turns = Turns::new(poll_fn(|context| {
            polls += 1;
            context.waker().wake_by_ref();
            Poll::<()>::Pending
        }));
        assert_eq!(poll_once(&mut turns), (Poll::Pending, 1));
        assert_eq!(polls, MOST_TURNS);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn no_wake_of_another_thread_is_lost() {
        for _ in 0..2_000 {
            let (sender, receiver) = tokio::sync::oneshot::channel();
            let (mut values, mut taken) = tokio::sync::mpsc::channel(1);
            let reader = tokio::spawn(Turns::new(Box::pin(async move {
                let mut sum = 0;
                while let Some(value) = taken.recv().await {
                    sum += value;
                }
                sum + receiver.await.unwrap()
            })));
            let writer = tokio::spawn(Turns::new(Box::pin(async move {
                for value in 0..10 {
                    values.send(value).await.unwrap();
                }
                drop(std::mem::replace(&mut values, tokio::sync::mpsc::channel(1).0));
                sender.send(100).unwrap();
            })));
            writer.await.unwrap();
            assert_eq!(reader.await.unwrap(), 145);
        }
    }
}
