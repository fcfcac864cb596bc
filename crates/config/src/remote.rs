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

/// Whether nobody on the way can read or change what is sent to an address: https, or a name of this machine.
pub(crate) fn is_protected(address: &str) -> bool {
    let host = |rest: &str| {
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let has_port = authority.rsplit_once(':').filter(|(host, _)| !host.contains(':') || host.ends_with(']'));
        has_port.map_or(authority, |(host, _)| host).to_owned()
    };
    let is_host =
        |host: &str| !host.is_empty() && !host.contains(|letter: char| letter == '@' || letter.is_whitespace());
    match (address.strip_prefix("https://"), address.strip_prefix("http://")) {
        (Some(rest), _) => is_host(&host(rest)),
        (_, Some(rest)) => ["localhost", "127.0.0.1", "[::1]"].contains(&host(rest).as_str()),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::is_protected;

    #[test]
    fn only_https_and_this_machine_are_protected() {
        for fine in [
            "https://a.example",
            "https://a.example:8443/x",
            "http://127.0.0.1:9/x",
            "http://[::1]:9",
            "http://localhost",
        ] {
            assert!(is_protected(fine), "{fine}");
        }
        let wrong = [
            "",
            "https://",
            "http://a.example",
            "http://127.0.0.1.a.example",
            "http://[::2]:9",
            "ftp://a",
            "https://u@a",
        ];
        for address in wrong {
            assert!(!is_protected(address), "{address}");
        }
    }
}
