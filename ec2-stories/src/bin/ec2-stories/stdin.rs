//! What is piped into the program, handed on to commands on nodes.

use std::io::{self, Cursor, IsTerminal, Read};
use std::sync::{Arc, Mutex, PoisonError};

use ec2_stories::{Error, ErrorKind};
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use tokio::io::AsyncRead;
use tokio::sync::{mpsc, watch};
use tokio_util::io::StreamReader;

/// What is kept in memory for several nodes, of which some read it later than others.
const KEPT: usize = 64 * 1024 * 1024;
const CHUNK: usize = 64 * 1024;
/// Chunks that are read before anybody takes them.
const AHEAD: usize = 16;

type Chunk = Arc<[u8]>;

/// Standard input: for one node a stream, for several kept until the last of them has read it.
pub(crate) struct Stdin {
    source: Source,
    broken: watch::Receiver<Option<String>>,
}

enum Source {
    One(Mutex<Option<mpsc::Receiver<Chunk>>>),
    Each(watch::Receiver<Kept>),
}

#[derive(Debug, Default)]
struct Kept {
    chunks: Vec<Chunk>,
    length: usize,
    whole: bool,
}

impl Stdin {
    /// For so many nodes; `None` where nothing is piped in: what is typed is for this program alone.
    pub(crate) fn of_this_process(nodes: usize) -> Option<Self> {
        let stdin = io::stdin();
        (!stdin.is_terminal()).then(|| Self::of(stdin, nodes, KEPT))
    }

    fn of(from: impl Read + Send + 'static, nodes: usize, keep: usize) -> Self {
        let (tell, broken) = watch::channel(None);
        let chunks = read(from, tell.clone());
        let source = match nodes {
            0 | 1 => Source::One(Mutex::new(Some(chunks))),
            _ => Source::Each(kept(chunks, keep, tell)),
        };
        Self { source, broken }
    }

    /// For one node: all of it, from the beginning. It does not end where that is [broken](Self::broken).
    pub(crate) fn reader(&self) -> impl AsyncRead + Send + Unpin + use<> {
        let broken = self.broken.clone();
        let chunks: BoxStream<'static, Chunk> = match &self.source {
            Source::One(chunks) => {
                let chunks = chunks.lock().unwrap_or_else(PoisonError::into_inner).take();
                let next = |chunks: Option<mpsc::Receiver<Chunk>>| async {
                    let mut chunks = chunks?;
                    Some((chunks.recv().await?, Some(chunks)))
                };
                stream::unfold(chunks, next).boxed()
            }
            Source::Each(kept) => {
                let next = |(mut kept, at): (watch::Receiver<Kept>, usize)| async move {
                    let more = |kept: &Kept| kept.chunks.len() > at || kept.whole;
                    let chunk = kept.wait_for(more).await.ok()?.chunks.get(at).cloned()?;
                    Some((chunk, (kept, at + 1)))
                };
                stream::unfold((kept.clone(), 0), next).boxed()
            }
        };
        let end = stream::once(async move {
            if broken.borrow().is_some() {
                std::future::pending::<()>().await;
            }
        });
        let chunks = chunks.map(Ok::<_, io::Error>).map(|chunk| chunk.map(Cursor::new));
        StreamReader::new(chunks.chain(end.map(|()| Ok(Cursor::new(Chunk::from([]))))).boxed())
    }

    /// Comes back when not all of it will come.
    pub(crate) async fn broken(&self) -> Error {
        let why = self.broken.clone().wait_for(Option::is_some).await.ok().and_then(|why| why.clone());
        match why {
            Some(why) => Error::new(ErrorKind::Io, why),
            None => std::future::pending().await,
        }
    }
}

/// A thread of its own: one that waits for more would hold up the runtime's end.
fn read(
    mut from: impl Read + Send + 'static,
    broken: watch::Sender<Option<String>>,
) -> mpsc::Receiver<Chunk> {
    let (sender, receiver) = mpsc::channel(AHEAD);
    std::thread::spawn(move || {
        let mut buffer = vec![0; CHUNK];
        loop {
            match from.read(&mut buffer) {
                Ok(0) => return,
                Ok(read) if sender.blocking_send(buffer[..read].into()).is_err() => return,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    broken.send_replace(Some(format!("standard input cannot be read: {error}")));
                    return;
                }
            }
        }
    });
    receiver
}

fn kept(
    mut chunks: mpsc::Receiver<Chunk>,
    limit: usize,
    broken: watch::Sender<Option<String>>,
) -> watch::Receiver<Kept> {
    let (sender, receiver) = watch::channel(Kept::default());
    tokio::spawn(async move {
        while let Some(chunk) = chunks.recv().await {
            if sender.borrow().length + chunk.len() > limit {
                let why = format!(
                    "more than {} MiB were piped in, which is too much for several nodes: `copy` it first",
                    KEPT >> 20
                );
                broken.send_replace(Some(why));
                break;
            }
            sender.send_modify(|kept| {
                kept.length += chunk.len();
                kept.chunks.push(chunk);
            });
        }
        // Without a word, those who read it would take it for whole.
        let whole = broken.borrow().is_none();
        sender.send_modify(|kept| kept.whole = whole);
        sender.closed().await;
    });
    receiver
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::*;

    async fn all(stdin: &Stdin) -> Vec<u8> {
        let mut bytes = Vec::new();
        stdin.reader().read_to_end(&mut bytes).await.unwrap();
        bytes
    }

    /// Some bytes, and then an error.
    struct Cut(&'static [u8]);

    impl Read for Cut {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            match Read::read(&mut self.0, into)? {
                0 => Err(io::Error::other("no such disk")),
                read => Ok(read),
            }
        }
    }

    #[tokio::test]
    async fn every_node_reads_all_of_it_however_late() {
        let text: Vec<u8> = (0..200_000_u32).flat_map(u32::to_le_bytes).collect();
        let one = Stdin::of(Cursor::new(text.clone()), 1, 1);
        assert_eq!(all(&one).await, text, "one node's is not kept, and has no limit");
        let several = Stdin::of(Cursor::new(text.clone()), 2, text.len());
        assert_eq!(all(&several).await, text);
        assert_eq!(all(&several).await, text);
    }

    #[tokio::test]
    async fn what_does_not_come_whole_has_no_end_but_a_reason() {
        for nodes in [1, 2] {
            let cut = Stdin::of(Cut(b"half"), nodes, 10);
            let why = tokio::select! {
                why = cut.broken() => why,
                bytes = all(&cut) => panic!("{bytes:?} is not all"),
            };
            assert!(why.to_string().contains("no such disk"), "{why}");
        }
        let long = Stdin::of(Cursor::new(vec![0; 11]), 2, 10);
        assert!(long.broken().await.to_string().contains("too much for several nodes"));
    }
}
