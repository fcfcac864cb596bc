//! Servers on port 0 for tests and the demo: sample boards, temporary databases, a real PostgreSQL, a real mail server, a
//! model provider.

pub mod boards;
pub mod dovecot;
pub mod llm;
pub mod postgres;
pub mod sample;
