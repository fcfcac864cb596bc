//! By what the same posting is recognised: canonical address and hiring-system keys.

use url::Url;

use crate::Posting;

mod canonical;
mod fingerprint;
mod hiring_systems;
mod near;

pub use fingerprint::{hamming, text_fingerprint};
pub use near::{near_key, title_key};

/// Longest address that is read, in bytes.
pub const MAX_URL_BYTES: usize = 4096;

/// The address without tracking parameters, fragment, host case and cosmetic path parts.
/// `None` when it is not an absolute http(s) URL.
///
/// The result is an address that still opens the posting: the scheme, `www.` and the path's case stay, since servers
/// may depend on them. Compare with [`posting_key`], not with this.
pub fn canonical_url(url: &str) -> Option<String> {
    let parsed = parse(url)?;
    Some(canonical::canonical(parsed))
}

/// The key of the posting behind an address, for example `greenhouse:5132302`, or for a host that is not a known
/// hiring system its host and path in lower case with the remaining query. `None` when there is no usable address: no
/// key is not a key.
///
/// A wrong difference shows as a duplicate that can be merged later; a wrong equality loses a posting. Where a rule
/// is in doubt it keeps two addresses apart.
pub fn posting_key(url: &str) -> Option<String> {
    let parsed = parse(url)?;
    Some(hiring_systems::key(&parsed).unwrap_or_else(|| canonical::comparison(&parsed)))
}

/// Every key of a posting: of its page, of the page to apply at, and the source's own id, without repetition. Two
/// postings with a key in common are the same posting.
pub fn posting_keys(posting: &Posting) -> Vec<String> {
    let own_id = posting
        .source_id
        .as_deref()
        .filter(|id| !id.trim().is_empty())
        .map(|id| format!("{}:{}", posting.source, id.trim().to_lowercase()));
    let mut keys = Vec::with_capacity(3);
    let addresses = [Some(posting.url.as_str()), posting.apply_url.as_deref()];
    for key in addresses.into_iter().flatten().filter_map(posting_key).chain(own_id) {
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    keys
}

/// An absolute http(s) address with a host.
fn parse(url: &str) -> Option<Url> {
    let trimmed = url.trim();
    if trimmed.len() > MAX_URL_BYTES {
        return None;
    }
    let parsed = Url::parse(trimmed).ok()?;
    let usable =
        matches!(parsed.scheme(), "http" | "https") && parsed.host_str().is_some_and(|host| host.contains('.'));
    usable.then_some(parsed)
}

#[cfg(test)]
mod tests;
