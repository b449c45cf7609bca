//! EBS volumes, which come with instances and go with them or stay.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::wire::ApiError;

#[derive(Clone, Debug)]
pub(crate) struct Volume {
    pub(crate) id: String,
    pub(crate) zone: String,
    pub(crate) zone_id: String,
    pub(crate) size_gib: i32,
    pub(crate) kind: String,
    pub(crate) iops: Option<i32>,
    pub(crate) throughput: Option<i32>,
    pub(crate) encrypted: bool,
    pub(crate) kms_key: Option<String>,
    pub(crate) snapshot: Option<String>,
    pub(crate) created: Timestamp,
    pub(crate) visible_at: Timestamp,
    pub(crate) attachment: Option<Attachment>,
}

#[derive(Clone, Debug)]
pub(crate) struct Attachment {
    pub(crate) instance: String,
    pub(crate) device: String,
    pub(crate) at: Timestamp,
    pub(crate) delete_on_termination: bool,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Volumes {
    by_id: BTreeMap<String, Volume>,
    deleted: BTreeSet<String>,
}

impl Volumes {
    pub(crate) fn insert(&mut self, volume: Volume) {
        self.by_id.insert(volume.id.clone(), volume);
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Volume> {
        self.by_id.values()
    }

    pub(crate) fn set_delete_on_termination(&mut self, id: &str, delete: bool) {
        if let Some(attachment) = self.by_id.get_mut(id).and_then(|volume| volume.attachment.as_mut()) {
            attachment.delete_on_termination = delete;
        }
    }

    /// Source: "Error codes for the Amazon EC2 API", InvalidVolume.NotFound, InvalidVolumeID.Malformed.
    pub(crate) fn known(&self, id: &str, now: Timestamp) -> Result<&Volume, ApiError> {
        if !id.starts_with("vol-") {
            return Err(ApiError::malformed_id("InvalidVolumeID.Malformed", id, "vol"));
        }
        self.by_id.get(id).filter(|volume| volume.visible_at <= now).ok_or_else(|| {
            ApiError::new("InvalidVolume.NotFound", format!("The volume '{id}' does not exist."))
        })
    }

    /// Source: DeleteVolume: the volume must be in the `available` state.
    pub(crate) fn delete(&mut self, id: &str, now: Timestamp) -> Result<(), ApiError> {
        if let Some(attachment) = &self.known(id, now)?.attachment {
            let message = format!("Volume {id} is currently attached to {}", attachment.instance);
            return Err(ApiError::new("VolumeInUse", message));
        }
        self.remove(id);
        Ok(())
    }

    /// Deletes what goes with an instance and detaches the rest.
    pub(crate) fn instance_ended(&mut self, instance: &str) {
        let mut gone = Vec::new();
        for volume in self.by_id.values_mut() {
            let Some(attachment) = volume.attachment.take_if(|a| a.instance == instance) else { continue };
            if attachment.delete_on_termination {
                gone.push(volume.id.clone());
            }
        }
        for id in gone {
            self.remove(&id);
        }
    }

    /// Volumes deleted since the last question.
    pub(crate) fn take_deleted(&mut self) -> BTreeSet<String> {
        std::mem::take(&mut self.deleted)
    }

    fn remove(&mut self, id: &str) {
        self.by_id.remove(id);
        self.deleted.insert(id.to_owned());
    }
}
