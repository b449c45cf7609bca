//! Fleets of type `instant`: a record of one launch.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::wire::ApiError;
use crate::wire::generated::ec2::CreateFleetResponse;

#[derive(Clone, Debug)]
pub(crate) struct Fleet {
    pub(crate) id: String,
    pub(crate) created: Timestamp,
    pub(crate) client_token: Option<String>,
    pub(crate) target: i32,
    pub(crate) deleted: bool,
    /// What CreateFleet answered, which a replay answers again.
    pub(crate) reply: CreateFleetResponse,
}

impl Fleet {
    pub(crate) fn instance_ids(&self) -> Vec<String> {
        self.reply.instances.iter().flat_map(|launched| launched.instance_ids.clone()).collect()
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Fleets(BTreeMap<String, Fleet>);

impl Fleets {
    pub(crate) fn insert(&mut self, fleet: Fleet) {
        self.0.insert(fleet.id.clone(), fleet);
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Fleet> {
        self.0.values()
    }

    pub(crate) fn get_mut(&mut self, id: &str) -> Option<&mut Fleet> {
        self.0.get_mut(id)
    }

    pub(crate) fn get(&self, id: &str) -> Result<&Fleet, ApiError> {
        self.0.get(id).ok_or_else(|| {
            ApiError::new("InvalidFleetId.NotFound", format!("The fleet ID '{id}' does not exist"))
        })
    }
}
