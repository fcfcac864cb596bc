//! A bounded queue in which callers take turns.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// Things that wait, in a line for each caller; the lines take turns.
pub(crate) struct FairQueue<T> {
    lines: HashMap<Arc<str>, VecDeque<T>>,
    /// Callers with a line, the next one in front.
    turns: VecDeque<Arc<str>>,
    length: usize,
}

impl<T> Default for FairQueue<T> {
    fn default() -> Self {
        Self { lines: HashMap::new(), turns: VecDeque::new(), length: 0 }
    }
}

impl<T> FairQueue<T> {
    pub(crate) fn len(&self) -> usize {
        self.length
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// How many of `caller` wait.
    pub(crate) fn len_of(&self, caller: &str) -> usize {
        self.lines.get(caller).map_or(0, VecDeque::len)
    }

    /// How many would be taken before a next one of `caller`.
    pub(crate) fn ahead_of(&self, caller: &str) -> usize {
        let own = self.len_of(caller);
        let others = self.lines.iter().filter(|(other, _)| other.as_ref() != caller);
        own + others.map(|(_, line)| line.len().min(own + 1)).sum::<usize>()
    }

    pub(crate) fn push(&mut self, caller: &Arc<str>, item: T) {
        let line = self.lines.entry(Arc::clone(caller)).or_default();
        if line.is_empty() {
            self.turns.push_back(Arc::clone(caller));
        }
        line.push_back(item);
        self.length += 1;
    }

    /// Puts something back that was taken last: it is the next again.
    pub(crate) fn push_back_to_front(&mut self, caller: &Arc<str>, item: T) {
        let line = self.lines.entry(Arc::clone(caller)).or_default();
        line.push_front(item);
        self.turns.retain(|other| other != caller);
        self.turns.push_front(Arc::clone(caller));
        self.length += 1;
    }

    /// Takes the first one of the caller whose turn it is.
    pub(crate) fn pop(&mut self) -> Option<T> {
        let caller = self.turns.pop_front()?;
        let line = self.lines.get_mut(&caller)?;
        let item = line.pop_front();
        if line.is_empty() {
            self.lines.remove(&caller);
        } else {
            self.turns.push_back(caller);
        }
        self.length -= usize::from(item.is_some());
        item
    }

    /// Takes out all for which `leaves` holds.
    pub(crate) fn extract(&mut self, mut leaves: impl FnMut(&T) -> bool) -> Vec<T> {
        let mut out = Vec::new();
        for line in self.lines.values_mut() {
            for _ in 0..line.len() {
                match line.pop_front() {
                    Some(item) if leaves(&item) => out.push(item),
                    Some(item) => line.push_back(item),
                    None => {}
                }
            }
        }
        self.lines.retain(|_, line| !line.is_empty());
        self.turns.retain(|caller| self.lines.contains_key(caller));
        self.length -= out.len();
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(items: &[(&str, u32)]) -> FairQueue<u32> {
        let mut queue = FairQueue::default();
        items.iter().for_each(|(caller, item)| queue.push(&Arc::from(*caller), *item));
        queue
    }

    fn drain(queue: &mut FairQueue<u32>) -> Vec<u32> {
        std::iter::from_fn(|| queue.pop()).collect()
    }

    #[test]
    fn callers_take_turns_however_much_one_asks() {
        let mut queue = queue(&[("a", 1), ("a", 2), ("a", 3), ("a", 4), ("b", 10), ("c", 20), ("c", 21)]);
        assert_eq!((queue.len(), queue.len_of("a"), queue.len_of("x")), (7, 4, 0));
        assert_eq!(drain(&mut queue), [1, 10, 20, 2, 21, 3, 4]);
        assert!(queue.is_empty() && queue.turns.is_empty() && queue.lines.is_empty());
    }

    #[test]
    fn the_places_before_a_new_one_are_those_that_are_taken_before_it() {
        for caller in ["a", "b", "c", "new"] {
            let mut queue = queue(&[("a", 1), ("a", 2), ("a", 3), ("a", 4), ("b", 10), ("c", 20), ("c", 21)]);
            let ahead = queue.ahead_of(caller);
            queue.push(&Arc::from(caller), 99);
            let order = drain(&mut queue);
            let place = order.iter().position(|item| *item == 99).unwrap_or(usize::MAX);
            assert!(place <= ahead, "{caller}: taken at {place}, expected at {ahead} at the latest");
            assert!(ahead - place <= 2, "{caller}: {ahead} is much more than {place}");
        }
    }

    #[test]
    fn what_was_put_back_is_next() {
        let mut queue = queue(&[("a", 1), ("b", 10), ("b", 11)]);
        assert_eq!((queue.pop(), queue.pop()), (Some(1), Some(10)));
        queue.push_back_to_front(&Arc::from("b"), 10);
        assert_eq!(queue.len(), 2);
        assert_eq!(drain(&mut queue), [10, 11]);
    }

    #[test]
    fn what_leaves_gives_its_turn_up() {
        let mut queue = queue(&[("a", 1), ("b", 10), ("b", 11), ("c", 20)]);
        let mut out = queue.extract(|item| *item == 1 || *item == 10);
        out.sort_unstable();
        assert_eq!(out, [1, 10]);
        assert_eq!(queue.len(), 2);
        assert_eq!(drain(&mut queue), [11, 20]);
    }
}
