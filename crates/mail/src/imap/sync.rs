//! Reading what is new in a mailbox, batch by batch.

use std::collections::VecDeque;

use async_imap::types::Fetch;
use chrono::{DateTime, NaiveDate, Utc};
use futures::TryStreamExt;

use super::{Connection, Criterion, ImapError, MailboxState, answer, encode_name};

/// Sizes asked for at once.
const SIZES_AT_ONCE: usize = 200;

/// Bounds of a sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SyncOptions {
    /// On the first sync only messages of this day or later.
    pub since: Option<NaiveDate>,
    /// Most messages of a batch.
    pub batch_messages: usize,
    /// Most bytes of a batch; one message may be more on its own.
    pub batch_bytes: usize,
    /// Most bytes of one message; a larger one is read to there.
    pub message_bytes: u32,
}

impl Default for SyncOptions {
    fn default() -> Self {
        Self { since: None, batch_messages: 50, batch_bytes: 4 << 20, message_bytes: 2 << 20 }
    }
}

/// One message as it lies on the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchedMessage {
    /// Its number in the mailbox.
    pub uid: u32,
    /// When it arrived.
    pub arrived: Option<DateTime<Utc>>,
    /// Its size on the server.
    pub size: u32,
    /// Header and body, at most [`SyncOptions::message_bytes`].
    pub raw: Vec<u8>,
}

/// Messages, and the state to store with them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// In the order of their numbers.
    pub messages: Vec<FetchedMessage>,
    /// Where the next sync goes on once these are stored.
    pub state: MailboxState,
}

/// A sync in progress. Nothing is held beyond the numbers that are still to be read and the current batch.
#[derive(Debug)]
pub struct MailboxSync<'a> {
    connection: &'a mut Connection,
    options: SyncOptions,
    state: MailboxState,
    /// State to store when everything was read.
    modseq: Option<u64>,
    pending: VecDeque<u32>,
    sized: VecDeque<(u32, u32)>,
    finished: bool,
    /// Whether the server numbered the mailbox anew, so that all of it is read again.
    pub renumbered: bool,
    /// Messages that are new.
    pub new_messages: usize,
}

impl Connection {
    /// Opens a mailbox read-only and finds what is new since `state`.
    ///
    /// # Errors
    /// When there is no such mailbox, or the connection breaks.
    pub async fn sync<'a>(
        &'a mut self,
        mailbox: &str,
        state: MailboxState,
        options: SyncOptions,
    ) -> Result<MailboxSync<'a>, ImapError> {
        let refused = |reason: String| ImapError::Mailbox { mailbox: mailbox.to_owned(), reason };
        let opened = answer(self.session.examine(encode_name(mailbox))).await.map_err(|error| match error {
            ImapError::Protocol(error @ (async_imap::error::Error::No(_) | async_imap::error::Error::Validate(_))) => {
                refused(error.to_string())
            }
            other => other,
        })?;
        let uid_validity =
            opened.uid_validity.ok_or_else(|| refused("the server does not number its messages".to_owned()))?;
        let renumbered = state.uid_validity != 0 && state.uid_validity != uid_validity;
        let known = if state.uid_validity == uid_validity {
            state
        } else {
            MailboxState { uid_validity, ..MailboxState::default() }
        };
        let unchanged = known.modseq.is_some() && known.modseq == opened.highest_modseq;
        let nothing_new =
            opened.exists == 0 || opened.uid_next.is_some_and(|next| next <= known.last_uid.saturating_add(1));
        let pending = if unchanged || nothing_new { Vec::new() } else { self.new_uids(known, options).await? };
        Ok(MailboxSync {
            connection: self,
            options,
            state: known,
            modseq: opened.highest_modseq,
            new_messages: pending.len(),
            pending: pending.into(),
            sized: VecDeque::new(),
            finished: false,
            renumbered,
        })
    }

    async fn new_uids(&mut self, known: MailboxState, options: SyncOptions) -> Result<Vec<u32>, ImapError> {
        let mut criteria = vec![Criterion::FromUid(known.last_uid.saturating_add(1))];
        if known.last_uid == 0 {
            criteria.extend(options.since.map(Criterion::Since));
        }
        let mut uids = self.search(&criteria).await?;
        // "n:*" always holds the last message, also when its number is below n.
        uids.retain(|uid| *uid > known.last_uid);
        Ok(uids)
    }
}

impl MailboxSync<'_> {
    /// The next batch; `None` when everything was read. The last batch may be empty: its state says that the sync is
    /// complete.
    ///
    /// # Errors
    /// When the connection breaks; batches already given stay valid.
    pub async fn next_batch(&mut self) -> Result<Option<Batch>, ImapError> {
        if self.finished {
            return Ok(None);
        }
        if self.sized.is_empty() && !self.pending.is_empty() {
            self.read_sizes().await?;
        }
        let wanted = self.take_batch();
        let messages = if wanted.is_empty() { Vec::new() } else { self.fetch(&wanted).await? };
        if let Some((last, _)) = wanted.last() {
            self.state.last_uid = *last;
        }
        if self.sized.is_empty() && self.pending.is_empty() {
            self.finished = true;
            self.state.modseq = self.modseq;
        }
        Ok(Some(Batch { messages, state: self.state }))
    }

    /// Asks for the sizes of the next messages. One that was deleted meanwhile keeps the size 0 and gives no message.
    async fn read_sizes(&mut self) -> Result<(), ImapError> {
        let uids: Vec<u32> = self.pending.drain(..self.pending.len().min(SIZES_AT_ONCE)).collect();
        let set = sequence_set(&uids);
        let sizes = answer(async {
            let answers = self.connection.session.uid_fetch(set, "(UID RFC822.SIZE)").await?;
            answers.try_collect::<Vec<Fetch>>().await
        });
        let sizes = sizes.await?;
        self.sized.extend(uids.into_iter().map(|uid| {
            let size = sizes.iter().find(|answer| answer.uid == Some(uid)).and_then(|answer| answer.size);
            (uid, size.unwrap_or(0))
        }));
        Ok(())
    }

    fn take_batch(&mut self) -> Vec<(u32, u32)> {
        let (mut wanted, mut bytes) = (Vec::new(), 0_usize);
        while let Some((uid, size)) = self.sized.front().copied() {
            let cost = usize::try_from(size.min(self.options.message_bytes)).unwrap_or(usize::MAX);
            let full = wanted.len() >= self.options.batch_messages.max(1)
                || (!wanted.is_empty() && bytes.saturating_add(cost) > self.options.batch_bytes);
            if full {
                break;
            }
            bytes = bytes.saturating_add(cost);
            wanted.push((uid, size));
            self.sized.pop_front();
        }
        wanted
    }

    async fn fetch(&mut self, wanted: &[(u32, u32)]) -> Result<Vec<FetchedMessage>, ImapError> {
        let uids: Vec<u32> = wanted.iter().map(|(uid, _)| *uid).collect();
        // PEEK leaves the \Seen flag alone; the range bounds what a server can send for one message.
        let query = format!("(UID INTERNALDATE BODY.PEEK[]<0.{}>)", self.options.message_bytes.max(1));
        let set = sequence_set(&uids);
        let messages = answer(async {
            let answers = self.connection.session.uid_fetch(set, query).await?;
            let read = answers.try_fold(Vec::new(), |mut messages, answer| async move {
                if let (Some(uid), Some(raw)) = (answer.uid, answer.body()) {
                    let arrived = answer.internal_date().map(|date| date.to_utc());
                    messages.push(FetchedMessage { uid, arrived, size: 0, raw: raw.to_vec() });
                }
                Ok(messages)
            });
            read.await
        });
        let mut messages: Vec<FetchedMessage> = messages.await?;
        // Servers may answer in any order, and may tell of flags of messages that were not asked for.
        messages.retain_mut(|message| {
            let known = wanted.iter().find(|(uid, _)| *uid == message.uid);
            message.size = known.map_or(0, |(_, size)| *size);
            known.is_some()
        });
        messages.sort_by_key(|message| message.uid);
        messages.dedup_by_key(|message| message.uid);
        Ok(messages)
    }
}

/// Numbers in ascending order as a set: `1:3,7`.
fn sequence_set(uids: &[u32]) -> String {
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for uid in uids {
        match runs.last_mut() {
            Some((_, end)) if end.checked_add(1) == Some(*uid) => *end = *uid,
            _ => runs.push((*uid, *uid)),
        }
    }
    let run = |(start, end): (u32, u32)| if start == end { start.to_string() } else { format!("{start}:{end}") };
    runs.into_iter().map(run).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_become_ranges() {
        assert_eq!(sequence_set(&[1, 2, 3, 7, 9, 10]), "1:3,7,9:10");
        assert_eq!(sequence_set(&[u32::MAX]), "4294967295");
        assert_eq!(sequence_set(&[]), "");
    }
}
