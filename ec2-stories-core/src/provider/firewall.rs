//! Firewalls.

use std::fmt;

use async_trait::async_trait;

use crate::Result;
use crate::model::{FirewallPolicy, Name, SecurityGroupId, SubnetId};

/// Keeps one security group per fleet in the state that a policy describes.
///
/// # Contract
/// - `converge` makes the fleet's group where it is missing (tagged in the same call), adds the rules that are missing,
///   revokes those that are too many, and touches no other. A second time it changes nothing.
/// - Rules that are meant to be there stay in force throughout: nothing is revoked before what replaces it is there.
/// - [`Source::Fleet`](crate::model::Source::Fleet) is resolved to that fleet's own group, which must exist: groups are
///   converged without such rules first where fleets refer to each other.
/// - `remove_groups` removes all groups of the deployment, and no other; those that are gone are a success. It outlasts the time in which
///   instances that are being terminated still hold a group, up to a bound of its own, and then fails with
///   [`InUse`](crate::ErrorKind::InUse), naming the group.
/// - Both may be dropped and repeated.
///
/// # Errors
/// [`Invalid`](crate::ErrorKind::Invalid) for a policy that the cloud refuses, [`Limit`](crate::ErrorKind::Limit) for its quotas.
#[async_trait]
pub trait Firewall: fmt::Debug + Send + Sync {
    /// Brings the fleet's group to the policy, in the VPC of `subnet` or the default VPC.
    async fn converge(
        &self,
        deployment: &Name,
        fleet: &Name,
        subnet: Option<&SubnetId>,
        policy: &FirewallPolicy,
    ) -> Result<SecurityGroupId>;

    /// Removes the deployment's groups and says which.
    async fn remove_groups(&self, deployment: &Name) -> Result<Vec<SecurityGroupId>>;
}
