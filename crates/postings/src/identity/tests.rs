#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use super::*;
#[test]
fn placeholder() {
    assert!(canonical_url("x").is_none());
}
