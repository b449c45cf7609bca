//! Connections to nodes.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use crate::provider::Liveness;

/// A resolver that is silent is not the node's fault: it is given up on before the probe is.
const RESOLVES: Duration = Duration::from_secs(2);

/// Connects to a port. Once it is dropped the connection is reset, not closed: a prober of thousands of nodes would otherwise
/// use up its ports in connections that only wait for their end.
pub(super) async fn connect(host: &str, port: u16) -> Result<TcpStream, Liveness> {
    let stream = match host.parse::<IpAddr>() {
        Ok(ip) => TcpStream::connect(SocketAddr::new(ip, port)).await.map_err(|error| broken(&error))?,
        Err(_) => by_name(host, port).await?,
    };
    // A connection that has broken in the meantime shows that itself.
    let _ = stream.set_zero_linger();
    Ok(stream)
}

async fn by_name(host: &str, port: u16) -> Result<TcpStream, Liveness> {
    let unknown = |why: String| Liveness::Unknown(format!("{host} has no address: {why}"));
    let addresses = timeout(RESOLVES, lookup_host((host, port))).await;
    let addresses = addresses.map_err(|_| unknown(format!("no answer within {RESOLVES:?}")))?;
    let addresses = addresses.map_err(|error| unknown(error.to_string()))?;
    let mut last = unknown("the name is empty".to_owned());
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => last = broken(&error),
        }
    }
    Err(last)
}

/// What a connection that failed says of the node: `Failing` for what only the other end or the way there can have done, `Unknown`
/// for everything else, such as too many open files, no port left, no route or no right.
#[must_use]
pub fn broken(error: &io::Error) -> Liveness {
    use io::ErrorKind as Kind;
    match error.kind() {
        kind @ (Kind::ConnectionRefused
        | Kind::ConnectionReset
        | Kind::ConnectionAborted
        | Kind::BrokenPipe
        | Kind::HostUnreachable
        | Kind::InvalidData
        | Kind::NotConnected
        | Kind::TimedOut
        | Kind::UnexpectedEof) => Liveness::Failing(kind.to_string()),
        _ => Liveness::Unknown(format!("this machine: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_this_machine_lacks_says_nothing_of_the_node() {
        // Linux: EPERM, EMFILE, ENFILE, EADDRNOTAVAIL, ENETUNREACH, ENOBUFS.
        for errno in [1, 24, 23, 99, 101, 105] {
            let error = io::Error::from_raw_os_error(errno);
            assert!(matches!(broken(&error), Liveness::Unknown(_)), "{error}");
        }
    }

    #[test]
    fn what_the_other_end_does_is_failing() {
        // Linux: ECONNREFUSED, ECONNRESET, EPIPE, EHOSTUNREACH, ETIMEDOUT.
        for errno in [111, 104, 32, 113, 110] {
            let error = io::Error::from_raw_os_error(errno);
            assert!(matches!(broken(&error), Liveness::Failing(_)), "{error}");
        }
    }
}
