//! Import tasks: from an object in S3 to a snapshot.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::snapshots::percent;
use crate::wire::ApiError;
use crate::wire::Sensitive;

#[derive(Clone, Debug)]
pub(crate) struct Import {
    pub(crate) id: String,
    pub(crate) description: String,
    /// What the caller gave: a bucket and a key, or a URL.
    pub(crate) bucket: Option<(String, String)>,
    pub(crate) url: Option<Sensitive>,
    pub(crate) format: String,
    /// The object's size in bytes.
    pub(crate) bytes: u64,
    pub(crate) encrypted: bool,
    pub(crate) kms_key: Option<String>,
    pub(crate) started: Timestamp,
    /// When it is completed, or failed.
    pub(crate) ends: Timestamp,
    pub(crate) failure: Option<String>,
    pub(crate) canceled: Option<Canceled>,
    /// The snapshot that it makes: nobody knows it before the task is completed.
    pub(crate) snapshot: String,
    pub(crate) visible_at: Timestamp,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Canceled {
    pub(crate) deleted_at: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ImportState {
    Active,
    Completed,
    Error,
    Deleting,
    Deleted,
}

impl ImportState {
    /// Source: VM Import/Export user guide, "Check the status of your import task".
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Completed => "completed",
            Self::Error => "error",
            Self::Deleting => "deleting",
            Self::Deleted => "deleted",
        }
    }
}

impl Import {
    pub(crate) fn state(&self, now: Timestamp) -> ImportState {
        match &self.canceled {
            Some(canceled) if now < canceled.deleted_at => ImportState::Deleting,
            Some(_) => ImportState::Deleted,
            None if now < self.ends => ImportState::Active,
            None if self.failure.is_some() => ImportState::Error,
            None => ImportState::Completed,
        }
    }

    /// In percent, while it is active.
    pub(crate) fn progress(&self, now: Timestamp) -> u8 {
        percent(self.started, self.ends, now)
    }

    /// What it is doing, or why it failed.
    pub(crate) fn message(&self, now: Timestamp) -> Option<String> {
        match self.state(now) {
            ImportState::Active => Some(phase(self.progress(now)).to_owned()),
            ImportState::Error => self.failure.clone(),
            ImportState::Deleting => Some("User initiated task cancellation.".to_owned()),
            ImportState::Completed | ImportState::Deleted => None,
        }
    }
}

/// Source: VM Import/Export user guide, "Check the status of your import task".
fn phase(progress: u8) -> &'static str {
    match progress {
        0..10 => "pending",
        10..30 => "validating",
        30..90 => "downloading/converting",
        _ => "updating",
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Imports {
    by_id: BTreeMap<String, Import>,
    /// How many may be active at a time.
    pub(crate) limit: usize,
}

/// VM Import/Export user guide, "VM Import/Export quotas".
const ACTIVE: usize = 20;

impl Default for Imports {
    fn default() -> Self {
        Self { by_id: BTreeMap::new(), limit: ACTIVE }
    }
}

impl Imports {
    pub(crate) fn insert(&mut self, import: Import) {
        self.by_id.insert(import.id.clone(), import);
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Import> {
        self.by_id.values()
    }

    pub(crate) fn active(&self, now: Timestamp) -> impl Iterator<Item = &Import> {
        self.all().filter(move |import| import.state(now) == ImportState::Active)
    }

    pub(crate) fn get(&self, id: &str) -> Option<&Import> {
        self.by_id.get(id)
    }

    pub(crate) fn get_mut(&mut self, id: &str) -> Option<&mut Import> {
        self.by_id.get_mut(id)
    }

    /// Source: "Error codes for the Amazon EC2 API", InvalidConversionTaskId and its `.Malformed`: import tasks share
    /// them with the older conversion tasks.
    pub(crate) fn known(&self, id: &str, now: Timestamp) -> Result<&Import, ApiError> {
        if !id.starts_with("import-snap-") {
            let message = format!("Invalid conversion task ID: \"{id}\"");
            return Err(ApiError::new("InvalidConversionTaskId.Malformed", message));
        }
        self.by_id.get(id).filter(|import| import.visible_at <= now).ok_or_else(|| {
            ApiError::new("InvalidConversionTaskId", format!("The import task ID '{id}' does not exist"))
        })
    }
}
