//! Nodes that are watched, each in little room: what a launch's nodes have in common is kept once.

use std::collections::HashMap;
use std::sync::Arc;

use crate::Attributes;
use crate::model::{Instance, InstanceId, LoginSpec, Name, NodeAddress, ReservationId};
use crate::provider::Node;

/// What one node has for itself.
#[derive(Debug)]
pub(in crate::monitor) struct Record {
    common: Arc<Common>,
    launch_index: u32,
    /// Whether its verdict has changed since somebody asked.
    pub(super) unread: bool,
    /// The verdict that was read last.
    pub(super) read: Read,
    /// Id, private and public address, private and public name, one a line.
    text: Box<str>,
}

/// A verdict, as far as a repetition is no news.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Read {
    Nothing,
    Live,
    Leaving,
    Replace,
}

/// What a launch's nodes have in common.
#[derive(Debug, PartialEq)]
struct Common {
    deployment: Name,
    fleet: Name,
    /// Without what each has for itself.
    instance: Instance,
    login: LoginSpec,
}

/// The records' common parts, and what the deployments have learned.
#[derive(Debug, Default)]
pub(super) struct Archive {
    /// By fleet and launch; the nodes of a launch are seldom of more than one kind.
    commons: HashMap<(Name, ReservationId), Vec<Arc<Common>>>,
    /// The newest that anybody brought: a probe sees what is known now, not what was known when the watch began.
    attributes: HashMap<Name, Attributes>,
}

impl Archive {
    pub(super) fn record(&mut self, node: &Node) -> Record {
        self.attributes.insert(node.deployment.clone(), node.attributes.clone());
        let Instance { id, private_ip, public_ip, private_dns, public_dns, .. } = &node.instance;
        let own = [Some(id.as_str()), private_ip.as_deref(), public_ip.as_deref(), private_dns.as_deref()];
        let own = own.into_iter().chain([public_dns.as_deref()]).map(Option::unwrap_or_default);
        let text = own.collect::<Vec<_>>().join("\n").into_boxed_str();
        let launch_index = node.instance.launch_index;
        Record { common: self.common(node), launch_index, unread: false, read: Read::Nothing, text }
    }

    fn common(&mut self, node: &Node) -> Arc<Common> {
        let instance = Instance {
            id: InstanceId::new(""),
            launch_index: 0,
            private_ip: None,
            public_ip: None,
            private_dns: None,
            public_dns: None,
            ..node.instance.clone()
        };
        let (deployment, fleet) = (node.deployment.clone(), node.address.fleet.clone());
        let common = Common { deployment, fleet, instance, login: node.login.clone() };
        let key = (common.fleet.clone(), common.instance.reservation.clone());
        let known = self.commons.entry(key).or_default();
        if let Some(known) = known.iter().find(|known| ***known == common) {
            return known.clone();
        }
        let common = Arc::new(common);
        known.push(common.clone());
        common
    }

    /// Gives up what nobody has in common any more.
    pub(super) fn release(&mut self, record: Record) {
        let common = record.common;
        let key = (common.fleet.clone(), common.instance.reservation.clone());
        drop(common);
        if let Some(known) = self.commons.get_mut(&key) {
            known.retain(|common| Arc::strong_count(common) > 1);
            if known.is_empty() {
                self.commons.remove(&key);
            }
        }
    }

    /// The node, as it was when it was recorded, but for what its deployment has learned since.
    pub(super) fn node(&self, record: &Record, slot: u32) -> Node {
        let mut lines = record.text.split('\n').map(|line| (!line.is_empty()).then(|| line.to_owned()));
        let mut next = || lines.next().flatten();
        let common = &record.common;
        let instance = Instance {
            id: InstanceId::new(next().unwrap_or_default()),
            launch_index: record.launch_index,
            private_ip: next(),
            public_ip: next(),
            private_dns: next(),
            public_dns: next(),
            ..common.instance.clone()
        };
        Node {
            deployment: common.deployment.clone(),
            address: NodeAddress::new(common.fleet.clone(), slot),
            instance,
            attributes: self.attributes.get(&common.deployment).cloned().unwrap_or_default(),
            login: common.login.clone(),
        }
    }
}

impl Record {
    pub(super) fn instance(&self) -> InstanceId {
        InstanceId::new(self.text.split('\n').next().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{InstanceState, Tags};

    fn node(slot: u32, zone: &str) -> Node {
        let instance = Instance {
            id: InstanceId::new(format!("i-{slot}")),
            state: InstanceState::Running,
            state_reason: None,
            reservation: "r-1".into(),
            launch_index: slot,
            token: None,
            image: "ami-1".into(),
            instance_type: "t3.micro".into(),
            zone: zone.into(),
            private_ip: Some(format!("10.0.0.{slot}")),
            public_ip: None,
            private_dns: None,
            public_dns: Some(format!("ec2-{slot}.example.org")),
            spot: false,
            launched_at: None,
            tags: Tags::new().with("role", "web"),
        };
        Node {
            deployment: Name::new("shop").unwrap(),
            address: NodeAddress::new(Name::new("web").unwrap(), slot),
            instance,
            attributes: Attributes::new(),
            login: LoginSpec::default(),
        }
    }

    #[test]
    fn a_node_comes_back_as_it_was_with_what_is_known_by_now() {
        let mut archive = Archive::default();
        let (first, mut second) = (node(1, "a"), node(2, "b"));
        let record = archive.record(&first);
        second.attributes.publish(&second.address, &second.instance);
        archive.record(&second);
        let back = archive.node(&record, 1);
        assert_eq!((back.deployment, back.address), (first.deployment, first.address));
        assert_eq!((back.instance, back.login), (first.instance, first.login));
        assert_eq!(back.attributes, second.attributes);
        assert_eq!(record.instance().as_str(), "i-1");
    }

    #[test]
    fn what_a_launchs_nodes_have_in_common_is_kept_once_and_given_up_with_the_last() {
        let mut archive = Archive::default();
        let zones = ["a", "b", "c"];
        let records: Vec<Record> =
            (0..30).map(|slot| archive.record(&node(slot, zones[slot as usize % 3]))).collect();
        let kept = |archive: &Archive| archive.commons.values().map(Vec::len).sum::<usize>();
        assert_eq!(kept(&archive), 3);
        assert!(size_of::<Record>() <= 32, "{}", size_of::<Record>());
        for record in records {
            archive.release(record);
        }
        assert_eq!(kept(&archive), 0);
    }
}
