//! Where another service runs.

use serde::{Deserialize, Serialize};

use crate::check::Checks;

/// Section `llm_router`.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RemoteService {
    /// Address of the service; none runs it within this process.
    pub endpoint: Option<String>,
}

impl RemoteService {
    pub(crate) fn check(&self, section: &str, checks: &mut Checks) {
        if let Some(endpoint) = &self.endpoint {
            checks.http_address(&format!("{section}.endpoint"), endpoint);
        }
    }
}
