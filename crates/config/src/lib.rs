//! Layered configuration: commented defaults, then a file, then the environment, then flags.
//!
//! Every service takes its section from here, so that a setting has one name, one default and one explanation:
//! [`DEFAULT_YAML`]. Mistakes are found before anything starts and name the key, where it was set and what to write
//! instead.

mod accounts;
mod check;
mod discovery;
mod environment;
mod error;
mod events;
mod integrations;
mod limits;
mod llm;
mod load;
mod mail;
mod matching;
mod platform;
mod remote;
mod research;
mod roles;
mod secret;
mod server;
mod services;
mod store;
mod tasks;
mod telemetry;
mod tracking;
mod vision;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub use crate::{
    accounts::{Accounts, AccountsMode, Issuer, Session, SignIn, TokenAlgorithm},
    discovery::{AdzunaKeys, ApiKeys, Discovery, FetchRetry, FetchTimeouts, Retention, UsaJobsKeys},
    error::{ConfigError, Problem},
    events::{Bus, Events},
    integrations::Integrations,
    limits::Limits,
    llm::{
        AfterBreak, BackendKind, EarlierFile, FOUND_NAMES, Llm, LlmBackend, LlmBreaker, LlmCache, LlmChain, LlmHedge,
        LlmQueue, LlmRetry, LlmStream, LlmTimeouts, ModelPrice, PolicyRefusal,
    },
    load::Loader,
    mail::Mail,
    matching::Matching,
    platform::{default_data_dir, default_file},
    remote::RemoteService,
    research::{Research, SearchInstance},
    roles::{Outside, Role, UnknownRole},
    secret::Secret,
    server::Server,
    services::{IdentityFiles, PipelineService, Services, TlsFiles},
    store::{Store, StoreUrl},
    tasks::{KindLimit, Tasks},
    telemetry::{LogFormat, Telemetry},
    tracking::Tracking,
    vision::{Vision, VisionLimits, VisionQueue},
};

/// The commented defaults, printed by `aerie config print-default`.
pub const DEFAULT_YAML: &str = include_str!("default.yaml");

/// The whole configuration, checked. Made by [`Loader`] or [`Config::load`].
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Folder of databases, documents and keys.
    pub data_dir: PathBuf,
    /// The gateway's listener.
    pub server: Server,
    /// Who may use it.
    pub accounts: Accounts,
    /// The database.
    pub store: Store,
    /// Finding postings.
    pub discovery: Discovery,
    /// Ranking postings.
    pub matching: Matching,
    /// The course of applications.
    pub tracking: Tracking,
    /// Research on employers.
    pub research: Research,
    /// Reading mail.
    pub mail: Mail,
    /// Pushing to other programs.
    pub integrations: Integrations,
    /// Background tasks.
    pub tasks: Tasks,
    /// The stream of changes.
    pub events: Events,
    /// What one caller may ask for.
    pub limits: Limits,
    /// Logs, traces and metrics.
    pub telemetry: Telemetry,
    /// The language models and how they are asked.
    pub llm: Llm,
    /// Where the language-model router runs.
    pub llm_router: RemoteService,
    /// The vision service.
    pub vision: Vision,
    /// The pipeline service.
    pub pipeline: PipelineService,
    /// How services reach each other.
    pub services: Services,
}

impl Config {
    /// Loads the configuration from the defaults, `file` if there is one, the process environment, and `overrides` (a
    /// struct or map in the shape of the configuration; absent and null entries change nothing).
    ///
    /// # Errors
    /// Every mistake that was found: an unreadable file, an unknown key, a wrong type, a value out of range.
    pub fn load(file: Option<&std::path::Path>, overrides: &impl Serialize) -> Result<Self, ConfigError> {
        let mut loader = Loader::new().process_environment()?.overrides(overrides)?;
        if let Some(file) = file {
            loader = loader.file(file);
        }
        loader.load()
    }

    /// Folder of recipe boards: the configured one, else `recipes` under the data folder.
    #[must_use]
    pub fn recipes_dir(&self) -> PathBuf {
        self.discovery.recipes_dir.clone().unwrap_or_else(|| self.data_dir.join("recipes"))
    }

    /// Folder of a person's own document templates; need not exist.
    pub fn templates_dir(&self) -> PathBuf {
        self.data_dir.join("templates")
    }

    fn check(&self, checks: &mut check::Checks) {
        checks.require(
            !self.data_dir.as_os_str().is_empty(),
            "data_dir",
            || "is empty".into(),
            "name a folder, or leave it out",
        );
        self.server.check(checks);
        self.accounts.check(&self.server, checks);
        self.store.check(checks);
        self.discovery.check(checks);
        self.matching.check(checks);
        self.tracking.check(checks);
        self.research.check(checks);
        self.mail.check(checks);
        self.integrations.check(checks);
        self.tasks.check(checks);
        self.events.check(checks);
        self.limits.check(checks);
        self.telemetry.check(checks);
        self.llm.check(checks);
        self.llm_router.check("llm_router", checks);
        self.vision.check(checks);
        self.pipeline.check(&self.services, checks);
        self.services.check(checks);
    }
}

#[cfg(test)]
mod tests;
