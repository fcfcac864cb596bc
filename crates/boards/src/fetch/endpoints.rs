//! Stand-in hosts: a local board server can take the place of every real host.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use url::Url;

/// Which host is really asked. Keys are hosts, `*.example.com` or `*`; values are base addresses such as
/// `http://127.0.0.1:8701/{host}`, where `{host}` becomes the real host. Exact keys win over patterns, longer patterns
/// over shorter ones.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Endpoints(BTreeMap<String, String>);

impl Endpoints {
    /// No stand-ins.
    pub fn none() -> Self {
        Self::default()
    }

    /// One base address for every host; it should hold `{host}` so that the server can tell them apart.
    pub fn all_at(base: &str) -> Self {
        Self::default().with("*", base)
    }

    /// Adds a stand-in.
    #[must_use]
    pub fn with(mut self, host: &str, base: &str) -> Self {
        self.0.insert(host.to_ascii_lowercase(), base.to_owned());
        self
    }

    /// The base addresses with a sample host put in, to tell which addresses the configuration names.
    pub fn bases(&self) -> impl Iterator<Item = Url> {
        self.0.values().filter_map(|base| Url::parse(&base.replace("{host}", "host")).ok())
    }

    /// The address that is really asked for `url`.
    pub fn to_wire(&self, url: &Url) -> Url {
        let Some(base) = url.host_str().and_then(|host| self.base(host)) else { return url.clone() };
        let mut wire = base.clone();
        wire.set_path(&format!("{}{}", base.path().trim_end_matches('/'), url.path()));
        wire.set_query(url.query());
        wire.set_fragment(None);
        wire
    }

    /// The address at the real host that stands behind an address of its stand-in; others are returned as they are.
    pub fn from_wire(&self, host: &str, wire: &Url) -> Url {
        let Some(base) = self.base(host) else { return wire.clone() };
        let prefix = base.path().trim_end_matches('/');
        let (true, Some(path)) = (base.origin() == wire.origin(), wire.path().strip_prefix(prefix)) else {
            return wire.clone();
        };
        let Ok(mut real) = Url::parse(&format!("https://{host}")) else { return wire.clone() };
        real.set_path(path);
        real.set_query(wire.query());
        real
    }

    fn base(&self, host: &str) -> Option<Url> {
        let host = host.to_ascii_lowercase();
        let pattern = |key: &str| {
            key == "*" || key.strip_prefix('*').is_some_and(|suffix| suffix.starts_with('.') && host.ends_with(suffix))
        };
        let base = self.0.get(&host).or_else(|| {
            let matching = self.0.iter().filter(|(key, _)| pattern(key));
            matching.max_by_key(|(key, _)| key.len()).map(|(_, base)| base)
        })?;
        Url::parse(&base.replace("{host}", &host)).ok()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn rewrites_there_and_back() {
        let endpoints =
            Endpoints::all_at("http://127.0.0.1:8701/{host}").with("*.lever.example", "http://127.0.0.1:9/l");
        let real = Url::parse("https://api.boards.example/v1/jobs?content=true").unwrap();
        let wire = endpoints.to_wire(&real);
        assert_eq!(wire.as_str(), "http://127.0.0.1:8701/api.boards.example/v1/jobs?content=true");
        assert_eq!(endpoints.from_wire("api.boards.example", &wire), real);
        let other = Url::parse("https://eu.lever.example/x").unwrap();
        assert_eq!(endpoints.to_wire(&other).as_str(), "http://127.0.0.1:9/l/x");
        assert_eq!(Endpoints::none().to_wire(&real), real);
    }
}
