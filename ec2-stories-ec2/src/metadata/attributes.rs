//! Metadata among the attributes of a deployment.

use ec2_stories_core::model::NodeAddress;
use ec2_stories_core::{Attributes, Result};

use super::{IdentityDocument, InstanceMetadata, Metadata};

impl InstanceMetadata {
    /// Sets `metadata.instance_id`, `metadata.placement.availability_zone` and the like on a node.
    pub fn publish(&self, node: &NodeAddress, attributes: &mut Attributes) {
        let index = self.ami_launch_index.to_string();
        let groups = self.security_groups.join(",");
        let values = [
            ("instance_id", Some(self.instance_id.as_str())),
            ("instance_type", Some(self.instance_type.as_str())),
            ("ami_id", Some(self.ami_id.as_str())),
            ("ami_launch_index", Some(&index)),
            ("reservation_id", Some(self.reservation_id.as_str())),
            ("placement.region", Some(self.region.as_str())),
            ("placement.availability_zone", Some(self.availability_zone.as_str())),
            ("instance_life_cycle", self.life_cycle.as_deref()),
            ("mac", Some(&self.mac)),
            ("local_ipv4", Some(&self.local_ipv4)),
            ("local_hostname", Some(&self.local_hostname)),
            ("public_ipv4", self.public_ipv4.as_deref()),
            ("public_hostname", self.public_hostname.as_deref()),
            ("security_groups", Some(&groups)),
            ("iam.role", self.role.as_deref()),
        ];
        for (key, value) in values {
            if let Some(value) = value {
                attributes.set(node, format!("metadata.{key}"), value);
            }
        }
    }
}

impl IdentityDocument {
    /// Sets `metadata.identity.account_id` and the like on a node.
    pub fn publish(&self, node: &NodeAddress, attributes: &mut Attributes) {
        let mut set =
            |key: &str, value: &str| attributes.set(node, format!("metadata.identity.{key}"), value);
        set("account_id", &self.account_id);
        set("architecture", &self.architecture);
        set("pending_time", &self.pending_time.to_string());
    }
}

impl Metadata {
    /// Reads everything and sets it on a node: metadata, the identity document, `metadata.tags.KEY` for each tag that
    /// a path can name, and `metadata.user_data` where that is text without a private key.
    ///
    /// # Errors
    /// As [`get`](Self::get); nothing is set then.
    pub async fn publish(&self, node: &NodeAddress, attributes: &mut Attributes) -> Result<()> {
        let (instance, identity) = (self.instance().await?, self.identity().await?);
        let (tags, data) = (self.tags().await?.unwrap_or_default(), self.user_data().await?);
        instance.publish(node, attributes);
        identity.publish(node, attributes);
        for (key, value) in tags.iter().filter(|(key, _)| can_be_named(key)) {
            attributes.set(node, format!("metadata.tags.{key}"), value);
        }
        let text = data.and_then(|bytes| String::from_utf8(bytes).ok());
        if let Some(text) = text.filter(|text| !text.contains("PRIVATE KEY-----")) {
            attributes.set(node, "metadata.user_data", text);
        }
        Ok(())
    }
}

fn can_be_named(key: &str) -> bool {
    key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | ':'))
}
