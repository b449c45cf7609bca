//! What can be found out about an instance that does not do what it should.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ec2_stories_core::model::{Diagnosis, InstanceId};
use ec2_stories_core::{Error, ErrorKind, Result};
use futures::join;

use crate::api::{Api, Call};
use crate::convert;
use crate::firewall::rules_as_text;

/// How much of the console is shown.
const TAIL_LINES: usize = 10;
const TAIL_BYTES: usize = 2_000;

/// Collects what it can get; what it cannot get is left out.
pub(crate) async fn diagnose(api: &Api, id: &InstanceId) -> Diagnosis {
    let (seen, console_tail) = join!(from_outside(api, id), console_tail(api, id));
    Diagnosis { console_tail, ..seen }
}

/// What EC2 itself says, fit for errors, which end up in logs and journals. Guests print passwords on their console.
pub(crate) async fn from_outside(api: &Api, id: &InstanceId) -> Diagnosis {
    let (instance, status_checks) = join!(instance(api, id), status_checks(api, id));
    let mut diagnosis = Diagnosis { status_checks, ..Diagnosis::default() };
    if let Some(instance) = instance {
        diagnosis.state = instance.state().map(convert::state);
        diagnosis.state_reason = instance.state_reason().map(convert::state_reason);
        let groups: Vec<String> = instance
            .security_groups()
            .iter()
            .filter_map(|group| group.group_id().map(ToOwned::to_owned))
            .collect();
        diagnosis.firewall_rules = inbound(api, groups).await;
    }
    diagnosis
}

async fn instance(api: &Api, id: &InstanceId) -> Option<aws_sdk_ec2::types::Instance> {
    let request = api.client.describe_instances().instance_ids(id.as_str());
    let reply = api.call(Call::reading("DescribeInstances"), request.send()).await.ok()?;
    reply.reservations().iter().flat_map(aws_sdk_ec2::types::Reservation::instances).next().cloned()
}

async fn status_checks(api: &Api, id: &InstanceId) -> Option<(String, String)> {
    let request = api.client.describe_instance_status().instance_ids(id.as_str()).include_all_instances(true);
    let reply = api.call(Call::reading("DescribeInstanceStatus"), request.send()).await.ok()?;
    let status = reply.instance_statuses().first()?;
    let word = |summary: Option<&aws_sdk_ec2::types::InstanceStatusSummary>| {
        summary.and_then(|summary| summary.status()).map_or("unknown", |status| status.as_str()).to_owned()
    };
    Some((word(status.system_status()), word(status.instance_status())))
}

async fn console_tail(api: &Api, id: &InstanceId) -> Option<String> {
    let tail = tail(&console(api, id).await.ok()??);
    (!tail.is_empty()).then_some(tail)
}

/// All that EC2 keeps of the console.
pub(crate) async fn console(api: &Api, id: &InstanceId) -> Result<Option<String>> {
    let request = api.client.get_console_output().instance_id(id.as_str());
    let reply = api.call(Call::reading("GetConsoleOutput"), request.send()).await?;
    let Some(output) = reply.output() else { return Ok(None) };
    let bytes = STANDARD.decode(output).map_err(|error| {
        Error::new(ErrorKind::Unexpected, "the console's output is not in base64")
            .on(id.to_string())
            .because(error)
    })?;
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()).filter(|text| !text.is_empty()))
}

fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.trim_end().lines().collect();
    let tail = lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n");
    let start = tail.len().saturating_sub(TAIL_BYTES);
    let start = (start..=tail.len()).find(|at| tail.is_char_boundary(*at)).unwrap_or(tail.len());
    tail[start..].to_owned()
}

async fn inbound(api: &Api, groups: Vec<String>) -> Vec<String> {
    if groups.is_empty() {
        return Vec::new();
    }
    let request = api.client.describe_security_groups().set_group_ids(Some(groups));
    match api.call(Call::reading("DescribeSecurityGroups"), request.send()).await {
        Ok(reply) => reply.security_groups().iter().flat_map(rules_as_text).collect(),
        Err(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_console_shows_its_last_lines_and_no_more_than_two_kilobytes() {
        let log: String = (0..100).map(|line| format!("line {line}\n")).collect();
        assert_eq!(tail(&log).lines().count(), 10);
        assert!(tail(&log).ends_with("line 99"));
        assert!(tail(&"é".repeat(5_000)).len() <= TAIL_BYTES);
    }
}
