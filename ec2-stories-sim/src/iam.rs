//! The little of IAM that EC2 looks at: roles and instance profiles.

use std::collections::BTreeSet;

use crate::sim::Sim;

/// Names of what the account has.
#[derive(Clone, Debug)]
pub(crate) struct Iam {
    pub(crate) roles: BTreeSet<String>,
    pub(crate) instance_profiles: BTreeSet<String>,
}

impl Default for Iam {
    fn default() -> Self {
        Self { roles: BTreeSet::from(["vmimport".to_owned()]), instance_profiles: BTreeSet::new() }
    }
}

impl Sim {
    /// Adds an instance profile that launches may name.
    pub fn add_instance_profile(&self, name: &str) {
        self.world().iam.instance_profiles.insert(name.to_owned());
    }

    /// Adds a service role that imports may name. `vmimport` is there from the start.
    pub fn add_role(&self, name: &str) {
        self.world().iam.roles.insert(name.to_owned());
    }

    /// Takes a role away: an account that never imported anything has no `vmimport`.
    pub fn remove_role(&self, name: &str) {
        self.world().iam.roles.remove(name);
    }
}
