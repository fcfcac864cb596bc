//! Whether a backend is on this machine or network: by the addresses that its host name leads to, never by what the
//! name looks like.

use std::{
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use aerie_config::BackendKind;
use futures::future::join_all;

use super::known::Known;

/// Longest wait for a host name. A name that cannot be resolved in this time is elsewhere.
const PATIENCE: Duration = Duration::from_secs(2);

/// What can be said without asking anybody. A host name that must be resolved is elsewhere until it is.
pub(super) fn at_once(known: &Known) -> bool {
    match host(known) {
        Host::Within => true,
        Host::Address(address) => is_near(address),
        Host::Name(name) => name == "localhost" || name.ends_with(".localhost"),
        Host::None => false,
    }
}

/// Resolves host names where the settings leave it open.
pub(super) async fn resolve(known: &mut [Known]) {
    let lookups = known.iter_mut().filter(|backend| backend.settings.local.is_none()).map(|backend| async {
        if let Host::Name(name) = host(backend) {
            let lookup = tokio::net::lookup_host((name.as_str(), 0));
            let addresses: Vec<IpAddr> = match tokio::time::timeout(PATIENCE, lookup).await {
                Ok(Ok(found)) => found.map(|socket| socket.ip()).collect(),
                _ => Vec::new(),
            };
            backend.local = !addresses.is_empty() && addresses.into_iter().all(is_near);
        }
    });
    join_all(lookups).await;
    known.sort_by_key(|backend| !backend.local);
}

enum Host {
    /// A service of this process.
    Within,
    Address(IpAddr),
    Name(String),
    None,
}

fn host(known: &Known) -> Host {
    if known.settings.kind == BackendKind::Vision && known.settings.base_url.is_none() {
        return Host::Within;
    }
    let uri = known.address().and_then(|address| address.parse::<http::Uri>().ok());
    let Some(host) = uri.as_ref().and_then(http::Uri::host) else { return Host::None };
    match host.trim_matches(['[', ']']).parse() {
        Ok(address) => Host::Address(address),
        Err(_) => Host::Name(host.to_ascii_lowercase()),
    }
}

/// Loopback, private and link-local addresses (RFC 1918, 3927, 4193, 4291).
fn is_near(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_near_v4(address),
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(mapped) => is_near_v4(mapped),
            None => address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local(),
        },
    }
}

fn is_near_v4(address: Ipv4Addr) -> bool {
    address.is_loopback() || address.is_private() || address.is_link_local() || address.is_unspecified()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn addresses_of_this_machine_and_network_are_near() {
        for (text, near) in [
            ("127.0.0.1", true),
            ("0.0.0.0", true),
            ("10.1.2.3", true),
            ("192.168.0.9", true),
            ("172.31.0.1", true),
            ("169.254.1.1", true),
            ("172.32.0.1", false),
            ("8.8.8.8", false),
            ("100.64.0.1", false),
            ("::1", true),
            ("fd00::1", true),
            ("fe80::1", true),
            ("::ffff:127.0.0.1", true),
            ("::ffff:8.8.8.8", false),
            ("2001:db8::1", false),
        ] {
            assert_eq!(is_near(text.parse().unwrap()), near, "{text}");
        }
    }
}
