//! Finding postings: from a search profile to the review queue.
//!
//! A run is a task ([`run`]) that spawns one child for each source or board ([`source`]). A child fetches, normalises,
//! puts postings into the catalogue ([`ingest`]) and those that pass the filters, scored, into the person's queue
//! ([`queueing`]).

pub mod adding;
pub mod cache;
pub(crate) mod extraction;
pub mod health;
pub mod importing;
pub mod ingest;
pub mod picture;
pub mod plan;
pub mod queueing;
pub mod run;
pub mod sink;
pub mod source;
pub(crate) mod turn;
