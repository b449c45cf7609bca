//! Failures and places, as the machine remembers them.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::{InstanceType, Placement};
use crate::{Error, ErrorKind, Status};

/// What is kept of an error: enough to decide by, and to tell people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Its kind.
    pub kind: ErrorKind,
    /// Its status.
    pub status: Status,
    /// Its text, causes included.
    pub message: String,
}

impl Failure {
    /// A permanent failure.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, status: Status::Permanent, message: message.into() }
    }

    /// What a wait for an instance says of the instance, and not of whoever watched it: it ended, or was seen not to
    /// run when its time was over.
    pub(super) fn is_the_instances_own(&self) -> bool {
        matches!(self.kind, ErrorKind::Failed | ErrorKind::Timeout) && self.status == Status::Permanent
    }

    /// The type and place that were asked for cannot be had; another may.
    pub(super) fn is_capacity(&self) -> bool {
        matches!(self.kind, ErrorKind::Capacity | ErrorKind::Unsupported) && self.status != Status::Ambiguous
    }

    /// The cloud will not have it, and will not by itself: not a lack of room, nor a limit, which has room again once others
    /// have ended or an hour is over, nor something amiss on this side.
    pub(super) fn is_refusal(&self) -> bool {
        use ErrorKind::{Capacity, Io, Limit, Unavailable};
        let passes = matches!(self.kind, Capacity | Limit | Unavailable | Io);
        self.status == Status::Permanent && !passes
    }

    /// A reply that settles what became of earlier calls under the same token: the cloud checks the token first,
    /// then what there is room for.
    pub(super) fn settles_earlier_calls(&self) -> bool {
        self.is_capacity() || (self.kind == ErrorKind::Limit && self.status == Status::Permanent)
    }
}

impl From<&Error> for Failure {
    fn from(error: &Error) -> Self {
        Self { kind: error.kind(), status: error.status_of(), message: error.chain() }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        Error::new(failure.kind, failure.message).status(failure.status)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// An instance type somewhere: what a capacity answer is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Place {
    /// The type.
    pub instance_type: InstanceType,
    /// Where.
    pub placement: Placement,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.instance_type)?;
        match (&self.placement.zone, &self.placement.subnet) {
            (_, Some(subnet)) => write!(f, " in {subnet}"),
            (Some(zone), None) => write!(f, " in {zone}"),
            (None, None) => Ok(()),
        }
    }
}
