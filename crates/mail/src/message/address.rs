//! Addresses and the domains that companies register.

use aerie_postings::text::{clean_field, truncate_bytes};
use serde::{Deserialize, Serialize};

use super::MAX_FIELD_CHARACTERS;

/// A name and an address.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Mailbox {
    /// Display name; empty when there is none.
    pub name: String,
    /// Address in lower case, as far as the header has one.
    pub address: String,
}

impl Mailbox {
    /// A mailbox of a decoded name and address; `None` when both are empty.
    pub fn new(name: &str, address: &str) -> Option<Self> {
        let name = clean_field(name.trim_matches(['"', '\'', ' ']), MAX_FIELD_CHARACTERS);
        let address = clean_field(address, MAX_FIELD_CHARACTERS).to_ascii_lowercase();
        let address = address.trim_matches(['<', '>', ' ', '"']).to_owned();
        (!name.is_empty() || !address.is_empty()).then_some(Self { name, address })
    }

    /// Reads `Name <address>`, `address` or a name alone, also when the end was cut off.
    pub fn read(text: &str) -> Option<Self> {
        let text = truncate_bytes(text, 8 * MAX_FIELD_CHARACTERS).trim();
        match text.split_once('<') {
            Some((name, address)) => Self::new(name, address.split('>').next().unwrap_or("")),
            None if text.contains('@') && !text.contains(' ') => Self::new("", text),
            None => Self::new(text, ""),
        }
    }

    /// What stands before the last `@`.
    pub fn local_part(&self) -> &str {
        self.address.rsplit_once('@').map_or("", |(local, _)| local)
    }

    /// What stands behind the last `@`.
    pub fn host(&self) -> &str {
        self.address.rsplit_once('@').map_or("", |(_, host)| host)
    }

    /// The domain that was registered, such as `acme.co.uk` of `jobs@mail.acme.co.uk`.
    pub fn domain(&self) -> Option<&str> {
        registrable_domain(self.host())
    }
}

/// The part of a host name that was registered, by the public suffix list: `acme.co.uk` of `careers.acme.co.uk`. `None`
/// for a public suffix itself, and for text that is no host name.
pub fn registrable_domain(host: &str) -> Option<&str> {
    let host = host.trim_end_matches('.');
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    if host.len() > 253 || host.starts_with('.') || host.contains("..") || !host.bytes().all(plain) {
        return None;
    }
    psl::domain_str(host).filter(|domain| domain.contains('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_follow_the_public_suffix_list() {
        assert_eq!(registrable_domain("careers.acme.co.uk"), Some("acme.co.uk"));
        assert_eq!(registrable_domain("boards.greenhouse.io"), Some("greenhouse.io"));
        assert_eq!(registrable_domain("co.uk"), None);
        assert_eq!(registrable_domain("localhost"), None);
        assert_eq!(registrable_domain("a..b"), None);
        assert_eq!(registrable_domain("ä.example"), None);
    }

    #[test]
    fn mailboxes_are_read_even_when_cut_off() {
        let cut = Mailbox::read("Acme Recruiting Team <no-reply@us.gr");
        assert_eq!(cut, Mailbox::new("Acme Recruiting Team", "no-reply@us.gr"));
        assert_eq!(Mailbox::read("  "), None);
        assert_eq!(Mailbox::read("a@b.example").map(|mailbox| mailbox.host().to_owned()), Some("b.example".to_owned()));
    }
}
