//! The whole tree of an instance's metadata, dynamic data and user data.
//!
//! Source: EC2 user guide, "Instance metadata categories". What would have to be signed by AWS is not there.

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::json;

use super::facts::{Facts, Network, Profile};
use super::listing::Tree;
use crate::state::events::{ScheduledEvent, Stage};

/// Everything below `/latest`.
pub(super) fn of(facts: &Facts) -> Tree {
    let mut tree = Tree::new();
    let mut set = |path: &str, value: &dyn ToString| {
        tree.insert(format!("meta-data/{path}"), Bytes::from(value.to_string()));
    };
    set("ami-id", &facts.image);
    set("ami-launch-index", &facts.launch_index);
    set("ami-manifest-path", &"(unknown)");
    let (scheduled, history): (Vec<_>, Vec<_>) =
        facts.events.iter().partition(|event| event.stage(facts.now) == Stage::Active);
    set("events/maintenance/history", &maintenance(&history, facts.now));
    set("events/maintenance/scheduled", &maintenance(&scheduled, facts.now));
    set("hibernation/configured", &"false");
    set("instance-action", &"none");
    set("instance-id", &facts.instance_id);
    set("instance-life-cycle", if facts.spot { &"spot" } else { &"on-demand" });
    set("instance-type", &facts.instance_type);
    set("placement/availability-zone", &facts.zone);
    set("placement/availability-zone-id", &facts.zone_id);
    set("placement/region", &facts.region);
    set("profile", &"default-hvm");
    set("reservation-id", &facts.reservation);
    set("services/domain", &"amazonaws.com");
    set("services/partition", &"aws");
    set("system", &"nitro");
    set("block-device-mapping/ami", &facts.root_device);
    set("block-device-mapping/root", &facts.root_device);
    for (number, device) in facts.devices.iter().enumerate() {
        set(&format!("block-device-mapping/ebs{}", number + 1), &device.trim_start_matches("/dev/"));
    }
    if let Some((name, line)) = &facts.key {
        set("public-keys/0/openssh-key", &named_key(name, line));
    }
    if let Some(ends) = facts.ends {
        let ends = ends.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        set("spot/instance-action", &json!({ "action": "terminate", "time": ends }));
        set("spot/termination-time", &ends);
    }
    for (key, value) in facts.tags.iter().flatten().filter(|(key, _)| !key.contains(['/', ' '])) {
        set(&format!("tags/instance/{key}"), value);
    }
    if let Some(found) = &facts.network {
        network(&mut set, found, &facts.account);
    }
    if let Some(profile) = &facts.profile {
        iam(&mut set, profile, facts);
    }
    tree.insert("dynamic/instance-identity/document".to_owned(), Bytes::from(document(facts)));
    if let Some(data) = &facts.user_data {
        tree.insert("user-data".to_owned(), Bytes::copy_from_slice(data));
    }
    tree
}

/// Source: EC2 user guide, "Instance metadata categories": `events/maintenance/scheduled`, and the example in "View scheduled
/// events".
fn maintenance(events: &[&ScheduledEvent], now: Timestamp) -> String {
    let time = |at: Timestamp| at.strftime("%d %b %Y %H:%M:%S GMT").to_string();
    let shown = events.iter().map(|event| {
        let state = match event.stage(now) {
            Stage::Active => "active",
            Stage::Completed => "completed",
            Stage::Canceled => "canceled",
        };
        json!({
            "NotBefore": time(event.not_before),
            "Code": event.code,
            "Description": event.description(now),
            "EventId": event.id,
            "NotAfter": time(event.not_after()),
            "State": state,
        })
    });
    serde_json::Value::Array(shown.collect()).to_string()
}

/// A line of OpenSSH's with the key pair's name as its comment.
fn named_key(name: &str, line: &str) -> String {
    let key: Vec<&str> = line.split_whitespace().take(2).collect();
    format!("{} {name}\n", key.join(" "))
}

fn network(set: &mut dyn FnMut(&str, &dyn ToString), found: &Network, account: &str) {
    let lines =
        |part: fn(&(String, String)) -> &str| found.groups.iter().map(part).collect::<Vec<_>>().join("\n");
    let (ids, names) = (lines(|(id, _)| id), lines(|(_, name)| name));
    set("hostname", &found.private_dns);
    set("local-hostname", &found.private_dns);
    set("local-ipv4", &found.private_ip);
    set("mac", &found.mac);
    set("security-groups", &names);
    let mut set_here = |name: &str, value: &dyn ToString| {
        set(&format!("network/interfaces/macs/{}/{name}", found.mac), value);
    };
    set_here("device-number", &0);
    set_here("interface-id", &found.interface);
    set_here("local-hostname", &found.private_dns);
    set_here("local-ipv4s", &found.private_ip);
    set_here("mac", &found.mac);
    set_here("owner-id", &account);
    set_here("security-group-ids", &ids);
    set_here("security-groups", &names);
    set_here("subnet-id", &found.subnet);
    set_here("vpc-id", &found.vpc);
    if let Some(cidr) = found.subnet_cidr {
        set_here("subnet-ipv4-cidr-block", &cidr);
    }
    if let Some(cidr) = found.vpc_cidr {
        set_here("vpc-ipv4-cidr-block", &cidr);
        set_here("vpc-ipv4-cidr-blocks", &cidr);
    }
    if let Some((address, name)) = &found.public {
        set_here(&format!("ipv4-associations/{address}"), &found.private_ip);
        set_here("public-hostname", name);
        set_here("public-ipv4s", address);
        set("public-hostname", name);
        set("public-ipv4", address);
    }
}

fn iam(set: &mut dyn FnMut(&str, &dyn ToString), profile: &Profile, facts: &Facts) {
    let info = json!({
        "Code": "Success",
        "LastUpdated": facts.launched.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "InstanceProfileArn": profile.arn,
        "InstanceProfileId": profile.id,
    });
    set("iam/info", &format!("{info:#}"));
    set(&format!("iam/security-credentials/{}", profile.role), &profile.credentials);
}

/// Source: EC2 user guide, "Instance identity documents".
fn document(facts: &Facts) -> String {
    let document = json!({
        "accountId": facts.account,
        "architecture": facts.architecture,
        "availabilityZone": facts.zone,
        "billingProducts": null,
        "devpayProductCodes": null,
        "marketplaceProductCodes": null,
        "imageId": facts.image,
        "instanceId": facts.instance_id,
        "instanceType": facts.instance_type,
        "kernelId": null,
        "pendingTime": facts.launched.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "privateIp": facts.network.as_ref().map(|network| &network.private_ip),
        "ramdiskId": null,
        "region": facts.region,
        "version": "2017-09-30",
    });
    format!("{document:#}")
}
