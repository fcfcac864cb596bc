//! What the engine promises, each promise against scripted backends and a clock that the tests move.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, missing_docs)]

mod account;
mod chaos;
mod choice;
mod commit;
mod faults;
mod filter;
mod limits;
mod observed;
mod rests;
mod schema;
mod script;
mod times;
