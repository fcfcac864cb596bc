//! Attention without a matrix of all scores.
//!
//! For many queries, 64 of them at a time stand beside each other in the registers: the scores of a position are then
//! a row, softmax runs down the rows in all 64 at once, and both products are the tiles that linear layers use. The
//! few queries of a decoding step go through keys and values as they lie in the cache. Where those are bf16, so are queries
//! and weights on their way into a product.

mod one;
#[cfg(target_arch = "x86_64")]
mod one_avx512;
mod panel;

use std::cell::RefCell;

use half::bf16;

use super::Level;
use super::pack::PANEL;
use super::pool::{Shares, parallel};
use one::attend_one;
use panel::{Work, widen};

/// Queries of a head, up to which keys and values are not worth a copy.
const FEW: usize = 32;

/// Keys or values `(heads, capacity, head)`.
#[derive(Clone, Copy)]
pub(crate) enum KeyValue<'a> {
    F32(&'a [f32]),
    Bf16(&'a [bf16]),
}

/// Some positions of a sequence.
#[derive(Clone, Copy)]
pub(crate) struct Segment<'a> {
    pub(crate) keys: KeyValue<'a>,
    pub(crate) values: KeyValue<'a>,
    /// Positions that there is room for.
    pub(crate) capacity: usize,
    /// Positions that there are.
    pub(crate) count: usize,
}

/// The attention of one sequence's rows, which are its last positions.
pub(crate) struct Attention<'a> {
    /// The first numbers of every `stride` are the queries `(heads, head)` of a row.
    pub(crate) queries: &'a [f32],
    pub(crate) stride: usize,
    pub(crate) rows: usize,
    pub(crate) heads: usize,
    pub(crate) kv_heads: usize,
    pub(crate) head: usize,
    pub(crate) segments: Vec<Segment<'a>>,
    /// Whether a row sees the positions behind its own.
    pub(crate) bidirectional: bool,
}

thread_local! {
    static WORK: RefCell<Work> = RefCell::default();
}

impl Attention<'_> {
    fn positions(&self) -> usize {
        self.segments.iter().map(|segment| segment.count).sum()
    }

    /// Query heads that share keys and values.
    fn shared(&self) -> usize {
        self.heads / self.kv_heads.max(1)
    }

    /// How many positions `row` sees.
    fn visible(&self, row: usize) -> usize {
        let positions = self.positions();
        if self.bidirectional { positions } else { positions - self.rows + row + 1 }
    }

    fn query(&self, row: usize, head: usize) -> &[f32] {
        let start = row * self.stride + head * self.head;
        &self.queries[start..start + self.head]
    }
}

/// Attention of several sequences, to `out (rows, heads * head)`: the rows of the first, then those of the second, …
#[allow(unsafe_code)]
pub(crate) fn attend(level: Level, sequences: &[Attention<'_>], out: &mut [f32]) {
    let mut first = 0;
    let mut few = Vec::new();
    let mut many = Vec::new();
    for sequence in sequences {
        let is_few = sequence.rows * sequence.shared() <= FEW;
        if is_few {
            few.push((sequence, first))
        } else {
            many.push((sequence, first))
        }
        first += sequence.rows;
    }
    let Some(heads) = sequences.first().map(|sequence| sequence.kv_heads) else { return };
    let width = out.len() / first.max(1);
    let out = Shares::new(out);
    let write = |sequence: &Attention<'_>, first: usize, row: usize, head: usize| {
        // SAFETY: every row of a head is written by one task only, and one at a time.
        unsafe { out.part((first + row) * width + head * sequence.head, sequence.head) }
    };
    let few_tasks = if few.is_empty() { 0 } else { heads };
    // A head of all sequences is one task: those on the same picture share most of its keys and values.
    parallel(few_tasks + many.len() * heads, &|task| {
        WORK.with_borrow_mut(|work| {
            if task < few_tasks {
                for (sequence, first) in &few {
                    attend_few(level, sequence, task, work, &|row, head| write(sequence, *first, row, head));
                }
            } else if let Some((sequence, first)) = many.get((task - few_tasks) / heads) {
                let kv_head = (task - few_tasks) % heads;
                attend_many(level, sequence, kv_head, work, &|row, head| write(sequence, *first, row, head));
            }
        });
    });
}

/// Attention of every crop's rows of `qkv (crops * patches, 3 * heads * head)` over that crop, to
/// `out (crops * patches, heads * head)`; in products of bf16 where that is enough.
#[allow(unsafe_code)]
pub(crate) fn attend_crops(
    level: Level,
    qkv: &[f32],
    (crops, patches): (usize, usize),
    (heads, head): (usize, usize),
    is_narrow: bool,
    out: &mut [f32],
) {
    let width = heads * head;
    if qkv.len() != crops * patches * 3 * width || out.len() != crops * patches * width {
        debug_assert!(false, "slices of another length");
        return;
    }
    let out = Shares::new(out);
    parallel(crops * heads, &|task| {
        let (crop, index) = (task / heads, task % heads);
        let rows = || qkv.chunks_exact(3 * width).skip(crop * patches).take(patches);
        let part = |row: &'_ [f32], kind: usize| -> std::ops::Range<usize> {
            let start = kind * width + index * head;
            debug_assert!(start + head <= row.len());
            start..start + head
        };
        WORK.with_borrow_mut(|work| {
            work.keys.clear();
            work.values.resize(work.values.len().max(patches * head), 0.0);
            for (position, row) in rows().enumerate() {
                work.keys.extend_from_slice(&row[part(row, 1)]);
                for (dimension, value) in row[part(row, 2)].iter().enumerate() {
                    work.values[dimension * patches + position] = *value;
                }
            }
            work.prepare(level, is_narrow, patches, head);
            for start in (0..patches).step_by(PANEL) {
                let count = PANEL.min(patches - start);
                let visible = [patches; PANEL];
                work.panel(
                    level,
                    (patches, head, count),
                    |query| {
                        let row = &qkv[(crop * patches + start + query) * 3 * width..];
                        &row[index * head..(index + 1) * head]
                    },
                    &visible,
                    |query| {
                        let at = (crop * patches + start + query) * width + index * head;
                        // SAFETY: every head of every row is written by one task only, and one at a time.
                        unsafe { out.part(at, head) }
                    },
                );
            }
        });
    });
}

/// Many rows of the query heads that share `kv_head`.
fn attend_many<'o>(
    level: Level,
    sequence: &Attention<'_>,
    kv_head: usize,
    work: &mut Work,
    out: &dyn Fn(usize, usize) -> &'o mut [f32],
) {
    let (head, positions, shared) = (sequence.head, sequence.positions(), sequence.shared());
    work.keys.resize(work.keys.len().max(positions * head), 0.0);
    work.values.resize(work.values.len().max(positions * head), 0.0);
    let mut done = 0;
    for segment in &sequence.segments {
        let keys = &mut work.keys[done * head..(done + segment.count) * head];
        let start = kv_head * segment.capacity * head;
        let numbers = start..start + segment.count * head;
        match segment.keys {
            KeyValue::F32(all) => keys.copy_from_slice(&all[numbers.clone()]),
            KeyValue::Bf16(all) => widen(level, &all[numbers.clone()], keys),
        }
        let mut place = |index: usize, value: f32| {
            work.values[index % head * positions + done + index / head] = value;
        };
        match segment.values {
            KeyValue::F32(all) => all[numbers].iter().enumerate().for_each(|(index, value)| place(index, *value)),
            KeyValue::Bf16(all) => {
                all[numbers].iter().enumerate().for_each(|(index, value)| place(index, value.to_f32()));
            }
        }
        done += segment.count;
    }
    let is_narrow = sequence.segments.iter().all(|segment| matches!(segment.keys, KeyValue::Bf16(_)));
    work.prepare(level, is_narrow, positions, head);
    let queries = sequence.rows * shared;
    for start in (0..queries).step_by(PANEL) {
        let count = PANEL.min(queries - start);
        let of = |query: usize| ((start + query) / shared, kv_head * shared + (start + query) % shared);
        let mut visible = [positions; PANEL];
        for (query, visible) in visible.iter_mut().enumerate().take(count) {
            *visible = sequence.visible(of(query).0);
        }
        work.panel(
            level,
            (positions, head, count),
            |query| sequence.query(of(query).0, of(query).1),
            &visible,
            |query| out(of(query).0, of(query).1),
        );
    }
}

/// Few rows of the query heads that share `kv_head`.
fn attend_few<'o>(
    level: Level,
    sequence: &Attention<'_>,
    kv_head: usize,
    work: &mut Work,
    out: &dyn Fn(usize, usize) -> &'o mut [f32],
) {
    for row in 0..sequence.rows {
        for head in kv_head * sequence.shared()..(kv_head + 1) * sequence.shared() {
            attend_one(level, sequence, kv_head, row, sequence.query(row, head), &mut work.scores, out(row, head));
        }
    }
}

#[cfg(test)]
mod tests;
