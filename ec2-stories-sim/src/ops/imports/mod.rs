//! ImportSnapshot and its tasks.

mod describe;
mod disk;
mod import;

pub(crate) use describe::{cancel_import_task, describe_import_snapshot_tasks};
pub(crate) use import::import_snapshot;
