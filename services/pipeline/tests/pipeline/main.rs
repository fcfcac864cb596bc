//! The pipeline as its callers see it: a run over sample boards, what a person does with its jobs, and what happens when
//! boards misbehave. Everything is called through the generated clients; the clock stands still unless a test moves it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod deletion;
mod duplicates;
mod extraction;
mod failures;
mod filters;
mod hired;
mod integrations;
mod jobs;
mod letters;
mod mail;
mod matching;
mod moving;
mod replicas;
mod research;
mod resumes;
mod router;
mod runs;
mod schedules;
mod scripted;
mod surveys;
mod tracking;
mod world;
