//! A stream written as a future: the future emits values, the stream hands them out, in the caller's task.
//!
//! A value is handed out before the future goes on, so that nothing is buffered; dropping the stream drops the future.

use std::{
    fmt,
    future::{Future, poll_fn},
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use futures::Stream;

/// Where the future puts its values.
pub(crate) struct Emitter<T> {
    slot: Arc<Mutex<Option<T>>>,
}

impl<T> Emitter<T> {
    /// Hands a value out; resolves when the caller took it.
    pub(crate) async fn emit(&self, value: T) {
        let mut value = Some(value);
        poll_fn(|_| {
            let mut slot = self.slot.lock().unwrap_or_else(PoisonError::into_inner);
            // The stream empties the slot before it polls the future again: no waker is needed.
            match (slot.is_none(), value.is_some()) {
                (true, true) => {
                    *slot = value.take();
                    Poll::Pending
                }
                (true, false) => Poll::Ready(()),
                (false, _) => Poll::Pending,
            }
        })
        .await;
    }

    /// Hands a value out without waiting; lost when another one is on its way. For signs of life.
    pub(crate) fn offer(&self, value: T) {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(value);
    }
}

impl<T> fmt::Debug for Emitter<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Emitter")
    }
}

/// Turns a future that emits values into a stream of them; the future's own value is the last one.
pub(crate) fn stream<T, F, W>(write: W) -> impl Stream<Item = T> + Send
where
    T: Send,
    F: Future<Output = Option<T>> + Send,
    W: FnOnce(Emitter<T>) -> F,
{
    let slot = Arc::new(Mutex::new(None));
    let future = Box::pin(write(Emitter { slot: slot.clone() }));
    Emitted { slot, future: Some(future) }
}

struct Emitted<T, F> {
    slot: Arc<Mutex<Option<T>>>,
    future: Option<Pin<Box<F>>>,
}

impl<T, F: Future<Output = Option<T>>> Emitted<T, F> {
    fn take(&self) -> Option<T> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl<T, F: Future<Output = Option<T>>> Stream for Emitted<T, F> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        let this = &mut *self;
        if let Some(value) = this.take() {
            return Poll::Ready(Some(value));
        }
        let Some(future) = this.future.as_mut() else { return Poll::Ready(None) };
        match future.as_mut().poll(context) {
            Poll::Pending => this.take().map_or(Poll::Pending, |value| Poll::Ready(Some(value))),
            Poll::Ready(last) => {
                this.future = None;
                // A sign of life may still be in the slot; the last value comes after it.
                match (this.take(), last) {
                    (Some(value), Some(last)) => {
                        *this.slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(last);
                        Poll::Ready(Some(value))
                    }
                    (Some(value), None) => Poll::Ready(Some(value)),
                    (None, last) => Poll::Ready(last),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::{StreamExt, executor::block_on};

    use super::*;

    #[test]
    fn values_come_in_order_one_by_one_and_the_last_one_ends() {
        let made = Arc::new(Mutex::new(0));
        let counter = made.clone();
        let mut values = Box::pin(stream(|emitter| async move {
            for value in 0..3 {
                *counter.lock().unwrap_or_else(PoisonError::into_inner) += 1;
                emitter.emit(value).await;
            }
            Some(9)
        }));
        assert_eq!(block_on(values.next()), Some(0));
        assert_eq!(*made.lock().unwrap_or_else(PoisonError::into_inner), 1, "nothing is made ahead");
        assert_eq!(block_on(values.collect::<Vec<_>>()), [1, 2, 9]);
    }

    #[test]
    fn an_offer_never_blocks_and_never_replaces() {
        let values = stream(|emitter| async move {
            emitter.offer(1);
            emitter.offer(2);
            emitter.emit(3).await;
            emitter.offer(4);
            Some(5)
        });
        assert_eq!(block_on(values.collect::<Vec<_>>()), [1, 3, 4, 5]);
    }

    #[test]
    fn dropping_the_stream_drops_the_future() {
        struct Witness(Arc<Mutex<bool>>);
        impl Drop for Witness {
            fn drop(&mut self) {
                *self.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
            }
        }
        let dropped = Arc::new(Mutex::new(false));
        let witness = Witness(dropped.clone());
        let mut values = Box::pin(stream(|emitter| async move {
            let _witness = witness;
            emitter.emit(1).await;
            std::future::pending::<Option<i32>>().await
        }));
        assert_eq!(block_on(values.next()), Some(1));
        drop(values);
        assert!(*dropped.lock().unwrap_or_else(PoisonError::into_inner));
    }
}
