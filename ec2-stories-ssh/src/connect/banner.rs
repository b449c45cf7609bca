//! The first line that an SSH server sends, read before the protocol starts.
//!
//! A port that is open is not yet a server: a booting machine, or a proxy before it, may accept and stay silent. Reading
//! the line on the connection that is then used costs the server no half-open login, for which newer ones punish a client.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};

use super::Stream;

/// What came instead of a banner.
#[derive(Debug)]
pub(crate) enum NoBanner {
    /// The stream ended or failed first.
    Ended(io::Error),
    /// Something else than SSH answers here: how it began.
    Other(String),
}

/// A server may send other lines first (RFC 4253, section 4.2), but not many.
const MAX_BEFORE: usize = 8 * 1024;

/// Reads up to the end of the server's identification, and gives the stream back as if nothing had been read.
pub(crate) async fn read_banner(
    mut stream: Box<dyn Stream>,
) -> Result<impl AsyncRead + AsyncWrite + Send + Unpin + 'static, NoBanner> {
    let mut read = Vec::with_capacity(64);
    loop {
        // Byte by byte: what follows the line belongs to the protocol.
        let byte = stream.read_u8().await.map_err(NoBanner::Ended)?;
        read.push(byte);
        if byte == b'\n' && last_line(&read).starts_with(b"SSH-2.0-") {
            break;
        }
        if read.len() > MAX_BEFORE || (byte == b'\n' && last_line(&read).starts_with(b"HTTP/")) {
            let shown: String =
                String::from_utf8_lossy(&read).chars().filter(|c| !c.is_control()).take(60).collect();
            return Err(NoBanner::Other(shown));
        }
    }
    let (receive, send) = tokio::io::split(stream);
    Ok(tokio::io::join(AsyncReadExt::chain(io::Cursor::new(read), receive), send))
}

fn last_line(read: &[u8]) -> &[u8] {
    let end = read.len() - 1;
    let start = read[..end].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    &read[start..end]
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;

    use super::*;

    async fn banner_of(sent: &[u8]) -> Result<Vec<u8>, NoBanner> {
        let (mut server, client) = tokio::io::duplex(64 * 1024);
        server.write_all(sent).await.unwrap();
        drop(server);
        let mut stream = read_banner(Box::new(client)).await?;
        let mut all = Vec::new();
        stream.read_to_end(&mut all).await.unwrap();
        Ok(all)
    }

    #[tokio::test]
    async fn nothing_that_was_read_is_lost() {
        let sent = b"Welcome\r\nSSH-2.0-OpenSSH_9.2\r\nbinary\x00";
        assert_eq!(banner_of(sent).await.unwrap(), sent);
    }

    #[tokio::test]
    async fn another_protocol_is_named() {
        let Err(NoBanner::Other(seen)) = banner_of(b"HTTP/1.1 400 Bad Request\r\n\r\n").await else {
            panic!("must be refused");
        };
        assert!(seen.starts_with("HTTP/1.1 400"), "{seen}");
    }

    #[tokio::test]
    async fn silence_and_an_end_is_no_banner() {
        assert!(matches!(banner_of(b"").await, Err(NoBanner::Ended(_))));
    }
}
