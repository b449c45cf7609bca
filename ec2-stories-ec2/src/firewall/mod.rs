//! Security groups brought to a policy by difference.

mod converge;
mod diff;
mod group;
mod my_address;
mod permissions;
mod remove;
mod rule;

use async_trait::async_trait;
use ec2_stories_core::Result;
use ec2_stories_core::model::{FirewallPolicy, Name, SecurityGroupId, SubnetId};
use ec2_stories_core::provider::Firewall;

pub use my_address::PublicAddress;
pub(crate) use my_address::default_public_address;

use crate::Ec2;

#[async_trait]
impl Firewall for Ec2 {
    async fn converge(
        &self,
        deployment: &Name,
        fleet: &Name,
        subnet: Option<&SubnetId>,
        policy: &FirewallPolicy,
    ) -> Result<SecurityGroupId> {
        converge::converge(self, deployment, fleet, subnet, policy).await
    }

    async fn remove_groups(&self, deployment: &Name) -> Result<Vec<SecurityGroupId>> {
        remove::remove_groups(self.api(), deployment).await
    }
}

/// A group's inbound rules, one a line.
pub(crate) fn rules_as_text(group: &aws_sdk_ec2::types::SecurityGroup) -> Vec<String> {
    permissions::read(group.ip_permissions()).iter().map(ToString::to_string).collect()
}
