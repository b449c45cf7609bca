//! Removing a deployment's groups.

use std::time::Duration;

use aws_sdk_ec2::types::SecurityGroup;
use ec2_stories_core::model::{Name, SecurityGroupId};
use ec2_stories_core::{Error, ErrorKind, Result};
use tokio::time::{Instant, sleep};

use super::permissions;
use super::rule::{EcRule, Peer};
use crate::api::{Api, Call};
use crate::tags::owned_by;

/// For how long instances that are being terminated may hold a group. Most let go within a minute.
const PATIENCE: Duration = Duration::from_secs(300);

const LONGEST_PAUSE: Duration = Duration::from_secs(15);

pub(super) async fn remove_groups(api: &Api, deployment: &Name) -> Result<Vec<SecurityGroupId>> {
    let groups = list(api, deployment).await?;
    let ids: Vec<String> =
        groups.iter().filter_map(|group| group.group_id().map(ToOwned::to_owned)).collect();
    for group in &groups {
        untie(api, group, &ids).await?;
    }
    let give_up = Instant::now() + PATIENCE;
    let mut left = ids.clone();
    let mut pause = Duration::from_secs(1);
    loop {
        let mut held = Vec::new();
        for id in left {
            match delete(api, &id).await {
                Ok(()) => {}
                // What another has tied to it since, or a lost reply: try again as long as there is time.
                Err(error) if error.kind() == ErrorKind::InUse || !error.is_permanent() => {
                    held.push((id, error));
                }
                Err(error) => return Err(error.on(id)),
            }
        }
        let Some((first, error)) = held.first() else { return Ok(ids.into_iter().map(Into::into).collect()) };
        if Instant::now() + pause > give_up {
            let message = format!("still in use after {} s: {}", PATIENCE.as_secs(), error.message());
            return Err(Error::new(ErrorKind::InUse, message)
                .during("DeleteSecurityGroup")
                .on(first.clone()));
        }
        left = held.into_iter().map(|(id, _)| id).collect();
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

async fn list(api: &Api, deployment: &Name) -> Result<Vec<SecurityGroup>> {
    let mut groups = Vec::new();
    let mut next = None;
    loop {
        let request = api
            .client
            .describe_security_groups()
            .filters(owned_by(deployment))
            .max_results(1_000)
            .set_next_token(next);
        let page = api.call(Call::reading("DescribeSecurityGroups"), request.send()).await?;
        groups.extend_from_slice(page.security_groups());
        next = page.next_token().filter(|token| !token.is_empty()).map(ToOwned::to_owned);
        if next.is_none() {
            return Ok(groups);
        }
    }
}

/// Groups that name each other in their rules cannot be deleted, in no order.
async fn untie(api: &Api, group: &SecurityGroup, siblings: &[String]) -> Result<()> {
    let id = group.group_id().unwrap_or_default();
    let names_sibling =
        |rule: &EcRule| matches!(&rule.key.peer, Peer::Group(peer) if peer != id && siblings.contains(peer));
    let ties: Vec<EcRule> =
        permissions::read(group.ip_permissions()).into_iter().filter(names_sibling).collect();
    if ties.is_empty() {
        return Ok(());
    }
    let request = api
        .client
        .revoke_security_group_ingress()
        .group_id(id)
        .set_ip_permissions(Some(permissions::write(&ties)));
    match api.call(Call::changing("RevokeSecurityGroupIngress").of(ties.len()), request.send()).await {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error.on(id)),
    }
}

async fn delete(api: &Api, id: &str) -> Result<()> {
    let request = api.client.delete_security_group().group_id(id);
    match api.call(Call::changing("DeleteSecurityGroup"), request.send()).await {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}
