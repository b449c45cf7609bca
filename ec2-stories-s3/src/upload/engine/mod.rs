//! What performs an upload.
//!
//! [`Job`] is one upload with its state. Its way: look what is there ([`look`]), take up or create the upload in parts ([`session`]),
//! send the parts ([`transfer`]), have S3 put them together ([`complete`]); [`cleanup`] is the way out. Streams and
//! small content have short cuts of their own ([`whole`], [`stream`]).

mod cleanup;
mod complete;
mod feed;
mod file;
mod look;
mod notes;
mod send;
mod session;
mod stream;
mod transfer;
mod whole;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ec2_stories_core::{Error, Result};
use jiff::Timestamp;

pub(super) use send::Sum;

use super::buffers::Buffers;
use super::file::SourceFile;
use super::handle::Uploaded;
use super::journal::{Journal, Parts};
use super::progress::Meter;
use super::requests::Requests;
use super::spec::{Kind, UploadSpec};
use super::wire::Wire;
use crate::S3;
use feed::Whole;

/// How often an upload begins anew because the one in parts is gone, or another change of the object was in the way.
const BEGINNINGS: u32 = 3;

/// One upload.
#[derive(Debug)]
pub(super) struct Job {
    requests: Arc<Requests>,
    meter: Arc<Meter>,
    buffers: Buffers,
    journal: Option<Journal>,
    part_size: Option<u64>,
    state: Mutex<State>,
}

/// What would be left at S3 if the upload stopped now.
#[derive(Debug, Default)]
enum Stage {
    /// Nothing.
    #[default]
    Nothing,
    /// An upload in parts that may have been created, then or later.
    Creating(Timestamp),
    /// An upload in parts.
    Open(String),
}

#[derive(Debug, Default)]
struct State {
    stage: Stage,
    /// The acknowledged parts, to be noted when the upload is kept.
    parts: Parts,
}

/// Why an upload did not end as it should.
#[derive(Debug)]
enum Failure {
    /// It may succeed if it begins anew.
    Anew(Error),
    Final(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        if super::wire::is_gone(&error) { Self::Anew(error) } else { Self::Final(error) }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        let (Failure::Anew(error) | Failure::Final(error)) = failure;
        error
    }
}

impl Job {
    /// The job, and what it is about.
    pub(super) fn new(s3: S3, spec: UploadSpec) -> (Self, Kind) {
        let UploadSpec { content, target, journal, part_size, connections, on_drop: _ } = spec;
        // Only a file is the same when the process has died.
        let journal = journal.filter(|_| matches!(content.0, Kind::File(_) | Kind::Opened(_)));
        let job = Self {
            journal: journal.map(|store| Journal::new(store, &target.bucket, &target.key)),
            requests: Arc::new(Requests::new(Wire::new(s3, target), connections)),
            meter: Arc::new(Meter::new(None)),
            buffers: Buffers::default(),
            part_size,
            state: Mutex::default(),
        };
        (job, content.0)
    }

    pub(super) fn meter(&self) -> &Arc<Meter> {
        &self.meter
    }

    /// Whether it can go on later.
    pub(super) fn can_be_kept(&self) -> bool {
        self.journal.is_some()
    }

    pub(super) async fn run(&self, content: Kind) -> Result<Uploaded> {
        match content {
            Kind::File(path) => self.upload_whole(Whole::File(SourceFile::open(path).await?)).await,
            Kind::Opened(file) => self.upload_whole(Whole::File(file)).await,
            Kind::Bytes(bytes) => self.upload_whole(Whole::Memory(bytes)).await,
            Kind::Stream(reader) => self.upload_stream(reader).await,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
