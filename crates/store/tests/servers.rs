//! What a PostgreSQL installation promises beyond what both engines do.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "servers/copying.rs"]
mod copying;
#[path = "contract/fixture.rs"]
#[allow(dead_code)]
mod fixture;
#[path = "servers/pooler.rs"]
mod pooler;
#[path = "servers/roles.rs"]
mod roles;
#[path = "servers/schema.rs"]
mod schema;
#[path = "servers/sealing.rs"]
mod sealing;
