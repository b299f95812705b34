//! Ports that nobody else gets while a mesh runs.
//!
//! A test that asks for a free port and gives it back before Envoy binds it loses it, now and then, to another test.
//! Here the socket stays bound (never listening) with `SO_REUSEPORT`. Envoy's listeners and our services set the same
//! option, so they bind beside it; the system hands the port to nobody else, and a socket that does not listen gets no connections.

use std::net::{Ipv4Addr, SocketAddr};

use socket2::{Domain, Protocol, Socket, Type};

use crate::error::{Context as _, Error, Result};

/// A loopback port, kept until this value is dropped.
#[derive(Debug)]
pub struct ReservedPort {
    _socket: Socket,
    port: u16,
}

impl ReservedPort {
    /// Takes a free port of the system's choice.
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

    /// The port's number.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The port on 127.0.0.1.
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
