//! Reading mail.

use serde::{Deserialize, Serialize};

use crate::check::Checks;

/// Section `mail`.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Mail {
    /// Minutes between two syncs of an account.
    pub sync_minutes: u32,
    /// Whether a running Aerie is told of new mail by the server (IMAP IDLE).
    pub idle: bool,
    /// Hosts that accounts may name; empty allows every one.
    pub hosts: Vec<String>,
}

impl Mail {
    pub(crate) fn check(&self, checks: &mut Checks) {
        checks.range("mail.sync_minutes", self.sync_minutes, 5, 60);
    }

    /// Whether an account may name this host.
    #[must_use]
    pub fn allows(&self, host: &str) -> bool {
        self.hosts.is_empty() || self.hosts.iter().any(|allowed| allowed.eq_ignore_ascii_case(host))
    }
}
