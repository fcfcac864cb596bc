//! Every integration against a service that checks the documented form of its requests, and against real servers where
//! there are any: Radicale, WsgiDAV, a mail server.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod calendars;
mod chats;
mod email;
mod files;
mod google;
mod kinds;
mod secrets;
mod statuses;
mod tables;
mod webhook;
mod world;
