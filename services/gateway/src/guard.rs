//! Keeps other web pages out.
//!
//! A page on the internet may make a browser send requests to 127.0.0.1, and with DNS rebinding it may even read the
//! answers under its own host name. So every request must name this server as its host, and a browser's request must
//! come from this server's own page. Programs send no `Origin` and pass. Where people open the server under public
//! addresses, these count besides the names of this machine.

use std::collections::BTreeSet;

use aerie_config::Accounts;
use http::{HeaderMap, Method, Request, header};

use crate::web::is_page;

const NAMES: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];
const DEFAULT_HTTP_PORT: u16 = 80;
const DEFAULT_HTTPS_PORT: u16 = 443;

/// The names under which this server may be asked.
#[derive(Debug, Clone)]
pub(crate) struct Guard {
    /// `Host` headers.
    hosts: BTreeSet<String>,
    /// `Origin` headers.
    origins: BTreeSet<String>,
    /// What to open instead.
    remedy: String,
}

/// Names that a server has besides those of its machine.
#[derive(Debug, Clone, Default)]
pub struct PublicNames {
    /// Addresses under which people open it: `https://aerie.example`.
    pub addresses: Vec<String>,
    /// Hosts that programs may ask for: `gateway:8700`.
    pub hosts: Vec<String>,
}

impl PublicNames {
    /// Those that the settings name.
    #[must_use]
    pub fn of(settings: &Accounts) -> Self {
        Self { addresses: settings.public_addresses.clone(), hosts: settings.hosts.clone() }
    }
}

/// Why a request was turned away, for people.
pub(crate) type Refusal = String;

impl Guard {
    /// For a server on this port, with these names besides those of the machine.
    pub(crate) fn new(port: u16, public: &PublicNames) -> Self {
        let with_port = NAMES.iter().map(|name| format!("{name}:{port}"));
        let bare = NAMES.iter().filter(|_| port == DEFAULT_HTTP_PORT).map(|name| (*name).to_owned());
        let mut hosts: BTreeSet<String> = with_port.chain(bare).collect();
        let mut origins: BTreeSet<String> = hosts.iter().map(|host| format!("http://{host}")).collect();
        let remedy = match public.addresses.as_slice() {
            [] => format!("open it on this machine as {}", joined(&origins)),
            addresses => format!("open it as {}", addresses.join(" or ")),
        };
        for address in public.addresses.iter().map(|address| address.to_ascii_lowercase()) {
            let (scheme, authority) = address.split_once("://").unwrap_or_default();
            let port = if scheme == "https" { DEFAULT_HTTPS_PORT } else { DEFAULT_HTTP_PORT };
            // Browsers leave the usual port out; programs may write it.
            let plain = authority.strip_suffix(&format!(":{port}")).unwrap_or(authority);
            hosts.insert(plain.to_owned());
            if !has_port(plain) {
                hosts.insert(format!("{plain}:{port}"));
            }
            origins.insert(format!("{scheme}://{plain}"));
        }
        hosts.extend(public.hosts.iter().map(|host| host.to_ascii_lowercase()));
        Self { hosts, origins, remedy }
    }

    /// Passes a request or says why not.
    pub(crate) fn check<B>(&self, request: &Request<B>) -> Result<(), Refusal> {
        self.check_host(request)?;
        self.check_origin(request.headers())?;
        self.check_fetch_site(request)
    }

    fn check_host<B>(&self, request: &Request<B>) -> Result<(), Refusal> {
        let from_address = request.uri().authority().map(|authority| authority.as_str().to_owned());
        let mut hosts: Vec<String> = from_address.into_iter().collect();
        for value in request.headers().get_all(header::HOST) {
            hosts.push(String::from_utf8_lossy(value.as_bytes()).into_owned());
        }
        if hosts.is_empty() {
            return Err("the request names no host; send a Host header".into());
        }
        match hosts.iter().find(|host| !self.hosts.contains(&host.to_ascii_lowercase())) {
            None => Ok(()),
            Some(host) => Err(format!("this server does not answer for the host \"{}\"; {}", shown(host), self.remedy)),
        }
    }

    fn check_origin(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        for value in headers.get_all(header::ORIGIN) {
            let origin = String::from_utf8_lossy(value.as_bytes());
            if !self.origins.contains(&origin.to_ascii_lowercase()) {
                return Err(format!("web pages from \"{}\" may not use this server; {}", shown(&origin), self.remedy));
            }
        }
        Ok(())
    }

    /// Browsers leave `Origin` out of some requests (images, scripts, links) but say where they come from.
    fn check_fetch_site<B>(&self, request: &Request<B>) -> Result<(), Refusal> {
        let header = |name: &str| request.headers().get(name).map(|value| value.as_bytes());
        match header("sec-fetch-site") {
            None | Some(b"same-origin" | b"none") => Ok(()),
            Some(_) => {
                let follows_link = header("sec-fetch-mode") == Some(b"navigate")
                    && header("sec-fetch-dest") == Some(b"document")
                    && request.method() == Method::GET
                    && is_page(request.uri().path());
                if follows_link {
                    return Ok(());
                }
                Err(format!("another web page may not use this server; {}", self.remedy))
            }
        }
    }
}

fn joined(names: &BTreeSet<String>) -> String {
    names.iter().map(String::as_str).collect::<Vec<_>>().join(" or ")
}

fn has_port(authority: &str) -> bool {
    authority.rsplit_once(':').is_some_and(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()))
}

/// What a stranger sent, short and printable.
fn shown(text: &str) -> String {
    text.chars().filter(|character| character.is_ascii_graphic()).take(80).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn local(port: u16) -> Guard {
        Guard::new(port, &PublicNames::default())
    }

    fn request(method: &str, uri: &str, headers: &[(&str, &str)]) -> Request<()> {
        let builder = Request::builder().method(method).uri(uri);
        headers.iter().fold(builder, |builder, (name, value)| builder.header(*name, *value)).body(()).unwrap()
    }

    fn passes(headers: &[(&str, &str)]) -> bool {
        local(8700).check(&request("POST", "/a.B/C", headers)).is_ok()
    }

    #[test]
    fn hosts_are_those_of_this_machine_with_the_port() {
        for host in ["localhost:8700", "127.0.0.1:8700", "[::1]:8700", "LocalHost:8700"] {
            assert!(passes(&[("host", host)]), "{host}");
        }
        let strangers = [
            "",
            "localhost",
            "localhost:8701",
            "localhost.:8700",
            "evil.example:8700",
            "127.0.0.1.evil.example:8700",
            "localhost:8700.evil.example",
            "evil@localhost:8700",
            "0.0.0.0:8700",
            "[::]:8700",
            "2130706433:8700",
        ];
        for host in strangers {
            assert!(!passes(&[("host", host)]), "{host}");
        }
        assert!(!passes(&[]), "no host at all");
        assert!(!passes(&[("host", "localhost:8700"), ("host", "evil.example")]), "one of two hosts is strange");
    }

    #[test]
    fn the_authority_of_http2_counts_as_host() {
        let guard = local(8700);
        assert!(guard.check(&request("POST", "http://127.0.0.1:8700/a.B/C", &[])).is_ok());
        assert!(guard.check(&request("POST", "http://evil.example:8700/a.B/C", &[])).is_err());
        let mixed = request("POST", "http://127.0.0.1:8700/a.B/C", &[("host", "evil.example")]);
        assert!(guard.check(&mixed).is_err());
    }

    #[test]
    fn origins_are_absent_or_our_own() {
        let host = ("host", "localhost:8700");
        for origin in ["http://localhost:8700", "http://127.0.0.1:8700", "http://[::1]:8700"] {
            assert!(passes(&[host, ("origin", origin)]), "{origin}");
        }
        for origin in [
            "null",
            "https://localhost:8700",
            "http://localhost",
            "http://localhost:3000",
            "http://evil.example",
            "http://localhost:8700.evil.example",
            "http://evil.example#http://localhost:8700",
            "file://",
            "",
        ] {
            assert!(!passes(&[host, ("origin", origin)]), "{origin}");
        }
    }

    #[test]
    fn cross_site_requests_without_origin_are_refused_but_links_to_the_page_work() {
        let host = ("host", "localhost:8700");
        assert!(passes(&[host, ("sec-fetch-site", "same-origin")]));
        assert!(passes(&[host, ("sec-fetch-site", "none")]));
        assert!(!passes(&[host, ("sec-fetch-site", "cross-site")]));
        assert!(!passes(&[host, ("sec-fetch-site", "same-site")]));
        let link =
            [host, ("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")];
        let guard = local(8700);
        assert!(guard.check(&request("GET", "/", &link)).is_ok());
        assert!(guard.check(&request("GET", "/jobs/0190", &link)).is_ok());
        assert!(guard.check(&request("GET", "/aerie.pipeline.v1.EventsService/Subscribe", &link)).is_err());
        assert!(guard.check(&request("GET", "/metrics", &link)).is_err());
        let framed =
            [host, ("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe")];
        assert!(guard.check(&request("GET", "/", &framed)).is_err());
    }

    #[test]
    fn default_port_needs_no_number() {
        assert!(local(80).check(&request("GET", "/", &[("host", "localhost")])).is_ok());
    }

    #[test]
    fn refusals_say_what_to_do_and_repeat_no_markup() {
        let refusal = local(8700).check(&request("GET", "/", &[("host", "evil.example")])).unwrap_err();
        assert!(refusal.contains("evil.example") && refusal.contains("http://localhost:8700"), "{refusal}");
        assert_eq!(shown("a\u{7}b\nc").len(), 3);
    }

    #[test]
    fn public_addresses_count_as_hosts_and_origins_and_other_names_as_hosts_only() {
        let addresses = vec!["https://Aerie.example".to_owned(), "https://aerie.example:8443".to_owned()];
        let names = PublicNames { addresses, hosts: vec!["gateway.aerie.svc:8700".into()] };
        let guard = Guard::new(8700, &names);
        let check = |headers: &[(&str, &str)]| guard.check(&request("POST", "/a.B/C", headers));
        for host in
            ["aerie.example", "aerie.example:443", "aerie.example:8443", "gateway.aerie.svc:8700", "127.0.0.1:8700"]
        {
            assert!(check(&[("host", host)]).is_ok(), "{host}");
        }
        for host in ["aerie.example:80", "aerie.example:9", "x.aerie.example", "gateway.aerie.svc", "aerie.example."] {
            assert!(check(&[("host", host)]).is_err(), "{host}");
        }
        let host = ("host", "aerie.example");
        for origin in ["https://aerie.example", "https://aerie.example:8443"] {
            assert!(check(&[host, ("origin", origin)]).is_ok(), "{origin}");
        }
        for origin in ["http://aerie.example", "https://gateway.aerie.svc:8700", "https://evil.example", "null"] {
            let refusal = check(&[host, ("origin", origin)]).unwrap_err();
            assert!(refusal.contains("open it as https://Aerie.example"), "{refusal}");
        }
    }
}
