//! The gateway over real sockets, in front of small services that do what they are told.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod api_keys;
mod deletion;
mod events;
mod fake;
mod grpc;
mod guard;
mod json;
mod limits;
mod openai;
mod page;
mod people;
mod restore;
mod sessions;
mod system;
mod tokens;
mod world;
