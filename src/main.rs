//! The command `aerie`: every role and every tool of a career agent in one program.

mod app;
mod cli;
mod commands;
mod output;
mod session;
mod vision_process;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
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
