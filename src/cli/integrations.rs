//! What can be typed about integrations.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// What to do with the programs that Aerie pushes to.
#[derive(Subcommand, Debug)]
pub enum Integrations {
    /// List yours with their last results.
    List {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// List the kinds that there are, or the settings of one.
    Kinds {
        /// Only this kind, with its settings.
        kind: Option<String>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Add one.
    Add(IntegrationsAdd),
    /// Change one: settings, what it pushes, on or off.
    Change(IntegrationsChange),
    /// Ask the service whether pushing would work.
    Test {
        /// Name or id.
        integration: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Push one thing now and say what came of it.
    Push(IntegrationsPush),
    /// Delete one with its credentials; what was pushed stays where it is.
    Remove {
        /// Name or id.
        integration: String,
    },
    /// List deliveries, newest first.
    Log {
        /// Name or id; all of them when left out.
        integration: Option<String>,
        /// Most deliveries to print.
        #[arg(long, default_value_t = 25)]
        limit: i32,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

/// What is pushed.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum PushTopic {
    /// Moves of jobs.
    Jobs,
    /// Interviews and other dates.
    Appointments,
    /// The daily digest.
    Digests,
    /// Letters, résumés and other files.
    Documents,
}

/// Settings, however they come.
#[derive(Args, Debug)]
pub struct IntegrationsSettings {
    /// A setting as NAME=VALUE; may be given several times. Credentials are better given by --file or --env, which
    /// leave no trace in the shell's history.
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub values: Vec<String>,
    /// A setting whose value stands in a file, as NAME=FILE; "-" reads standard input.
    #[arg(long = "file", value_name = "NAME=FILE")]
    pub files: Vec<String>,
    /// A setting whose value stands in an environment variable, as NAME=VARIABLE.
    #[arg(long = "env", value_name = "NAME=VARIABLE")]
    pub variables: Vec<String>,
    /// What to push; may be given several times. Everything that the kind takes when left out.
    #[arg(long = "topic")]
    pub topics: Vec<PushTopic>,
}

/// Arguments of `integrations add`.
#[derive(Args, Debug)]
pub struct IntegrationsAdd {
    /// Kind, as `integrations kinds` lists them.
    pub kind: String,
    /// Name; the kind's when left out.
    #[arg(long)]
    pub name: Option<String>,
    /// Its settings.
    #[command(flatten)]
    pub settings: IntegrationsSettings,
    /// Push nothing yet.
    #[arg(long, conflicts_with = "on")]
    pub off: bool,
    /// Push from now on, also where the kind waits to be switched on.
    #[arg(long)]
    pub on: bool,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `integrations change`.
#[derive(Args, Debug)]
pub struct IntegrationsChange {
    /// Name or id.
    pub integration: String,
    /// New name.
    #[arg(long)]
    pub name: Option<String>,
    /// Settings that change; an empty value takes one away.
    #[command(flatten)]
    pub settings: IntegrationsSettings,
    /// Push nothing any more.
    #[arg(long, conflicts_with = "on")]
    pub off: bool,
    /// Push from now on.
    #[arg(long)]
    pub on: bool,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `integrations push`.
#[derive(Args, Debug)]
pub struct IntegrationsPush {
    /// Name or id.
    pub integration: String,
    /// What to push.
    #[command(flatten)]
    pub item: IntegrationsItem,
    /// Media type of the file; guessed from its name when left out.
    #[arg(long, requires = "file")]
    pub media_type: Option<String>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// One thing to push.
#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
pub struct IntegrationsItem {
    /// A job, by its id or the start of one.
    #[arg(long)]
    pub job: Option<String>,
    /// An appointment, by its id.
    #[arg(long)]
    pub appointment: Option<String>,
    /// Today's digest.
    #[arg(long)]
    pub digest: bool,
    /// A file.
    #[arg(long)]
    pub file: Option<PathBuf>,
}
