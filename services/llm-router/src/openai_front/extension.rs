//! What OpenAI's form has no word for: the `aerie` object of a request.

use std::time::Duration;

use serde::Deserialize;
use tokio::time::Instant;

use super::error::Problem;
use crate::{
    call::{Call, Priority},
    directory::Directory,
};

/// `"aerie": {…}` in a request (`extra_body` in OpenAI's Python library).
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Extension {
    /// Kind of work.
    chain: Option<String>,
    /// Backends to ask instead of the chain, in order.
    backends: Vec<String>,
    /// `interactive` or `background`.
    priority: Option<String>,
    /// Only backends on this machine or network.
    local_only: bool,
    /// Backends elsewhere that the person agreed to.
    acknowledged: Option<Vec<String>>,
    /// Whether the answer may come from, and go to, the cache.
    cache: bool,
    /// When the caller gives up, in milliseconds from now.
    timeout_ms: Option<u64>,
}

impl Extension {
    /// Writes it into a call.
    pub(super) fn apply(self, call: &mut Call, directory: &Directory) -> Result<(), Problem> {
        if let Some(chain) = self.chain {
            call.chain = chain;
        }
        if !self.backends.is_empty() {
            if let Some(unknown) = self.backends.iter().find(|name| !directory.knows_backend(name)) {
                let message = format!("names the backend \"{unknown}\", which does not exist; see /v1/models");
                return Err(Problem::new("aerie.backends", message));
            }
            call.backends = self.backends;
        }
        call.priority = match self.priority.as_deref() {
            None | Some("interactive") => Priority::Interactive,
            Some("background") => Priority::Background,
            Some(_) => return Err(Problem::new("aerie.priority", "is neither interactive nor background")),
        };
        call.consent.local_only |= self.local_only;
        call.consent.acknowledged = self.acknowledged;
        call.cache = self.cache;
        if let Some(limit) = self.timeout_ms {
            let end = Instant::now().checked_add(Duration::from_millis(limit));
            call.deadline = [call.deadline, end].into_iter().flatten().min();
        }
        Ok(())
    }
}
