//! By what the same posting is recognised: canonical address and hiring-system keys.

/// The address without tracking parameters, fragment, host case and cosmetic path parts.
/// `None` when it is not an absolute http(s) URL.
pub fn canonical_url(url: &str) -> Option<String> {
    let _ = url;
    None
}

/// The key of the posting behind an address, for example `greenhouse:5132302`, or the canonical address itself for a
/// host that is not a known hiring system. `None` when there is no usable address: no key is not a key.
pub fn posting_key(url: &str) -> Option<String> {
    let _ = url;
    None
}
