//! Tuple stores: in memory, and on files.

mod file;
mod memory;
mod name;

pub use file::FileStore;
pub use memory::{MemoryStore, StoreOperation};
pub use name::check_name;

use crate::provider::{Expect, Version};
use crate::{Error, ErrorKind, Result};

/// Whether what is there is what a change expects.
fn met(name: &str, current: Option<&Version>, expect: &Expect) -> Result<()> {
    let why = match (expect, current) {
        (Expect::Anything, _) | (Expect::Absent, None) => return Ok(()),
        (Expect::Unchanged(expected), Some(version)) if expected == version => return Ok(()),
        (Expect::Absent, Some(_)) => "exists already",
        (Expect::Unchanged(_), Some(_)) => "has another version",
        (Expect::Unchanged(_), None) => "is gone",
    };
    Err(Error::new(ErrorKind::Conflict, why).on(name))
}
