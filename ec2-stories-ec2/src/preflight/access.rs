//! Key pair and security groups: there.

use ec2_stories_core::ErrorKind;
use ec2_stories_core::provider::Finding;

use super::Checked;
use crate::api::Call;

pub(super) async fn key(checked: &Checked<'_>) -> Vec<Finding> {
    let Some(name) = &checked.request.key else { return Vec::new() };
    let request = checked.api.client.describe_key_pairs().key_names(name.as_str());
    match checked.api.call(Call::reading("DescribeKeyPairs"), request.send()).await {
        Ok(_) => Vec::new(),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            vec![checked.error("key", format!("there is no key pair {name}"))]
        }
        Err(error) => vec![checked.unchecked("key", &error)],
    }
}

pub(super) async fn groups(checked: &Checked<'_>) -> Vec<Finding> {
    let groups: Vec<String> = checked.request.security_groups.iter().map(ToString::to_string).collect();
    if groups.is_empty() {
        return Vec::new();
    }
    let request = checked.api.client.describe_security_groups().set_group_ids(Some(groups));
    match checked.api.call(Call::reading("DescribeSecurityGroups"), request.send()).await {
        Ok(_) => Vec::new(),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            vec![checked.error("security_groups", error.message())]
        }
        Err(error) => vec![checked.unchecked("security_groups", &error)],
    }
}
