//! Ports that no other process gets while a mesh runs.
//!
//! If a test asks for a free port and releases it before Envoy binds it, another test occasionally takes it. Here the
//! socket stays bound (never listening) with `SO_REUSEPORT`. Envoy's listeners and our services set the same option, so
//! they can bind the same port. The system assigns the port to nothing else, and a socket that does not listen receives
//! no connections.

use std::net::{Ipv4Addr, SocketAddr};

use socket2::{Domain, Protocol, Socket, Type};

use crate::error::{Context as _, Error, Result};

/// A loopback port, reserved until this value is dropped.
#[derive(Debug)]
pub struct ReservedPort {
    _socket: Socket,
    port: u16,
}

impl ReservedPort {
    /// Reserves a free port that the system chooses.
    ///
    /// # Errors
    /// The system has no port, or no file descriptor, left.
    pub fn reserve() -> Result<Self> {
        let what = "cannot reserve a loopback port";
        let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP)).context(what)?;
        socket.set_reuse_port(true).context(what)?;
        socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).context(what)?;
        let address = socket.local_addr().context(what)?;
        let address = address.as_socket().ok_or_else(|| Error::new(what))?;
        Ok(Self { _socket: socket, port: address.port() })
    }

    /// Returns the port's number.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns the address of the port on 127.0.0.1.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn no_port_is_given_twice() {
        let ports: Vec<_> = (0..200).map(|_| ReservedPort::reserve().unwrap()).collect();
        let numbers: BTreeSet<_> = ports.iter().map(ReservedPort::port).collect();
        assert_eq!(numbers.len(), ports.len());
    }

    #[test]
    fn a_reserved_port_refuses_others_and_does_not_listen() {
        let port = ReservedPort::reserve().unwrap();
        assert!(TcpListener::bind(port.address()).is_err());
        assert!(TcpStream::connect(port.address()).is_err());
    }

    #[test]
    fn a_server_that_shares_the_port_gets_every_connection() {
        let port = ReservedPort::reserve().unwrap();
        let server = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP)).unwrap();
        server.set_reuse_port(true).unwrap();
        server.bind(&port.address().into()).unwrap();
        server.listen(64).unwrap();
        for _ in 0..50 {
            TcpStream::connect(port.address()).unwrap();
        }
    }
}
