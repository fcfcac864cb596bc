//! Services as processes of their own.

use std::path::PathBuf;

use clap::Args;

/// Which parts of the pipeline run; all of them when none is named.
#[derive(Args, Debug)]
pub struct PipelineRoles {
    /// Answer calls.
    #[arg(long)]
    pub api: bool,
    /// Work on tasks.
    #[arg(long)]
    pub worker: bool,
    /// Plan what is done by the clock. Several may run; a planned time comes once.
    #[arg(long)]
    pub scheduler: bool,
}

/// Arguments of `certificates`.
#[derive(Args, Debug)]
pub struct Certificates {
    /// Folder to write into; it must not hold an authority yet.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Kubernetes namespace that the services run in, for their names there.
    #[arg(long, default_value = "aerie")]
    pub namespace: String,
    /// Further names of a service, or another service: NAME=DNS,DNS. May be given several times.
    #[arg(long = "name", value_name = "NAME=DNS,DNS")]
    pub names: Vec<String>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}
