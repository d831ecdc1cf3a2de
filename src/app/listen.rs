//! The listening sockets: loopback, and nothing but loopback.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::net::TcpListener;

use super::error::StartError;

/// The sockets of `localhost`.
#[derive(Debug)]
pub(super) struct Listeners {
    /// The port, also where any free one was asked for.
    pub(super) port: u16,
    /// 127.0.0.1, and ::1 where the machine has it.
    pub(super) sockets: Vec<TcpListener>,
}

/// Binds both loopback addresses, because a browser may try either for `localhost`. If somebody else has one of them,
/// people could end up there: then neither is ours.
pub(super) async fn bind(port: u16) -> Result<Listeners, StartError> {
    let v4 =
        TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await.map_err(|cause| failed(port, cause))?;
    let port = v4.local_addr().map_err(|cause| failed(port, cause))?.port();
    let mut sockets = vec![v4];
    match TcpListener::bind(SocketAddr::from((Ipv6Addr::LOCALHOST, port))).await {
        Ok(v6) => sockets.push(v6),
        Err(cause) if cause.kind() == ErrorKind::AddrInUse => return Err(failed(port, cause)),
        Err(cause) => tracing::debug!(%cause, "this machine has no IPv6 loopback"),
    }
    Ok(Listeners { port, sockets })
}

fn failed(port: u16, cause: std::io::Error) -> StartError {
    if cause.kind() == ErrorKind::AddrInUse { StartError::PortInUse { port } } else { StartError::Port { port, cause } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_port_in_use_is_said_with_the_ways_out() {
        let first = bind(0).await.unwrap();
        assert!(first.sockets.iter().all(|socket| socket.local_addr().unwrap().ip().is_loopback()));
        let error = bind(first.port).await.unwrap_err();
        assert_eq!(error.exit_code(), 3);
        assert!(error.to_string().contains("--port"), "{error}");
    }
}
