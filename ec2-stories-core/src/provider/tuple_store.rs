//! Named tuples with versions.

use std::fmt;

use async_trait::async_trait;

use crate::Result;

/// A tuple's version: opaque, and different after every change.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Version(pub String);

/// A stored tuple.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tuple {
    /// Its bytes.
    pub value: Vec<u8>,
    /// Its version.
    pub version: Version,
}

/// What must be there for a change to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expect {
    /// Whatever.
    Anything,
    /// No tuple of this name.
    Absent,
    /// This very version.
    Unchanged(Version),
}

/// Keeps named tuples.
///
/// # Contract
/// - A name is 1 to 512 bytes of segments between single slashes; a segment is `[A-Za-z0-9._-]+`, not `.` or `..`, and at most
///   128 bytes. Other names are [`Invalid`](crate::ErrorKind::Invalid).
/// - When `put` or `delete` has returned, the change survives a crash of the process and, on a disk, of the machine.
/// - Of two changes that expect the same, one wins; the other is [`Conflict`](crate::ErrorKind::Conflict) and changed nothing.
/// - `get` never returns a half-written or damaged value: that is [`Corrupt`](crate::ErrorKind::Corrupt), naming the tuple.
/// - `delete` of what is absent is a success unless a version was expected.
/// - `list` returns all names that begin with the prefix, sorted; the prefix need not end at a slash, and may be empty.
/// - Reads are cancel-safe; a change that was dropped may have been made.
///
/// # Errors
/// As above, and [`Io`](crate::ErrorKind::Io) or the service's own.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait TupleStore: fmt::Debug + Send + Sync {
    /// The tuple, or `None`.
    async fn get(&self, name: &str) -> Result<Option<Tuple>>;

    /// Stores a tuple and returns its version.
    async fn put(&self, name: &str, value: &[u8], expect: Expect) -> Result<Version>;

    /// Removes a tuple.
    async fn delete(&self, name: &str, expect: Expect) -> Result<()>;

    /// The names that begin with `prefix`.
    async fn list(&self, prefix: &str) -> Result<Vec<String>>;
}
