//! A fair queue: interactive calls before background ones, persons in turn, and for a server that loads one model at a
//! time the calls of the loaded model first. Neither preference lets anybody starve: both pass others over a few times only.

use std::{
    collections::{HashMap, VecDeque},
    fmt,
};

use tokio::sync::oneshot;

use super::{Permit, Refusal, Ticket};
use crate::call::Priority;

/// Interactive calls in a row while a background call waits.
const INTERACTIVE_RUN: u32 = 8;
/// Calls of the loaded model in a row while one of another model would be next.
const MODEL_RUN: u32 = 8;

/// A call that waits.
pub(super) struct Waiter {
    pub(super) ticket: Ticket,
    number: u64,
    answer: oneshot::Sender<Result<Permit, Refusal>>,
}

impl Waiter {
    pub(super) fn new(ticket: Ticket, answer: oneshot::Sender<Result<Permit, Refusal>>) -> Self {
        Self { ticket, number: 0, answer }
    }

    /// Says how it ended. A permit for a caller who just left is dropped and so given back.
    pub(super) fn tell(self, answer: Result<Permit, Refusal>) {
        let unheard = self.answer.send(answer);
        drop(unheard);
    }
}

impl fmt::Debug for Waiter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Waiter").field("ticket", &self.ticket).finish_non_exhaustive()
    }
}

#[derive(Debug, Default)]
pub(super) struct Queue {
    interactive: Class,
    background: Class,
    next_number: u64,
    /// Interactive calls let in since a background call was, or had none waiting.
    interactive_run: u32,
    /// Calls let in before their turn for their model's sake.
    model_run: u32,
}

/// Persons in turn, each with their calls in order.
#[derive(Debug, Default)]
struct Class {
    turns: VecDeque<String>,
    waiting: HashMap<String, VecDeque<Waiter>>,
    count: usize,
}

/// Who is next.
#[derive(Debug, Clone, Copy)]
pub(super) struct Choice {
    priority: Priority,
    /// Whose turn, by place in the order of turns.
    turn: usize,
}

impl Queue {
    pub(super) fn len(&self) -> usize {
        self.interactive.count + self.background.count
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds a call and returns its number.
    pub(super) fn push(&mut self, mut waiter: Waiter) -> u64 {
        self.next_number += 1;
        waiter.number = self.next_number;
        self.class_mut(waiter.ticket.priority).push(waiter);
        self.next_number
    }

    /// Makes room for a call of this priority: the background call that came last gives way to an interactive one.
    pub(super) fn evict_for(&mut self, priority: Priority) -> Option<Waiter> {
        match priority {
            Priority::Interactive => self.background.take_newest(),
            Priority::Background => None,
        }
    }

    /// Removes a call that does not wait any more.
    pub(super) fn remove(&mut self, number: u64) -> Option<Waiter> {
        self.interactive.remove(number).or_else(|| self.background.remove(number))
    }

    pub(super) fn choose(&self, loaded_model: &str) -> Option<Choice> {
        let background_first = self.interactive_run >= INTERACTIVE_RUN && self.background.count > 0;
        let priority =
            if self.interactive.count > 0 && !background_first { Priority::Interactive } else { Priority::Background };
        let class = self.class(priority);
        let turn = if self.model_run < MODEL_RUN { class.turn_of_model(loaded_model).unwrap_or(0) } else { 0 };
        (class.count > 0).then_some(Choice { priority, turn })
    }

    pub(super) fn ticket(&self, choice: Choice) -> Option<&Ticket> {
        self.class(choice.priority).front(choice.turn).map(|waiter| &waiter.ticket)
    }

    pub(super) fn take(&mut self, choice: Choice) -> Option<Waiter> {
        let waiter = self.class_mut(choice.priority).take(choice.turn)?;
        self.model_run = if choice.turn > 0 { self.model_run + 1 } else { 0 };
        self.interactive_run = match choice.priority {
            Priority::Interactive if self.background.count > 0 => self.interactive_run + 1,
            _ => 0,
        };
        Some(waiter)
    }

    fn class(&self, priority: Priority) -> &Class {
        match priority {
            Priority::Interactive => &self.interactive,
            Priority::Background => &self.background,
        }
    }

    fn class_mut(&mut self, priority: Priority) -> &mut Class {
        match priority {
            Priority::Interactive => &mut self.interactive,
            Priority::Background => &mut self.background,
        }
    }
}

impl Class {
    fn push(&mut self, waiter: Waiter) {
        self.count += 1;
        if let Some(calls) = self.waiting.get_mut(&waiter.ticket.person) {
            calls.push_back(waiter);
            return;
        }
        let person = waiter.ticket.person.clone();
        self.turns.push_back(person.clone());
        self.waiting.insert(person, VecDeque::from([waiter]));
    }

    fn front(&self, turn: usize) -> Option<&Waiter> {
        self.waiting.get(self.turns.get(turn)?)?.front()
    }

    /// The first person in turn whose next call is for this model.
    fn turn_of_model(&self, model: &str) -> Option<usize> {
        (0..self.turns.len()).find(|turn| self.front(*turn).is_some_and(|waiter| waiter.ticket.model == model))
    }

    fn take(&mut self, turn: usize) -> Option<Waiter> {
        let person = self.turns.remove(turn)?;
        let calls = self.waiting.get_mut(&person)?;
        let waiter = calls.pop_front();
        if calls.is_empty() {
            self.waiting.remove(&person);
        } else {
            self.turns.push_back(person);
        }
        self.count -= usize::from(waiter.is_some());
        waiter
    }

    fn take_newest(&mut self) -> Option<Waiter> {
        let newest = self.waiting.values().filter_map(VecDeque::back).map(|waiter| waiter.number).max()?;
        self.remove(newest)
    }

    fn remove(&mut self, number: u64) -> Option<Waiter> {
        let (person, place) = self.waiting.iter().find_map(|(person, calls)| {
            let place = calls.iter().position(|waiter| waiter.number == number)?;
            Some((person.clone(), place))
        })?;
        let calls = self.waiting.get_mut(&person)?;
        let waiter = calls.remove(place);
        if calls.is_empty() {
            self.waiting.remove(&person);
            self.turns.retain(|turn| *turn != person);
        }
        self.count -= usize::from(waiter.is_some());
        waiter
    }
}
