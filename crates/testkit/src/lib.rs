//! Servers on port 0 for tests and the demo: sample boards, temporary databases, real PostgreSQL, NATS, mail and
//! calendar servers, a web service that a test writes itself, a model provider, an issuer of tokens, a disk to fill.

pub mod boards;
pub mod dovecot;
pub mod issuer;
pub mod llm;
pub mod nats;
pub mod pgbouncer;
pub mod postgres;
pub mod python_server;
pub mod sample;
pub mod service;
pub mod small_disk;
