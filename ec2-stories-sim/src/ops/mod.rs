//! Handlers, one file a family. A handler checks, changes the cloud and answers; it neither waits nor reads a clock.
#![allow(clippy::needless_pass_by_value)] // All have one signature, which dispatch calls.

pub(crate) mod attributes;
pub(crate) mod console;
pub(crate) mod describe;
pub(crate) mod fleet;
pub(crate) mod images;
pub(crate) mod imports;
pub(crate) mod keys;
pub(crate) mod launch;
pub(crate) mod lifecycle;
pub(crate) mod security_groups;
pub(crate) mod show;
pub(crate) mod snapshots;
pub(crate) mod spot;
pub(crate) mod status;
pub(crate) mod sts;
pub(crate) mod tags;
pub(crate) mod templates;
pub(crate) mod types;
pub(crate) mod volumes;
pub(crate) mod vpc;

#[cfg(test)]
mod testing;
