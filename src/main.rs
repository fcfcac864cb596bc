//! The command `aerie`: every role and every tool of a career agent in one program.

mod app;
mod cli;
mod commands;
mod output;
mod session;
mod vision_process;

use std::{
    panic,
    process::{self, ExitCode},
};

use clap::Parser;

/// What the standard library says when it cannot print any more.
const CANNOT_PRINT: &str = "failed printing to stdout";

/// Whoever reads what is printed may have seen enough, as in `aerie jobs list | head`: that is no error, and nothing to say.
fn end_when_nobody_reads() {
    let usual = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        let words = panic.payload_as_str().unwrap_or_default();
        if words.starts_with(CANNOT_PRINT) && words.contains("Broken pipe") {
            process::exit(0);
        }
        usual(panic);
    }));
}

fn main() -> ExitCode {
    end_when_nobody_reads();
    let cli = cli::Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: the asynchronous runtime could not start: {error}");
            return ExitCode::from(1);
        }
    };
    match runtime.block_on(commands::run(cli)) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {}", output::error_words(&error));
            ExitCode::from(output::exit_code(&error))
        }
    }
}
