//! What an API key may be used for, and what a call needs.

use std::{collections::HashSet, sync::LazyLock};

use aerie_rpc::{DESCRIPTOR_SETS, ErrorCode, RpcError};
use prost::Message;
use prost_types::{FileDescriptorSet, method_options::IdempotencyLevel};

use crate::{calendar, openai};

/// Paths of calls whose description says that they change nothing. Every other call counts as a change.
static READING: LazyLock<HashSet<String>> =
    LazyLock::new(|| DESCRIPTOR_SETS.iter().flat_map(|set| reading(set)).collect());

fn reading(descriptor_set: &[u8]) -> Vec<String> {
    let mut paths = Vec::new();
    // What cannot be read names no call, so that every call counts as a change.
    for file in FileDescriptorSet::decode(descriptor_set).unwrap_or_default().file {
        for service in &file.service {
            for method in &service.method {
                let level = method.options.as_ref().map(|options| options.idempotency_level());
                if level == Some(IdempotencyLevel::NoSideEffects) {
                    paths.push(format!("/{}.{}/{}", file.package(), service.name(), method.name()));
                }
            }
        }
    }
    paths
}

/// Packages of calls that ask a model and touch nothing of a person's.
const MODELS: [&str; 2] = ["aerie.llm.v1", "aerie.vision.v1"];
const ACCOUNTS: &str = "aerie.platform.v1";
/// The service that ends an account.
const DELETION: &str = "aerie.pipeline.v1.DeletionService";
/// Packages that say what there is, and nothing about anybody.
const DESCRIBING: [&str; 3] = ["grpc.health.v1", "grpc.reflection.v1", "grpc.reflection.v1alpha"];

/// What a key may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Reading everything of the person.
    Read,
    /// Reading and changing everything of the person.
    Write,
    /// Asking models.
    Models,
    /// The calendar file.
    Calendar,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 4] = [Self::Read, Self::Write, Self::Models, Self::Calendar];

    /// As it is stored and typed.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Models => "models",
            Self::Calendar => "calendar",
        }
    }

    /// A scope by its name.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.name() == name)
    }
}

/// What a call does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Says what there is.
    Describes,
    /// Reads what is a person's.
    Reads,
    /// Changes what is a person's.
    Changes,
    /// Asks a model.
    AsksModel,
    /// Is the calendar file.
    IsCalendar,
    /// Says who asks.
    SaysWho,
    /// Concerns keys and sessions, or the whole account.
    Administers,
}

impl Effect {
    /// What the call of a path does.
    pub(crate) fn of(path: &str) -> Self {
        if path == calendar::PATH {
            return Self::IsCalendar;
        }
        if path.starts_with(openai::PREFIX) {
            return Self::AsksModel;
        }
        let Some((service, method)) = path.strip_prefix('/').and_then(|path| path.split_once('/')) else {
            return Self::Changes;
        };
        let package = service.rsplit_once('.').map(|(package, _)| package).unwrap_or_default();
        match package {
            ACCOUNTS if method == "GetAccount" => Self::SaysWho,
            ACCOUNTS => Self::Administers,
            _ if service == DELETION => Self::Administers,
            _ if MODELS.contains(&package) => Self::AsksModel,
            _ if DESCRIBING.contains(&package) => Self::Describes,
            _ if READING.contains(path) => Self::Reads,
            _ => Self::Changes,
        }
    }

    /// Whether a page that only carries the cookie may ask for it with GET.
    pub(crate) fn is_harmless(self) -> bool {
        matches!(self, Self::Describes | Self::Reads | Self::IsCalendar | Self::SaysWho)
    }

    /// # Errors
    /// None of the scopes allows it.
    pub(crate) fn check(self, scopes: &[Scope]) -> Result<(), RpcError> {
        let enough: &[Scope] = match self {
            Self::Describes | Self::SaysWho => return Ok(()),
            Self::Reads => &[Scope::Read, Scope::Write],
            Self::Changes => &[Scope::Write],
            Self::AsksModel => &[Scope::Models],
            Self::IsCalendar => &[Scope::Calendar, Scope::Read, Scope::Write],
            Self::Administers => &[],
        };
        if scopes.iter().any(|scope| enough.contains(scope)) {
            return Ok(());
        }
        let words: Vec<&str> = enough.iter().map(|scope| scope.name()).collect();
        let message = match words.as_slice() {
            [] => "an API key cannot be used for keys, sessions and deleting the account; sign in, or use a token"
                .to_owned(),
            words => {
                format!("this API key may not be used for that; it takes one with the scope {}", words.join(" or "))
            }
        };
        Err(RpcError::new(ErrorCode::PermissionDenied, "SCOPE_MISSING", message).with("needed", words.join(" ")))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn calls_are_told_apart() {
        for (path, effect) in [
            ("/aerie.pipeline.v1.JobsService/ListJobs", Effect::Reads),
            ("/aerie.pipeline.v1.JobsService/PurgeJobs", Effect::Changes),
            ("/aerie.pipeline.v1.JobsService/ListNothing", Effect::Changes),
            ("/aerie.pipeline.v1.EventsService/Subscribe", Effect::Reads),
            ("/aerie.llm.v1.LlmService/Complete", Effect::AsksModel),
            ("/v1/chat/completions", Effect::AsksModel),
            ("/calendar.ics", Effect::IsCalendar),
            ("/aerie.platform.v1.AccountsService/GetAccount", Effect::SaysWho),
            ("/aerie.platform.v1.AccountsService/ListApiKeys", Effect::Administers),
            ("/aerie.pipeline.v1.DeletionService/PreviewDeletion", Effect::Administers),
            ("/aerie.pipeline.v1.DeletionService/DeleteEverything", Effect::Administers),
            ("/grpc.health.v1.Health/Check", Effect::Describes),
            ("/aerie.other.v1.Service/Anything", Effect::Changes),
            ("nothing", Effect::Changes),
        ] {
            assert_eq!(Effect::of(path), effect, "{path}");
        }
    }

    #[test]
    fn a_scope_allows_what_it_says_and_no_scope_allows_keys() {
        assert!(Effect::Reads.check(&[Scope::Read]).is_ok() && Effect::Reads.check(&[Scope::Write]).is_ok());
        assert!(Effect::Changes.check(&[Scope::Read, Scope::Models, Scope::Calendar]).is_err());
        assert!(Effect::AsksModel.check(&[Scope::Write]).is_err() && Effect::AsksModel.check(&[Scope::Models]).is_ok());
        assert!(
            Effect::IsCalendar.check(&[Scope::Calendar]).is_ok() && Effect::Reads.check(&[Scope::Calendar]).is_err()
        );
        assert!(Effect::Administers.check(&Scope::ALL).is_err() && Effect::SaysWho.check(&[]).is_ok());
        assert!(Scope::ALL.into_iter().all(|scope| Scope::of(scope.name()) == Some(scope)));
    }

    #[test]
    fn calls_that_read_are_those_that_say_so() {
        let reading: Vec<&String> = READING.iter().filter(|path| path.starts_with("/aerie.pipeline.v1.")).collect();
        assert!(reading.len() > 40, "{reading:?}");
        for changing in ["Create", "Delete", "Update", "Save", "Start", "Purge", "Move", "Run", "Sync", "Generate"] {
            assert!(reading.iter().all(|path| !path.contains(&format!("/{changing}"))), "{changing}: {reading:?}");
        }
        assert_eq!(reading_of_nothing(), 0);
    }

    fn reading_of_nothing() -> usize {
        super::reading(b"no descriptors").len()
    }
}
