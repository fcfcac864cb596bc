//! Pushes what happens to jobs into other programs: one file an integration, each with typed settings and a real test.
//!
//! Nothing is read back but what it takes to push twice without changing anything. A [`Kind`] describes its settings
//! and makes a [`Ready`] integration of them, which tests and pushes over a [`Wire`]: the guarded client that connects
//! to public addresses and to those that the configuration names. No secret is in any text that leaves this crate.
//!
//! A new integration is its file, its `mod` line here and its line in [`registry`].

mod airtable;
mod caldav;
mod calendar;
mod dav;
mod digest;
mod discord;
mod email;
mod error;
mod google;
mod google_calendar;
mod google_sheets;
mod home_assistant;
mod item;
mod kind;
mod notion;
mod redact;
pub mod registry;
mod s3;
mod settings;
mod slack;
mod table;
mod webdav;
mod webhook;
mod wire;

pub use error::PushError;
pub use item::{
    Appointment, AppointmentChange, BadFileName, Delivered, Delivery, Digest, DigestSection, Document, Effect,
    FileName, Item, Job, JobName, Move,
};
pub use kind::{Adapter, Field, FieldType, Integration, Kind, KindInfo, Ready, Style, Topic};
pub use registry::{all, by_name};
pub use settings::{Problem, Settings, SettingsError};
pub use wire::{Wire, WireError, WireOptions};
