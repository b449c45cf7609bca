//! EBS snapshots.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::wire::ApiError;

/// What a snapshot that was made of no volume names as its volume.
pub(crate) const NO_VOLUME: &str = "vol-ffffffff";

#[derive(Clone, Debug)]
pub(crate) struct Snapshot {
    pub(crate) id: String,
    pub(crate) owner: String,
    pub(crate) description: String,
    pub(crate) size_gib: i32,
    pub(crate) encrypted: bool,
    pub(crate) kms_key: Option<String>,
    pub(crate) volume: String,
    pub(crate) started: Timestamp,
    /// When it is `completed`, or `error` where it fails. Nothing while somebody still writes its blocks.
    pub(crate) ends: Option<Timestamp>,
    /// Why it ends as `error`.
    pub(crate) failure: Option<String>,
    /// From when calls that name the snapshot know it.
    pub(crate) visible_at: Timestamp,
    /// Who may make volumes of it.
    pub(crate) permissions: Permissions,
    /// A test put it here before it began, so it is no leak.
    pub(crate) seeded: bool,
}

/// Accounts that may use a snapshot beside its owner, and whether everyone may.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Permissions {
    pub(crate) public: bool,
    pub(crate) accounts: BTreeSet<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SnapshotState {
    Pending,
    Completed,
    Error,
}

impl SnapshotState {
    /// Source: API reference, Snapshot, member `status`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Completed => "completed",
            Self::Error => "error",
        }
    }
}

impl Snapshot {
    /// One of so many GiB that is completed at once and that nobody else sees.
    pub(crate) fn completed(id: String, owner: &str, size_gib: i32, at: Timestamp) -> Self {
        Self {
            id,
            owner: owner.to_owned(),
            description: String::new(),
            size_gib,
            encrypted: false,
            kms_key: None,
            volume: NO_VOLUME.to_owned(),
            started: at,
            ends: Some(at),
            failure: None,
            visible_at: at,
            permissions: Permissions::default(),
            seeded: false,
        }
    }

    pub(crate) fn state(&self, now: Timestamp) -> SnapshotState {
        match self.ends {
            Some(end) if end <= now && self.failure.is_some() => SnapshotState::Error,
            Some(end) if end <= now => SnapshotState::Completed,
            _ => SnapshotState::Pending,
        }
    }

    /// How far it is, in percent.
    pub(crate) fn progress(&self, now: Timestamp) -> u8 {
        self.ends.map_or(0, |end| percent(self.started, end, now))
    }

    /// Whether an account may make volumes and images of it.
    pub(crate) fn usable_by(&self, account: &str) -> bool {
        self.owner == account || self.permissions.public || self.permissions.accounts.contains(account)
    }
}

/// How much of the time from `start` to `end` has passed.
pub(crate) fn percent(start: Timestamp, end: Timestamp, now: Timestamp) -> u8 {
    let whole = end.duration_since(start).as_secs_f64();
    if whole <= 0.0 || now >= end {
        return 100;
    }
    let passed = now.duration_since(start).as_secs_f64().max(0.0);
    // Below 100 by the check above.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let percent = (passed / whole * 100.0) as u8;
    percent
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Snapshots(BTreeMap<String, Snapshot>);

impl Snapshots {
    pub(crate) fn insert(&mut self, snapshot: Snapshot) {
        self.0.insert(snapshot.id.clone(), snapshot);
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Snapshot> {
        self.0.values()
    }

    pub(crate) fn get_mut(&mut self, id: &str) -> Option<&mut Snapshot> {
        self.0.get_mut(id)
    }

    /// A snapshot that `account` may use and that calls know by now.
    ///
    /// Source: "Error codes for the Amazon EC2 API", InvalidSnapshotID.Malformed, InvalidSnapshot.NotFound.
    pub(crate) fn known(&self, id: &str, account: &str, now: Timestamp) -> Result<&Snapshot, ApiError> {
        if !well_formed(id) {
            return Err(ApiError::malformed_id("InvalidSnapshotID.Malformed", id, "snap"));
        }
        let found =
            self.0.get(id).filter(|snapshot| snapshot.visible_at <= now && snapshot.usable_by(account));
        found.ok_or_else(|| not_found(id))
    }

    /// A snapshot of the caller's own, as what changes it wants.
    pub(crate) fn own(&self, id: &str, account: &str, now: Timestamp) -> Result<&Snapshot, ApiError> {
        let snapshot = self.known(id, account, now)?;
        if snapshot.owner == account {
            return Ok(snapshot);
        }
        let message = format!("You do not have permission to access the snapshot '{id}'.");
        Err(ApiError::new("AuthFailure", message).with_status(403))
    }

    /// A snapshot from which something can be made.
    ///
    /// Source: "Error codes for the Amazon EC2 API", IncorrectState.
    pub(crate) fn usable(&self, id: &str, account: &str, now: Timestamp) -> Result<&Snapshot, ApiError> {
        let snapshot = self.known(id, account, now)?;
        match snapshot.state(now) {
            SnapshotState::Completed => Ok(snapshot),
            state => {
                let message = format!("Snapshot is in invalid state - {}", state.name());
                Err(ApiError::new("IncorrectState", message))
            }
        }
    }

    pub(crate) fn remove(&mut self, id: &str) {
        self.0.remove(id);
    }
}

/// `snap-` and hexadecimal digits. Source: EC2 user guide, "Resource IDs".
fn well_formed(id: &str) -> bool {
    id.strip_prefix("snap-")
        .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_hexdigit()))
}

pub(crate) fn not_found(id: &str) -> ApiError {
    ApiError::new("InvalidSnapshot.NotFound", format!("The snapshot '{id}' does not exist."))
}
