//! Servers on port 0 for tests and the demo: sample boards, temporary databases, a real PostgreSQL.

pub mod boards;
pub mod postgres;
pub mod sample;
