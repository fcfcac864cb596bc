//! What one caller may ask for.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::check::Checks;

/// Section `limits`.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Largest request or answer message, in bytes.
    pub message_bytes: usize,
    /// Largest page of a listing.
    pub page_size_max: u32,
    /// Page size when none is asked for.
    pub page_size_default: u32,
    /// Most entries in one list of a request.
    pub list_length: usize,
    /// Longest text in a request, in characters.
    pub string_length: usize,
    /// Calls per second for each person; twice as many may come in one burst.
    pub requests_per_second: u32,
    /// Calls in progress at once, streams included.
    pub concurrency: usize,
    /// The same for each person.
    pub person_concurrency: usize,
    /// Longest time a call may take in seconds, streams excepted.
    pub deadline_seconds: u64,
    /// Largest request header block, in bytes.
    pub header_bytes: usize,
    /// Longest request address, in bytes.
    pub uri_bytes: usize,
}

impl Limits {
    /// Longest time a call may take, streams excepted.
    #[must_use]
    pub fn deadline(&self) -> Duration {
        Duration::from_secs(self.deadline_seconds)
    }

    pub(crate) fn check(&self, checks: &mut Checks) {
        checks.range("limits.message_bytes", self.message_bytes, 1024, 1 << 30);
        checks.range("limits.page_size_max", self.page_size_max, 1, 100_000);
        checks.range("limits.page_size_default", self.page_size_default, 1, self.page_size_max);
        checks.range("limits.list_length", self.list_length, 1, 1_000_000);
        checks.range("limits.string_length", self.string_length, 1, 100_000_000);
        checks.range("limits.requests_per_second", self.requests_per_second, 1, 1_000_000);
        checks.range("limits.concurrency", self.concurrency, 1, 100_000);
        checks.range("limits.person_concurrency", self.person_concurrency, 1, 100_000);
        checks.range("limits.deadline_seconds", self.deadline_seconds, 1, 86_400);
        checks.range("limits.header_bytes", self.header_bytes, 8192, 1 << 20);
        checks.range("limits.uri_bytes", self.uri_bytes, 256, 65_534);
    }
}
