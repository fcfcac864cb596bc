//! Developer commands: each does its own set-up, says what it does, and ends with a line that tells how it went.

mod bench;
mod cuda;
mod lint;
mod run;
mod setup;
mod start;
mod test;
mod web;

use clap::{Parser, Subcommand};

/// Developer commands of Aerie.
#[derive(Parser)]
#[command(name = "cargo xtask", version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build what is needed and start everything on this machine.
    Up {
        /// Build with full optimisation (slower to build, faster to run).
        #[arg(long)]
        release: bool,
        /// Arguments for `aerie up`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// The same in a temporary home with sample boards and a sample profile.
    Demo {
        /// Build with full optimisation (slower to build, faster to run).
        #[arg(long)]
        release: bool,
        /// Arguments for `aerie demo`, for example `--exit --json`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Install what the tests need, run everything, end with a summary.
    Test(test::Arguments),
    /// Measure; prints ratios against a peer or a limit.
    Bench(bench::Arguments),
    /// Build `aerie-vision`, which is `aerie` for NVIDIA's GPUs; their compiler comes from PyPI where none is installed.
    Cuda {
        /// Build without full optimisation, to see whether it builds.
        #[arg(long)]
        debug: bool,
    },
    /// Run an installation of many processes under load, break it again and again, and print what was lost: nothing.
    Chaos {
        /// How long things are broken, in seconds.
        #[arg(long, default_value_t = 600)]
        seconds: u64,
        /// Where chance begins; the same seed breaks the same things.
        #[arg(long, default_value_t = 7)]
        seed: u64,
    },
    /// Check formatting, lints, protocol buffers and the rules of the tree.
    Lint,
    /// Run fuzz targets for a while each.
    Fuzz {
        /// Seconds for each target.
        #[arg(long, default_value_t = 60)]
        seconds: u64,
        /// Only the targets whose name holds this.
        filter: Option<String>,
    },
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().command {
        Command::Up { release, arguments } => start::aerie("up", release, &arguments),
        Command::Demo { release, arguments } => start::aerie("demo", release, &arguments),
        Command::Test(arguments) => test::run(&arguments),
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Cuda { debug } => cuda::build(!debug),
        Command::Chaos { seconds, seed } => test::chaos(seconds, seed),
        Command::Lint => lint::run(),
        Command::Fuzz { seconds, filter } => lint::fuzz(seconds, filter.as_deref()),
    }
}
