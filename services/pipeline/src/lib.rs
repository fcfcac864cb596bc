//! Discovery, matching, jobs and their stages, and the background tasks behind them.
//!
//! [`Pipeline::create`] takes its parts, [`Pipeline::server`] gives its gRPC services, [`Pipeline::start`] begins the
//! background work. Where things go: a job source in `crates/boards`; a task kind beside [`rescore`], registered in
//! [`Pipeline::create`]; a call in `grpc/`, which only decodes, calls a use case and encodes.

pub mod core;
mod deletion;
pub mod discovery;
mod encoding;
pub mod filter;
pub mod grpc;
mod housekeeping;
mod integrations;
mod jobs;
mod learning;
mod letters;
mod mail;
mod materials;
mod models;
mod peregrine;
mod pipeline;
mod practice;
pub mod profile;
mod profiles;
pub mod rescore;
mod research;
mod resumes;
mod scoring;
pub mod status;
mod surveys;
mod tracking;
mod wakes;
mod zones;

pub use discovery::ingest::{Ingested, ingest};
pub use pipeline::{Pipeline, PipelineDeps, PipelineError};
