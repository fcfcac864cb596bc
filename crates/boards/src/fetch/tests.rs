#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
//! The fetcher against a real server that fails in every way.
