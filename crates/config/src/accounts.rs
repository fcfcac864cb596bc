//! Who may use the installation, and how they prove who they are.

use serde::{Deserialize, Serialize};

use crate::{Secret, Server, check::Checks, remote::is_protected};

/// Most issuers that can be configured.
const MOST_ISSUERS: usize = 32;

/// Section `accounts`.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Accounts {
    /// Whether there are accounts at all.
    pub mode: AccountsMode,
    /// Addresses under which people open it; the first one is where signing in comes back to.
    pub public_addresses: Vec<String>,
    /// More hosts that programs may ask for.
    pub hosts: Vec<String>,
    /// Who issues tokens.
    pub issuers: Vec<Issuer>,
    /// Ids of the people who may see how the installation is.
    pub operators: Vec<String>,
    /// Whether people may make keys for programs.
    pub api_keys: bool,
    /// Signing in to the web app.
    pub sign_in: SignIn,
    /// How long somebody stays signed in.
    pub session: Session,
}

/// Whether there are accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountsMode {
    /// One person, on this machine only, without signing in.
    Local,
    /// Everybody who proves who they are by a token, an API key or a session.
    Tokens,
}

/// Somebody whose tokens are believed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Issuer {
    /// As it stands in the `iss` of its tokens.
    pub issuer: String,
    /// What the `aud` of a token must name.
    pub audience: String,
    /// Where its keys are.
    pub jwks_url: String,
    /// Signatures that are accepted.
    #[serde(default = "TokenAlgorithm::all")]
    pub algorithms: Vec<TokenAlgorithm>,
    /// Seconds by which its clock and ours may differ.
    #[serde(default = "Issuer::default_leeway")]
    pub leeway_seconds: u64,
}

impl Issuer {
    fn default_leeway() -> u64 {
        30
    }
}

/// How a token is signed (RFC 7518, RFC 8037).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
pub enum TokenAlgorithm {
    /// RSA with PKCS #1 v1.5 and SHA-256.
    RS256,
    /// ECDSA over P-256 with SHA-256.
    ES256,
    /// Ed25519.
    EdDSA,
}

impl TokenAlgorithm {
    fn all() -> Vec<Self> {
        vec![Self::RS256, Self::ES256, Self::EdDSA]
    }

    /// As it stands in a token's header.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::RS256 => "RS256",
            Self::ES256 => "ES256",
            Self::EdDSA => "EdDSA",
        }
    }
}

/// Section `accounts.sign_in`: OpenID Connect, authorization code with PKCE.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    /// Which of the issuers signs people in; none leaves the web app to those who have a token.
    pub issuer: Option<String>,
    /// The client that the issuer knows us as.
    pub client_id: String,
    /// Its secret; empty for a public client.
    pub client_secret: Secret,
    /// What is asked for.
    pub scopes: Vec<String>,
}

/// Section `accounts.session`.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Session {
    /// Minutes without a call after which a session ends.
    pub idle_minutes: u32,
    /// Hours after which a session ends in any case.
    pub longest_hours: u32,
}

impl Accounts {
    /// The issuer that signs people in.
    #[must_use]
    pub fn sign_in_issuer(&self) -> Option<&Issuer> {
        let wanted = self.sign_in.issuer.as_ref()?;
        self.issuers.iter().find(|issuer| &issuer.issuer == wanted)
    }

    pub(crate) fn check(&self, server: &Server, checks: &mut Checks) {
        checks.require(
            server.listen.is_loopback() || self.mode == AccountsMode::Tokens,
            "server.listen",
            || format!("is {}, which other machines can reach", server.listen),
            "write 127.0.0.1 or ::1, or set accounts.mode to tokens: without accounts, Aerie listens on this machine only",
        );
        self.check_addresses(checks);
        self.check_issuers(checks);
        self.check_operators(checks);
        self.check_sign_in(checks);
        checks.range("accounts.session.idle_minutes", self.session.idle_minutes, 1, 525_600);
        checks.range("accounts.session.longest_hours", self.session.longest_hours, 1, 8_760);
    }

    fn check_addresses(&self, checks: &mut Checks) {
        for address in &self.public_addresses {
            let authority = address.split_once("://").map(|(_, rest)| rest).unwrap_or_default();
            checks.require(
                is_protected(address) && is_authority(authority),
                "accounts.public_addresses",
                || format!("holds \"{address}\", which is not an origin with https"),
                "write https://host or https://host:port without a path; http is for loopback names only",
            );
        }
        for host in &self.hosts {
            checks.require(
                is_authority(host),
                "accounts.hosts",
                || format!("holds \"{host}\", which is not a host"),
                "write \"name\" or \"name:port\"",
            );
        }
    }

    fn check_operators(&self, checks: &mut Checks) {
        let is_id = |id: &str| id.len() == 36 && id.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit());
        for id in &self.operators {
            checks.require(
                is_id(id),
                "accounts.operators",
                || format!("holds \"{id}\", which is not the id of a person"),
                "write ids as `aerie accounts list` shows them",
            );
        }
    }

    fn check_issuers(&self, checks: &mut Checks) {
        let key = "accounts.issuers";
        checks.require(
            self.issuers.len() <= MOST_ISSUERS,
            key,
            || format!("has {} entries", self.issuers.len()),
            "name at most 32 issuers",
        );
        for (index, issuer) in self.issuers.iter().enumerate() {
            let name = &issuer.issuer;
            for (what, address) in [("issuer", name), ("jwks_url", &issuer.jwks_url)] {
                checks.require(
                    is_protected(address),
                    key,
                    || format!("has the {what} \"{address}\", which is not an https address"),
                    "write https://…; http is for loopback names only",
                );
            }
            checks.require(
                !issuer.audience.is_empty(),
                key,
                || format!("names no audience for {name}"),
                "write what the issuer puts into `aud` for this installation; a token for others is not accepted",
            );
            checks.require(
                !issuer.algorithms.is_empty(),
                key,
                || format!("names no algorithm for {name}"),
                "write one or more of RS256, ES256 and EdDSA, or leave it out for all of them",
            );
            checks.range("accounts.issuers.leeway_seconds", issuer.leeway_seconds, 0, 300);
            checks.require(
                self.issuers.iter().skip(index + 1).all(|other| other.issuer != *name),
                key,
                || format!("names {name} twice"),
                "keep one of the two",
            );
        }
        checks.require(
            self.mode == AccountsMode::Local || !self.issuers.is_empty() || self.api_keys,
            key,
            || "is empty and accounts.api_keys is false: nobody could prove who they are".into(),
            "name an issuer, or allow API keys",
        );
    }

    fn check_sign_in(&self, checks: &mut Checks) {
        let Some(wanted) = &self.sign_in.issuer else { return };
        checks.require(
            self.sign_in_issuer().is_some(),
            "accounts.sign_in.issuer",
            || format!("is \"{wanted}\", which accounts.issuers does not name"),
            "write the `issuer` of one of accounts.issuers",
        );
        checks.require(
            !self.sign_in.client_id.is_empty(),
            "accounts.sign_in.client_id",
            || "is empty".into(),
            "write the id under which the issuer knows this installation",
        );
        checks.require(
            self.sign_in.scopes.iter().any(|scope| scope == "openid"),
            "accounts.sign_in.scopes",
            || "does not hold openid".into(),
            "write [openid], or [openid, profile]",
        );
        checks.require(
            !self.public_addresses.is_empty(),
            "accounts.public_addresses",
            || "is empty, so that signing in has nowhere to come back to".into(),
            "name the address that people open, such as [\"https://aerie.example\"]",
        );
    }
}

/// `host` or `host:port`, and nothing else.
fn is_authority(text: &str) -> bool {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "-._:[]".contains(character);
    !text.is_empty() && text.len() <= 255 && text.chars().all(is_plain)
}
