//! Writing the ends of runs together: whoever has the writer's turn writes for all who wait for theirs.

use std::{mem, sync::Mutex};

use aerie_events::person_of;
use aerie_store::{Database, StoreError};
use tokio::sync::{
    Mutex as AsyncMutex,
    oneshot::{self, error::TryRecvError},
};

use crate::{
    Queue, QueueError,
    ending::{self, Ending},
    lease::Lease,
    queue::lock,
};

/// Most ends in one transaction.
const MOST_TOGETHER: usize = 128;

type Answer = oneshot::Sender<Result<bool, QueueError>>;

/// Writes how the runs of one person's tasks ended.
#[derive(Debug)]
pub(super) struct Finisher {
    database: Database,
    waiting: Mutex<Vec<(Lease, Ending, Answer)>>,
    turn: AsyncMutex<()>,
}

impl Finisher {
    pub(super) fn new(database: Database) -> Self {
        Self { database, waiting: Mutex::default(), turn: AsyncMutex::new(()) }
    }

    /// Writes an end; false when the lease was lost. While one transaction commits, the ends that come meanwhile
    /// gather for the next, so a busy queue pays for one commit per batch.
    pub(super) async fn finish(&self, queue: &Queue, lease: Lease, ending: Ending) -> Result<bool, QueueError> {
        let (sender, mut answer) = oneshot::channel();
        lock(&self.waiting).push((lease, ending, sender));
        loop {
            let turn = self.turn.lock().await;
            // Written by somebody else meanwhile?
            match answer.try_recv() {
                Ok(written) => return written,
                Err(TryRecvError::Empty) => {}
                Err(TryRecvError::Closed) => {
                    let detail = "whoever wrote this end was stopped half way".to_owned();
                    return Err(StoreError::Unavailable { detail }.into());
                }
            }
            let mut batch = mem::take(&mut *lock(&self.waiting));
            if batch.len() > MOST_TOGETHER {
                *lock(&self.waiting) = batch.split_off(MOST_TOGETHER);
            }
            self.write(queue, batch).await;
            drop(turn);
        }
    }

    async fn write(&self, queue: &Queue, batch: Vec<(Lease, Ending, Answer)>) {
        let endings = batch.iter().map(|(lease, ending, _)| (lease.clone(), ending.clone())).collect();
        match self.write_together(queue, endings).await {
            Ok(applied) => {
                for ((.., answer), applied) in batch.into_iter().zip(applied) {
                    let _ = answer.send(Ok(applied));
                }
            }
            // One end that cannot be written must not hold up the others.
            Err(error) => {
                let single = batch.len() == 1;
                let mut first = Some(error);
                for (lease, ending, answer) in batch {
                    let written = match first.take() {
                        Some(error) if single => Err(error),
                        _ => self.write_together(queue, vec![(lease, ending)]).await.map(|applied| applied == [true]),
                    };
                    let _ = answer.send(written);
                }
            }
        }
    }

    async fn write_together(&self, queue: &Queue, endings: Vec<(Lease, Ending)>) -> Result<Vec<bool>, QueueError> {
        let person = person_of(&self.database)?;
        let mut tx = self.database.begin().await?;
        let written = ending::write(&mut tx, endings, queue.now()).await?;
        queue.commit_quietly(tx, person).await?;
        if written.woke {
            queue.stir(person);
        }
        Ok(written.applied)
    }
}
