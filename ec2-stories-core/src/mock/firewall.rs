//! The mock firewall. mockall cannot name the lifetime in the trait's `Option<&SubnetId>`, so the mock takes the subnet by
//! value, and the trait goes through to it.

use async_trait::async_trait;
use mockall::mock;

use crate::Result;
use crate::model::{FirewallPolicy, Name, SecurityGroupId, SubnetId};
use crate::provider::Firewall;

mock! {
    /// A mock of [`Firewall`](crate::provider::Firewall); expectations see the subnet by value.
    #[derive(Debug)]
    pub Firewall {
        /// Expected as [`Firewall::converge`](crate::provider::Firewall::converge).
        pub fn converge(
            &self,
            deployment: &Name,
            fleet: &Name,
            subnet: Option<SubnetId>,
            policy: &FirewallPolicy,
        ) -> Result<SecurityGroupId>;

        /// Expected as [`Firewall::remove_groups`](crate::provider::Firewall::remove_groups).
        pub fn remove_groups(&self, deployment: &Name) -> Result<Vec<SecurityGroupId>>;
    }
}

#[async_trait]
impl Firewall for MockFirewall {
    async fn converge(
        &self,
        deployment: &Name,
        fleet: &Name,
        subnet: Option<&SubnetId>,
        policy: &FirewallPolicy,
    ) -> Result<SecurityGroupId> {
        MockFirewall::converge(self, deployment, fleet, subnet.cloned(), policy)
    }

    async fn remove_groups(&self, deployment: &Name) -> Result<Vec<SecurityGroupId>> {
        MockFirewall::remove_groups(self, deployment)
    }
}
