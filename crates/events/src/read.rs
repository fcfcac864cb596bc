//! Reading the log.

use aerie_store::Tx;

use crate::{Event, EventError};

/// Which part of a person's log exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Sequence of the newest event; 0 when there was never one.
    pub last: i64,
    /// Events up to and including this one were pruned.
    pub pruned_through: i64,
}

impl Bounds {
    /// Whether every event after `sequence` can still be read. False when some were pruned, and when the log never
    /// reached `sequence`: then it is another log than the one the reader knows (a restored or replaced store).
    pub fn can_replay_after(&self, sequence: i64) -> bool {
        (self.pruned_through..=self.last).contains(&sequence)
    }
}

/// The part of the log that exists.
pub async fn bounds(tx: &mut Tx) -> Result<Bounds, EventError> {
    // The scope leaves one row at most.
    let row = tx.fetch_optional("select last, pruned_through from event_counter", vec![]).await?;
    let Some(row) = row else { return Ok(Bounds { last: 0, pruned_through: 0 }) };
    Ok(Bounds { last: row.int("last")?, pruned_through: row.int("pruned_through")? })
}

/// Up to `limit` events after `sequence` in order, only those of `kinds` or all when it is empty, and the bounds of the
/// log at the same moment. Meaningful only if the bounds say that `sequence` can be replayed from.
pub async fn read_after(
    tx: &mut Tx,
    sequence: i64,
    kinds: &[String],
    limit: usize,
) -> Result<(Bounds, Vec<Event>), EventError> {
    let mut values = vec![sequence.into(), i64::try_from(limit).unwrap_or(i64::MAX).into()];
    let mut only = String::new();
    if !kinds.is_empty() {
        let numbers: Vec<String> = (3..kinds.len() + 3).map(|number| format!("${number}")).collect();
        only = format!("and kind in ({})", numbers.join(", "));
        values.extend(kinds.iter().map(|kind| kind.as_str().into()));
    }
    // One statement is one snapshot on either engine: pruning cannot slip in between the bounds and the events.
    let sql = format!(
        "select c.last, c.pruned_through, e.sequence, e.kind, e.subject_id, e.data, e.at from event_counter c \
         left join (select sequence, kind, subject_id, data, at from event where sequence > $1 {only} \
         order by sequence limit $2) e on true order by e.sequence"
    );
    let rows = tx.fetch_all(sql, values).await?;
    let Some(first) = rows.first() else { return Ok((Bounds { last: 0, pruned_through: 0 }, Vec::new())) };
    let bounds = Bounds { last: first.int("last")?, pruned_through: first.int("pruned_through")? };
    if first.optional_int("sequence")?.is_none() {
        return Ok((bounds, Vec::new()));
    }
    Ok((bounds, rows.iter().map(Event::from_row).collect::<Result<_, _>>()?))
}
