//! One call between its arrival and its reply: what it is, what strikes it, how far its body came.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::future::poll_fn;
use http_body::{Body as _, Frame, SizeHint};
use s3s::{Body, StdError};

use crate::fault::Struck;

#[derive(Debug, Default)]
pub(crate) struct Exchange {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
pub(crate) struct State {
    /// Its index in the log, once the operation is known.
    pub(crate) logged: Option<usize>,
    pub(crate) struck: Struck,
    /// Bytes of its body that arrived.
    pub(crate) received: u64,
    /// A fault cut the connection while the body arrived.
    pub(crate) cut: bool,
}

impl Exchange {
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request's body on its way in: counted, and cut off or held up halfway where a fault says so.
#[derive(Clone, Debug)]
pub(crate) struct Intake {
    body: Arc<Mutex<Body>>,
    exchange: Arc<Exchange>,
    /// After so many bytes a fault strikes: half of what was announced.
    halfway: u64,
}

impl Intake {
    pub(crate) fn new(body: Body, length: Option<u64>, exchange: Arc<Exchange>) -> Self {
        Self { body: Arc::new(Mutex::new(body)), exchange, halfway: length.unwrap_or_default() / 2 }
    }

    /// Reads what the service left unread: a client that still sends may not see a reply.
    pub(crate) async fn drain(mut self) {
        while let Some(Ok(_)) = poll_fn(|cx| Pin::new(&mut self).poll_frame(cx)).await {}
    }

    /// Counts what arrives; of what a fault will cut off, the first half alone does.
    fn count(&self, mut data: Bytes) -> Bytes {
        let mut state = self.exchange.state();
        if state.struck.reset_midway || state.struck.stalled {
            let room = self.halfway.max(1).saturating_sub(state.received);
            data.truncate(usize::try_from(room).unwrap_or(usize::MAX));
        }
        state.received += data.len() as u64;
        data
    }

    fn body(&self) -> MutexGuard<'_, Body> {
        self.body.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl http_body::Body for Intake {
    type Data = Bytes;
    type Error = StdError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, StdError>>> {
        {
            let mut state = self.exchange.state();
            if state.received > 0 && state.received >= self.halfway {
                if state.struck.reset_midway {
                    state.cut = true;
                    return Poll::Ready(Some(Err("the connection was reset".into())));
                }
                if state.struck.stalled {
                    return Poll::Pending;
                }
            }
        }
        let polled = Pin::new(&mut *self.body()).poll_frame(cx);
        polled.map_ok(|frame| match frame.into_data() {
            Ok(data) => Frame::data(self.count(data)),
            Err(frame) => frame,
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body().is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body().size_hint()
    }
}
