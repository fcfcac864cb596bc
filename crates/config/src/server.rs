//! The gateway's listener.

use std::{net::IpAddr, time::Duration};

use serde::{Deserialize, Serialize};

use crate::check::Checks;

/// Section `server`.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// Address to listen on.
    pub listen: IpAddr,
    /// Port to listen on; 0 takes any free port.
    pub port: u16,
    /// How many ports after `port` are tried when it is taken.
    pub port_attempts: u16,
    /// Seconds that running work gets to finish after a stop signal.
    pub shutdown_grace_seconds: u64,
    /// Seconds a client has to send its request headers.
    pub header_timeout_seconds: u64,
    /// Seconds a client has to send its request body.
    pub body_timeout_seconds: u64,
    /// Seconds a connection may accept no answer bytes before it is closed.
    pub stall_timeout_seconds: u64,
    /// Seconds between two heartbeats on a server-sent event stream.
    pub heartbeat_seconds: u64,
    /// Connections open at once.
    pub connections: usize,
}

impl Server {
    /// Time that running work gets to finish after a stop signal.
    #[must_use]
    pub fn shutdown_grace(&self) -> Duration {
        Duration::from_secs(self.shutdown_grace_seconds)
    }

    pub(crate) fn check(&self, checks: &mut Checks) {
        checks.range("server.port_attempts", self.port_attempts, 0, 1000);
        checks.range("server.shutdown_grace_seconds", self.shutdown_grace_seconds, 0, 3600);
        checks.range("server.header_timeout_seconds", self.header_timeout_seconds, 1, 600);
        checks.range("server.body_timeout_seconds", self.body_timeout_seconds, 1, 3600);
        checks.range("server.stall_timeout_seconds", self.stall_timeout_seconds, 1, 3600);
        checks.range("server.heartbeat_seconds", self.heartbeat_seconds, 1, 600);
        checks.range("server.connections", self.connections, 1, 100_000);
    }
}
