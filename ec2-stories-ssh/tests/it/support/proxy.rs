//! A TCP proxy that can be cut, and muted.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::task::AbortOnDropHandle;

/// Hands connections on until it is cut.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    task: Option<AbortOnDropHandle<()>>,
    muted: watch::Sender<bool>,
    stuck: watch::Sender<bool>,
}

impl Proxy {
    pub(crate) async fn to(server: SocketAddr) -> Self {
        // What a proxy that sticks has not taken is to be small beside what the kernel would hold.
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(16 * 1024).unwrap();
        socket.bind((server.ip(), 0).into()).unwrap();
        let listener = socket.listen(16).unwrap();
        let address = listener.local_addr().unwrap();
        let (muted, mute) = watch::channel(false);
        let (stuck, stick) = watch::channel(false);
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((from, _)) = listener.accept().await {
                let (read, write) = from.into_split();
                let (server_read, server_write) = TcpStream::connect(server).await.unwrap().into_split();
                connections.spawn(hand_on(read, server_write, mute.clone(), stick.clone()));
                connections.spawn(hand_on(server_read, write, mute.clone(), stick.clone()));
            }
        });
        Self { address, task: Some(AbortOnDropHandle::new(task)), muted, stuck }
    }

    /// Drops every connection, and the port.
    pub(crate) fn cut(&mut self) {
        self.task = None;
    }

    /// Keeps every connection, and loses all that is sent.
    pub(crate) fn mute(&self) {
        self.muted.send(true).unwrap();
    }

    /// Keeps every connection, and takes nothing more from it.
    pub(crate) fn stick(&self) {
        self.stuck.send(true).unwrap();
    }
}

async fn hand_on(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    muted: watch::Receiver<bool>,
    stuck: watch::Receiver<bool>,
) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        if *stuck.borrow() {
            std::future::pending::<()>().await;
        }
        if !*muted.borrow() && to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}
