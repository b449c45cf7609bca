//! Snapshots: of volumes, copied, shared, deleted.

mod attributes;
mod create;
mod delete;
mod describe;

pub(crate) use attributes::{describe_snapshot_attribute, modify_snapshot_attribute};
pub(crate) use create::{copied, copy_snapshot, create_snapshot, get_ebs_encryption_by_default};
pub(crate) use delete::{delete_snapshot, in_use};
pub(crate) use describe::describe_snapshots;
