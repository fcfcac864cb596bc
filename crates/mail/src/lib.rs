//! Reads mail about applications: parses it, says what it is about, links it to jobs, and syncs a mailbox read-only.
//!
//! [`message`] turns bytes of unknown quality into a [`Mail`]. [`classify`] says what a mail is about, by rules that are
//! data, with the sentence that says so. [`alerts`] reads postings out of job alerts, and [`linking`] finds the job that a
//! mail belongs to. All of these are pure and bounded. [`imap`] is the only part with input and output: it reads a
//! mailbox, never changes it, and never downloads a message twice.

pub mod alerts;
pub mod classify;
pub mod imap;
pub mod linking;
pub mod message;
mod patterns;
mod sentences;

pub use classify::{Classification, Label, classify};
pub use message::Mail;
