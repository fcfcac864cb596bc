//! How long a streamed answer may be silent.
//!
//! A token starts the time between tokens anew. A keep-alive does so too, but only until the time that a first token may
//! take has passed since the last token: a provider that only says that it is alive does not hold a caller for ever.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    task::Poll,
    time::Duration,
};

use aerie_config::LlmTimeouts;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::{
    answer::Piece,
    backend::Pieces,
    fault::{Fault, FaultKind, Stage},
};

/// Reads pieces and watches the time. The timer is moved only when it rings, not with every piece.
#[derive(Debug)]
pub(crate) struct Silence {
    between: Duration,
    alive: Duration,
    last_token: Instant,
    until: Instant,
    deadline: Instant,
    timer: Pin<Box<Sleep>>,
}

impl Silence {
    pub(crate) fn new(timeouts: &LlmTimeouts, deadline: Instant) -> Self {
        let now = Instant::now();
        let between = Duration::from_millis(timeouts.between_tokens_ms);
        let alive = Duration::from_millis(timeouts.first_token_ms).max(between);
        let until = now + between;
        let timer = Box::pin(sleep_until(until.min(deadline)));
        Self { between, alive, last_token: now, until, deadline, timer }
    }

    /// The next piece; none at a clean end.
    pub(crate) async fn next(&mut self, pieces: &mut Pieces) -> Option<Result<Piece, Fault>> {
        let piece = poll_fn(|context| {
            if let Poll::Ready(piece) = pieces.as_mut().poll_next(context) {
                return Poll::Ready(piece);
            }
            while self.timer.as_mut().poll(context).is_ready() {
                let limit = self.until.min(self.deadline);
                if Instant::now() >= limit {
                    return Poll::Ready(Some(Err(self.late())));
                }
                self.timer.as_mut().reset(limit);
            }
            Poll::Pending
        })
        .await;
        match &piece {
            Some(Ok(Piece::KeepAlive)) => {
                self.until = (Instant::now() + self.between).min(self.last_token + self.alive).max(self.until);
            }
            Some(Ok(_)) => {
                self.last_token = Instant::now();
                self.until = self.last_token + self.between;
            }
            Some(Err(_)) | None => {}
        }
        piece
    }

    fn late(&self) -> Fault {
        if self.deadline <= self.until {
            return Fault::new(FaultKind::Timeout(Stage::Total), "the answer was not finished in time");
        }
        let silent = self.last_token.elapsed().as_millis();
        Fault::new(FaultKind::Timeout(Stage::BetweenTokens), format!("no token for {silent} ms"))
    }
}
