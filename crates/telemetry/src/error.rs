//! What can go wrong when starting to observe.

use thiserror::Error;

/// Why logs, traces or metrics could not be started.
#[derive(Debug, Error)]
pub enum TelemetryError {
    /// The log filter cannot be read.
    #[error(
        "the log filter \"{filter}\" is not valid ({message}); write a level such as info, or info,aerie_boards=debug"
    )]
    Filter {
        /// The filter as given.
        filter: String,
        /// What the parser said.
        message: String,
    },
    /// The exporter for traces cannot be made.
    #[error("cannot export traces to \"{endpoint}\" ({message}); write http://host:port, usually port 4317")]
    Exporter {
        /// The collector's address as given.
        endpoint: String,
        /// What the exporter said.
        message: String,
    },
    /// Another subscriber was installed before.
    #[error("logs are already being written by another subscriber in this process; install telemetry once, first")]
    AlreadyInstalled,
    /// Another metrics recorder was installed before.
    #[error("metrics are already being recorded by another recorder in this process ({message})")]
    Recorder {
        /// What the recorder said.
        message: String,
    },
}
