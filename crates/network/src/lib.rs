//! Which addresses may be connected to when others say where to: public ones, and those that the configuration names.
//!
//! Job boards lead to pages, and questions to pictures; neither may lead into the network that the program runs in.
//! The check of an address's text says no early and clearly; the one that counts is [`AddressGuard::permits`], made on
//! the very address that a connection is opened to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

/// Hosts that the configuration allows although they are private or without TLS.
#[derive(Debug, Clone, Default)]
pub struct AddressGuard {
    allowed: Vec<AllowedHost>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct AllowedHost {
    host: String,
    port: Option<u16>,
}

/// An address was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct AddressRefused {
    /// Why, in words for the person.
    pub reason: String,
}

impl AddressRefused {
    /// A refusal with its reason.
    pub fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into() }
    }
}

impl AddressGuard {
    /// A guard with exceptions: `127.0.0.1:8701`, `[::1]:8701`, `intranet.example` (any port) or
    /// `intranet.example:8080`.
    pub fn new<'a>(allowed: impl IntoIterator<Item = &'a str>) -> Self {
        Self { allowed: allowed.into_iter().map(AllowedHost::parse).collect() }
    }

    /// Also allows the host and port of a base address that the configuration names.
    pub fn allow_base(&mut self, base: &Url) {
        if let Some(host) = base.host_str() {
            self.allowed.push(AllowedHost { host: plain(host), port: base.port_or_known_default() });
        }
    }

    /// Checks an address before it is used: https with a name or a public literal, unless the configuration names it.
    ///
    /// # Errors
    /// [`AddressRefused`] with the reason.
    pub fn check_url(&self, url: &Url) -> Result<(), AddressRefused> {
        let Some(host) = url.host() else { return Err(AddressRefused::new("it has no host")) };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(AddressRefused::new("it carries a user name or password"));
        }
        let name = plain(&host.to_string());
        let port = url.port_or_known_default();
        if self.allowed.iter().any(|allowed| allowed.host == name && (allowed.port.is_none() || allowed.port == port)) {
            return match url.scheme() {
                "http" | "https" => Ok(()),
                other => Err(AddressRefused::new(format!("scheme {other} is not http or https"))),
            };
        }
        if url.scheme() != "https" {
            return Err(AddressRefused::new(format!("scheme {} is not https", url.scheme())));
        }
        let literal = match host {
            Host::Ipv4(address) => Some(IpAddr::V4(address)),
            Host::Ipv6(address) => Some(IpAddr::V6(address)),
            Host::Domain(_) => None,
        };
        if let Some(address) = literal {
            return Err(AddressRefused::new(match is_public(address) {
                true => "it names a host by number",
                false => "it leads into a private network",
            }));
        }
        if self.names(&name) {
            return Err(AddressRefused::new("its host is allowed on another port only"));
        }
        if name == "localhost"
            || name.ends_with(".localhost")
            || name.ends_with(".local")
            || name.ends_with(".internal")
        {
            return Err(AddressRefused::new("it leads into a private network"));
        }
        Ok(())
    }

    /// Whether connections to this very address are fine for this host name.
    #[must_use]
    pub fn permits(&self, host: &str, address: IpAddr) -> bool {
        is_public(address) || self.names(&plain(host))
    }

    fn names(&self, host: &str) -> bool {
        self.allowed.iter().any(|allowed| allowed.host == host)
    }
}

impl AllowedHost {
    fn parse(text: &str) -> Self {
        let text = text.trim();
        if let Some((host, port)) = text.rsplit_once(':')
            && let Ok(port) = port.parse()
            && (!host.contains(':') || host.ends_with(']'))
        {
            return Self { host: plain(host), port: Some(port) };
        }
        Self { host: plain(text), port: None }
    }
}

fn plain(host: &str) -> String {
    host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.').to_ascii_lowercase()
}

/// Whether an address belongs to the public internet (IANA special-purpose registries). Addresses that embed an IPv4
/// one (mapped, 6to4, Teredo) are not public; of NAT64's well-known prefix the embedded address decides.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = a == 0
        || a >= 224
        || address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (b == 18 || b == 19));
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, c, d, e, f, g, h] = address.segments();
    if (a, b, c, d, e, f) == (0x64, 0xff9b, 0, 0, 0, 0) {
        let [g, g2] = g.to_be_bytes();
        let [h, h2] = h.to_be_bytes();
        return is_public_v4(Ipv4Addr::new(g, g2, h, h2));
    }
    let global_unicast = a & 0xe000 == 0x2000;
    let special =
        a == 0x2002 || (a == 0x2001 && b < 0x200) || (a == 0x2001 && b == 0xdb8) || (a == 0x3fff && b < 0x1000);
    global_unicast && !special
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_public_addresses_are_public() {
        for private in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "127.8.8.8",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.9",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fe80::1",
            "fc00::1",
            "fd12::1",
            "ff02::1",
            "::ffff:10.0.0.1",
            "::ffff:8.8.8.8",
            "2002:7f00:1::",
            "2002:808:808::",
            "2001::1",
            "2001:db8::1",
            "64:ff9b::127.0.0.1",
            "64:ff9b::10.0.0.1",
            "64:ff9b:1::1",
            "3fff::1",
            "100::1",
            "::127.0.0.1",
        ] {
            assert!(!is_public(private.parse().unwrap()), "{private}");
        }
        for public in ["8.8.8.8", "1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00:1450::1"] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
        assert!(is_public("64:ff9b::8.8.8.8".parse().unwrap()));
    }

    #[test]
    fn addresses_need_https_and_a_public_name_unless_named() {
        let guard = AddressGuard::new(["127.0.0.1:8701", "intranet.example:8080", "[::1]:9"]);
        let check = |text: &str| guard.check_url(&Url::parse(text).unwrap());
        for fine in
            ["https://boards.example/x", "http://127.0.0.1:8701/x", "http://intranet.example:8080/", "http://[::1]:9/"]
        {
            assert!(check(fine).is_ok(), "{fine}");
        }
        for refused in [
            "http://boards.example/",
            "https://127.0.0.1/",
            "http://127.0.0.1:8702/",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://[::ffff:127.0.0.1]/",
            "https://localhost/",
            "https://x.localhost/",
            "https://intranet.example:9090/",
            "https://user:secret@boards.example/",
            "ftp://boards.example/",
            "file:///etc/passwd",
            "https://metadata.google.internal/",
            "https://8.8.8.8/",
        ] {
            assert!(check(refused).is_err(), "{refused}");
        }
    }
}
