//! Research on employers.

use serde::{Deserialize, Serialize};
use url::Url;

use crate::check::Checks;

/// Section `research`.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Research {
    /// A SearXNG instance: its address, `auto` to look for one on this machine, or `off`.
    pub searxng: String,
    /// Most pages that one brief reads; 0 reads none.
    pub pages: u32,
}

/// Where a SearXNG instance may be found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SearchInstance {
    /// On its usual ports on this machine.
    Auto,
    /// Nowhere: none is asked.
    Off,
    /// At this address.
    At(Url),
}

impl Research {
    /// Where to look for SearXNG.
    pub fn search_instance(&self) -> SearchInstance {
        match self.searxng.as_str() {
            "auto" => SearchInstance::Auto,
            "off" | "" => SearchInstance::Off,
            address => Url::parse(address).map_or(SearchInstance::Off, SearchInstance::At),
        }
    }

    pub(crate) fn check(&self, checks: &mut Checks) {
        checks.range("research.pages", self.pages, 0, 50);
        let address = Url::parse(&self.searxng).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
        checks.require(
            address || matches!(self.searxng.as_str(), "auto" | "off" | ""),
            "research.searxng",
            || format!("is {:?}, which is no http(s) address", self.searxng),
            "write the address of a SearXNG instance, or auto, or off",
        );
    }
}
