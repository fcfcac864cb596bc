//! What durable tasks promise, on both engines.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

mod between_processes;
mod cancel;
mod fan_out;
mod leases;
mod lifecycle;
mod limits;
mod look;
mod schedules;
mod submit;
mod tenancy;
