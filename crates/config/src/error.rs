//! What can be wrong with a configuration.

use std::{fmt, path::PathBuf};

use thiserror::Error;

/// Why no configuration came about.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The file could not be read.
    #[error("cannot read the configuration file {}: {source}; check the path and its permissions", path.display())]
    ReadFile {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is not YAML, or not a mapping.
    #[error("the configuration file {} is not valid: {message}; `aerie config print-default` shows the form", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// What the parser said, with line and column.
        message: String,
    },
    /// An environment variable is not text.
    #[error("the environment variable {name} does not hold valid UTF-8; set it again or unset it")]
    NotText {
        /// The variable.
        name: String,
    },
    /// The overrides given by the program cannot be written as a mapping.
    #[error("the command line flags cannot be turned into settings: {message}")]
    Overrides {
        /// What went wrong.
        message: String,
    },
    /// Keys or values are wrong; all that were found.
    #[error("{}", list(.0))]
    Invalid(Vec<Problem>),
}

/// One wrong key or value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The dotted key, for example `server.port`.
    pub key: String,
    /// Where the value came from: a file, an environment variable, a flag, or the defaults.
    pub layer: String,
    /// What is wrong, with the value.
    pub what: String,
    /// What to write instead.
    pub remedy: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} ({}) {}; {}", self.key, self.layer, self.what, self.remedy)
    }
}

fn list(problems: &[Problem]) -> String {
    match problems {
        [] => "the configuration is wrong".into(),
        [one] => format!("wrong setting: {one}"),
        many => {
            let lines: Vec<String> = many.iter().map(|problem| format!("\n  - {problem}")).collect();
            format!("{} wrong settings:{}", many.len(), lines.concat())
        }
    }
}
