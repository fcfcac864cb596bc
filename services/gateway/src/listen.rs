//! Finds a port to listen on.

use std::{
    io,
    net::{IpAddr, SocketAddr},
};

use thiserror::Error;
use tokio::net::TcpListener;

/// A listener with the address it got.
#[derive(Debug)]
pub struct Bound {
    /// The listener.
    pub listener: TcpListener,
    /// Where it listens.
    pub address: SocketAddr,
    /// The port that was wanted, when another program has it.
    pub taken: Option<u16>,
}

/// Why there is nowhere to listen.
#[derive(Debug, Error)]
pub enum ListenError {
    /// Every port that was tried is taken.
    #[error(
        "ports {first} to {last} on {address} are all taken; stop what uses them or choose another with server.port"
    )]
    AllTaken {
        /// Address that was tried.
        address: IpAddr,
        /// First port that was tried.
        first: u16,
        /// Last port that was tried.
        last: u16,
    },
    /// The system refuses for another reason.
    #[error("cannot listen on {address}: {source}; choose another address or port with server.listen and server.port")]
    Refused {
        /// Address that was tried.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
}

/// Listens on `port`, or on the first free one of the `attempts` ports after it. Port 0 takes any.
///
/// # Errors
/// No free port, or an address that cannot be used.
pub async fn bind(address: IpAddr, port: u16, attempts: u16) -> Result<Bound, ListenError> {
    let attempts = if port == 0 { 0 } else { attempts };
    let last = port.saturating_add(attempts);
    for candidate in port..=last {
        let wanted = SocketAddr::new(address, candidate);
        match TcpListener::bind(wanted).await {
            Ok(listener) => {
                let bound = listener.local_addr().map_err(|source| ListenError::Refused { address: wanted, source })?;
                return Ok(Bound { listener, address: bound, taken: (candidate != port).then_some(port) });
            }
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
            Err(source) => return Err(ListenError::Refused { address: wanted, source }),
        }
    }
    Err(ListenError::AllTaken { address, first: port, last })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::net::Ipv4Addr;

    use super::*;

    const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    #[tokio::test]
    async fn the_next_free_port_is_taken() {
        let first = bind(LOOPBACK, 0, 0).await.unwrap();
        assert_eq!(first.taken, None);
        let port = first.address.port();
        let second = bind(LOOPBACK, port, 50).await.unwrap();
        assert!(second.address.port() > port);
        assert_eq!(second.taken, Some(port));
        let error = bind(LOOPBACK, port, 0).await.unwrap_err();
        assert!(matches!(error, ListenError::AllTaken { .. }) && error.to_string().contains("server.port"), "{error}");
    }

    #[tokio::test]
    async fn foreign_addresses_are_refused_with_a_remedy() {
        let error = bind("203.0.113.1".parse().unwrap(), 0, 0).await.unwrap_err();
        assert!(error.to_string().contains("server.listen"), "{error}");
    }
}
