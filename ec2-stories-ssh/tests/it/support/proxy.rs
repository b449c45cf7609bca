//! A TCP proxy that can be cut.

use std::net::SocketAddr;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::task::AbortOnDropHandle;

/// Hands connections on until it is cut.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    task: Option<AbortOnDropHandle<()>>,
}

impl Proxy {
    pub(crate) async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind((server.ip(), 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((mut from, _)) = listener.accept().await {
                connections.spawn(async move {
                    let mut to = TcpStream::connect(server).await?;
                    copy_bidirectional(&mut from, &mut to).await
                });
            }
        });
        Self { address, task: Some(AbortOnDropHandle::new(task)) }
    }

    /// Drops every connection, and the port.
    pub(crate) fn cut(&mut self) {
        self.task = None;
    }
}
