//! Whether a node answers an echo request.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket as Std};
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;

use super::address::ask_at;
use super::{broken, default_timeout, is_default_timeout, refuse};
use crate::Result;
use crate::model::LoginAddress;
use crate::provider::{Liveness, Node, Probe};

/// The node answers an ICMP echo request, as `ping` sends it.
///
/// It uses the sockets that the system gives to ordinary users for that. Where it does not (on Linux `net.ipv4.ping_group_range`
/// says who may), and where the node has a name only, nothing is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Icmp {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    address: Option<LoginAddress>,
    #[serde(
        default = "default_timeout",
        skip_serializing_if = "is_default_timeout",
        with = "humantime_serde"
    )]
    timeout: Duration,
}

/// Type, code, checksum (the system's), identifier (the system's), number: RFC 792 and RFC 4443, section 4.
const REQUEST_4: [u8; 8] = [8, 0, 0, 0, 0, 0, 0, 1];
const REPLY_4: u8 = 0;
const REQUEST_6: [u8; 8] = [128, 0, 0, 0, 0, 0, 0, 1];
const REPLY_6: u8 = 129;

const NOT_LET: &str = "this system does not let this user send echo requests: on Linux net.ipv4.ping_group_range says which \
                       groups may";

/// Requests in one check: one lost packet is no failure.
const REQUESTS: u32 = 3;

impl Icmp {
    /// Asks the address that the node is logged in to.
    #[must_use]
    pub fn echo() -> Self {
        Self { address: None, timeout: default_timeout() }
    }

    /// Asks this address.
    #[must_use]
    pub fn address(mut self, address: LoginAddress) -> Self {
        self.address = Some(address);
        self
    }

    /// How long an answer may take; 5 s where not said. The request is repeated twice in it.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    async fn ask(&self, ip: IpAddr) -> Result<Liveness, Liveness> {
        let (request, reply) = if ip.is_ipv4() { (REQUEST_4, REPLY_4) } else { (REQUEST_6, REPLY_6) };
        let socket = open(ip).map_err(|error| match error.kind() {
            io::ErrorKind::PermissionDenied => Liveness::Unknown(NOT_LET.to_owned()),
            _ => broken(&error),
        })?;
        let answered = async {
            let mut packet = [0; 64];
            loop {
                let length = socket.recv(&mut packet).await.map_err(|error| broken(&error))?;
                if packet[..length].first() == Some(&reply) {
                    return Ok(Liveness::Live);
                }
            }
        };
        let repeat = async {
            for _ in 0..REQUESTS {
                socket.send(&request).await.map_err(|error| broken(&error))?;
                tokio::time::sleep(self.timeout / REQUESTS).await;
            }
            std::future::pending().await
        };
        tokio::select! {
            answer = answered => answer,
            failure = repeat => failure,
        }
    }
}

/// A socket that exchanges echo messages with this address alone.
fn open(ip: IpAddr) -> io::Result<UdpSocket> {
    let (domain, protocol, any): (_, _, IpAddr) = match ip {
        IpAddr::V4(_) => (Domain::IPV4, Protocol::ICMPV4, Ipv4Addr::UNSPECIFIED.into()),
        IpAddr::V6(_) => (Domain::IPV6, Protocol::ICMPV6, Ipv6Addr::UNSPECIFIED.into()),
    };
    let socket = Socket::new(domain, Type::DGRAM, Some(protocol))?;
    socket.set_nonblocking(true)?;
    socket.bind(&SocketAddr::new(any, 0).into())?;
    socket.connect(&SocketAddr::new(ip, 0).into())?;
    // To tokio it is as any other socket of datagrams.
    UdpSocket::from_std(Std::from(socket))
}

#[async_trait]
impl Probe for Icmp {
    fn name(&self) -> String {
        "icmp echo".to_owned()
    }

    fn consistent(&self) -> Result<()> {
        refuse::timeout(self.timeout)
    }

    async fn check(&self, node: &Node) -> Liveness {
        let ask = async |host: &str| match host.parse() {
            Ok(ip) => self.ask(ip).await,
            Err(_) => Err(Liveness::Unknown(format!("{host} is not an address"))),
        };
        ask_at(node, self.address, self.timeout, ask).await
    }
}
