//! Bringing a group to its policy.

use aws_sdk_ec2::types::SecurityGroup;
use ec2_stories_core::model::{FirewallPolicy, Name, SecurityGroupId, Source, SubnetId};
use ec2_stories_core::{Error, ErrorKind, Result};
use ipnet::IpNet;
use tracing::Instrument;

use super::diff::{Diff, diff};
use super::rule::{EcRule, Peer, expand};
use super::{group, permissions};
use crate::Ec2;
use crate::api::{Api, Call, settling};
use crate::tags::shared_name;

/// Somebody else who changes the same group at the same time is outlasted for so many rounds.
const ROUNDS: usize = 4;

/// The group has as many rules as the account's quota allows.
const FULL: &str = "RulesPerSecurityGroupLimitExceeded";

pub(super) async fn converge(
    ec2: &Ec2,
    deployment: &Name,
    fleet: &Name,
    subnet: Option<&SubnetId>,
    policy: &FirewallPolicy,
) -> Result<SecurityGroupId> {
    let span = tracing::info_span!("ec2.converge", %deployment, %fleet);
    async {
        policy.check("firewall")?;
        let vpc = group::vpc(ec2, subnet).await?;
        let mut group = group::ensure(ec2.api(), deployment, fleet, &vpc).await?;
        let id = group.group_id().unwrap_or_default().to_owned();
        let wanted = wanted(ec2, deployment, fleet, &id, &vpc, policy).await?;
        for round in 1.. {
            let diff = diff(&permissions::read(group.ip_permissions()), &wanted);
            if diff.is_empty() {
                break;
            }
            match settling(|| apply(ec2.api(), &id, &diff)).await {
                Ok(()) => break,
                Err(error) if round < ROUNDS && raced(&error) => group = read_again(ec2.api(), &id).await?,
                Err(error) => return Err(error.on(id)),
            }
        }
        Ok(id.into())
    }
    .instrument(span)
    .await
}

/// The rule was added or revoked in between: by another, or by a call whose reply was lost.
fn raced(error: &Error) -> bool {
    matches!(error.api_code(), Some("InvalidPermission.Duplicate" | "InvalidPermission.NotFound"))
        || error.is_ambiguous()
}

async fn wanted(
    ec2: &Ec2,
    deployment: &Name,
    fleet: &Name,
    own_group: &str,
    vpc: &str,
    policy: &FirewallPolicy,
) -> Result<Vec<EcRule>> {
    let mut wanted = Vec::new();
    for (index, rule) in policy.rules.iter().enumerate() {
        let field = format!("firewall.rules[{index}].source");
        let peers = match &rule.source {
            Source::Anywhere => vec![net("0.0.0.0/0"), net("::/0")],
            Source::MyAddress => vec![Peer::Net(IpNet::from(ec2.public_address().find().await?))],
            Source::Cidr(net) => vec![Peer::Net(net.trunc())],
            Source::Group(id) => vec![Peer::Group(id.to_string())],
            Source::Fleet(name) if name == fleet => vec![Peer::Group(own_group.to_owned())],
            Source::Fleet(name) => vec![fleet_group(ec2, deployment, name, vpc, &field).await?],
        };
        wanted.extend(expand(rule, &peers, &field)?);
    }
    Ok(wanted)
}

async fn fleet_group(ec2: &Ec2, deployment: &Name, fleet: &Name, vpc: &str, field: &str) -> Result<Peer> {
    let found = group::find(ec2.api(), deployment, &shared_name(deployment, fleet), vpc).await?;
    let id = found.and_then(|group| group.group_id().map(ToOwned::to_owned));
    let missing =
        || Error::new(ErrorKind::NotFound, format!("fleet {fleet} has no security group in {vpc}")).on(field);
    id.map(Peer::Group).ok_or_else(missing)
}

fn net(text: &str) -> Peer {
    Peer::Net(text.parse().expect("a network"))
}

/// Adds first and revokes last, so that what is meant to be there stays in force throughout.
async fn apply(api: &Api, id: &str, diff: &Diff) -> Result<()> {
    match add(api, id, &diff.add).await {
        // No room for both beside each other: the surplus makes way.
        Err(error) if error.api_code() == Some(FULL) && !diff.revoke.is_empty() => {
            revoke(api, id, &diff.revoke).await?;
            add(api, id, &diff.add).await?;
            describe(api, id, &diff.describe).await?;
        }
        added => {
            added?;
            describe(api, id, &diff.describe).await?;
            revoke(api, id, &diff.revoke).await?;
        }
    }
    let Diff { add, describe, revoke } = diff;
    tracing::info!(added = add.len(), described = describe.len(), revoked = revoke.len(), "converged");
    Ok(())
}

async fn add(api: &Api, id: &str, rules: &[EcRule]) -> Result<()> {
    if rules.is_empty() {
        return Ok(());
    }
    let permissions = Some(permissions::write(rules));
    let request = api.client.authorize_security_group_ingress().group_id(id).set_ip_permissions(permissions);
    let call = Call::changing("AuthorizeSecurityGroupIngress").of(rules.len());
    api.call(call, request.send()).await.map(drop)
}

async fn describe(api: &Api, id: &str, rules: &[EcRule]) -> Result<()> {
    if rules.is_empty() {
        return Ok(());
    }
    let permissions = Some(permissions::write(rules));
    let request = api
        .client
        .update_security_group_rule_descriptions_ingress()
        .group_id(id)
        .set_ip_permissions(permissions);
    let call = Call::changing("UpdateSecurityGroupRuleDescriptionsIngress").of(rules.len());
    api.call(call, request.send()).await.map(drop)
}

async fn revoke(api: &Api, id: &str, rules: &[EcRule]) -> Result<()> {
    if rules.is_empty() {
        return Ok(());
    }
    let permissions = Some(permissions::write(rules));
    let request = api.client.revoke_security_group_ingress().group_id(id).set_ip_permissions(permissions);
    let call = Call::changing("RevokeSecurityGroupIngress").of(rules.len());
    api.call(call, request.send()).await.map(drop)
}

async fn read_again(api: &Api, id: &str) -> Result<SecurityGroup> {
    let request = api.client.describe_security_groups().group_ids(id);
    let reply = api.call(Call::reading("DescribeSecurityGroups"), request.send()).await?;
    let group = reply.security_groups().first().cloned();
    group.ok_or_else(|| Error::new(ErrorKind::NotFound, "the group is gone").on(id))
}
