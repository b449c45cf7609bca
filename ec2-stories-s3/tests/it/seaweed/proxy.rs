//! A way to the server that breaks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Passes everything on, until it is told otherwise. It ends when it is dropped.
pub(crate) struct Proxy {
    port: u16,
    faults: Arc<Faults>,
    listener: JoinHandle<()>,
}

struct Faults {
    /// After so many bytes of answers, a connection breaks.
    cut_after: AtomicU64,
    cuts: AtomicU32,
    /// How many answers to a changing request get lost.
    lose: AtomicU32,
}

impl Proxy {
    pub(crate) async fn to(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let faults = Arc::new(Faults {
            cut_after: AtomicU64::new(u64::MAX),
            cuts: AtomicU32::new(0),
            lose: AtomicU32::new(0),
        });
        let shared = faults.clone();
        let listener = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let faults = shared.clone();
                tokio::spawn(async move {
                    let server = TcpStream::connect(("127.0.0.1", server)).await?;
                    pass(client, server, &faults).await
                });
            }
        });
        Self { port, faults, listener }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Breaks every connection after so many bytes of answers.
    pub(crate) fn cut_after(&self, bytes: u64) {
        self.faults.cut_after.store(bytes, Ordering::Relaxed);
    }

    /// How many connections it has broken.
    pub(crate) fn cuts(&self) -> u32 {
        self.faults.cuts.load(Ordering::Relaxed)
    }

    /// Loses the answers to the next changes: the server carries them out, and nobody hears of it.
    pub(crate) fn lose_answers(&self, changes: u32) {
        self.faults.lose.store(changes, Ordering::Relaxed);
    }

    /// How many answers are still to be lost.
    pub(crate) fn to_be_lost(&self) -> u32 {
        self.faults.lose.load(Ordering::Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

async fn pass(mut client: TcpStream, mut server: TcpStream, faults: &Faults) -> std::io::Result<()> {
    let (mut up, mut down) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
    let (mut changes, mut answered) = (false, 0);
    loop {
        tokio::select! {
            read = client.read(&mut up) => {
                let bytes = &up[..read?];
                if bytes.is_empty() {
                    return Ok(());
                }
                if bytes.starts_with(b"GET ") || bytes.starts_with(b"HEAD ") {
                    changes = false;
                } else if bytes.starts_with(b"PUT ") || bytes.starts_with(b"DELETE ") {
                    changes = true;
                }
                server.write_all(bytes).await?;
            }
            read = server.read(&mut down) => {
                let bytes = &down[..read?];
                if bytes.is_empty() {
                    return Ok(());
                }
                let less = |left: u32| left.checked_sub(1);
                if changes && faults.lose.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok() {
                    return Ok(());
                }
                answered += bytes.len() as u64;
                client.write_all(bytes).await?;
                if answered > faults.cut_after.load(Ordering::Relaxed) {
                    faults.cuts.fetch_add(1, Ordering::Relaxed);
                    return Ok(());
                }
            }
        }
    }
}
