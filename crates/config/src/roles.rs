//! Who may call whom: the one table from which processes are given their backends, servers know their callers, and the
//! network policies of `deploy/kubernetes` are checked.

use std::{fmt, str::FromStr};

/// A role that a process plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// The only edge: gRPC, JSON, the web app, who is asking.
    Gateway,
    /// People's data and their background tasks; with any of its parts (interface, worker, scheduler).
    Pipeline,
    /// One call over many language-model backends.
    LlmRouter,
    /// A model that looks at images.
    Vision,
    /// Brings the schema of a server's database up to date, and ends.
    Migrate,
}

/// What a role reaches that is no role of Aerie's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outside {
    /// The PostgreSQL server.
    Database,
    /// The NATS server.
    Events,
    /// Servers of the internet: boards, mail and calendars; providers of models; issuers of tokens.
    Internet,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 5] = [Self::Gateway, Self::Pipeline, Self::LlmRouter, Self::Vision, Self::Migrate];

    /// The command that starts it (`aerie gateway`), and the name under which it calls others.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Pipeline => "pipeline",
            Self::LlmRouter => "llm-router",
            Self::Vision => "vision",
            Self::Migrate => "migrate",
        }
    }

    /// The roles that a process of this one is given a channel to, and no others.
    #[must_use]
    pub const fn calls(self) -> &'static [Self] {
        match self {
            Self::Gateway => &[Self::Pipeline, Self::LlmRouter, Self::Vision],
            Self::Pipeline => &[Self::LlmRouter, Self::Vision],
            Self::LlmRouter => &[Self::Vision],
            Self::Vision | Self::Migrate => &[],
        }
    }

    /// The roles that may call a process of this one.
    pub fn callers(self) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(move |caller| caller.calls().contains(&self))
    }

    /// What it reaches beside the roles.
    #[must_use]
    pub const fn reaches(self) -> &'static [Outside] {
        match self {
            // Accounts, wake-ups, and the keys of whoever issues tokens.
            Self::Gateway | Self::Pipeline => &[Outside::Database, Outside::Events, Outside::Internet],
            Self::LlmRouter => &[Outside::Internet],
            Self::Vision => &[],
            Self::Migrate => &[Outside::Database],
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// A word that names no role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no role; write one of: gateway, pipeline, llm-router, vision, migrate")]
pub struct UnknownRole(String);

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|role| role.name() == name).ok_or_else(|| UnknownRole(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back_and_others_refused() {
        for role in Role::ALL {
            assert_eq!(role.name().parse(), Ok(role));
        }
        let refused = "worker".parse::<Role>().map_err(|error| error.to_string());
        assert!(refused.is_err_and(|words| words.contains("\"worker\"") && words.contains("llm-router")));
    }

    #[test]
    fn calls_point_one_way_and_callers_are_their_reverse() {
        for role in Role::ALL {
            for callee in role.calls() {
                assert!(!callee.calls().contains(&role), "{role} and {callee} call each other");
                assert!(callee.callers().any(|caller| caller == role), "{callee} does not know its caller {role}");
            }
        }
        assert_eq!(Role::Gateway.callers().count(), 0, "nothing of ours calls the edge");
        assert_eq!(Role::Vision.callers().collect::<Vec<_>>(), [Role::Gateway, Role::Pipeline, Role::LlmRouter]);
    }

    #[test]
    fn the_model_of_images_reaches_nothing() {
        assert!(Role::Vision.calls().is_empty() && Role::Vision.reaches().is_empty());
    }
}
