//! Cross-service tests: the whole flow through real sockets, and the rules of the tree.
//!
//! Here is what the tests share: the program under test, tools that drive it, and a small HTTP client that is nobody's
//! library, so that a mistake in one cannot hide the same mistake in the server.

pub mod cluster;
pub mod collector;
pub mod http;
pub mod moments;
pub mod program;
pub mod python;
pub mod server;
pub mod tools;
