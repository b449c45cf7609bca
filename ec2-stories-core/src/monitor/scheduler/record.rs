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
    commons: HashMap<(Name, ReservationId), Arc<Common>>,
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
        match self.commons.get(&key) {
            Some(known) if **known == common => known.clone(),
            _ => {
                let common = Arc::new(common);
                self.commons.insert(key, common.clone());
                common
            }
        }
    }

    /// Gives up what nobody has in common any more.
    pub(super) fn release(&mut self, record: Record) {
        let common = record.common;
        let key = (common.fleet.clone(), common.instance.reservation.clone());
        drop(common);
        if self.commons.get(&key).is_some_and(|common| Arc::strong_count(common) == 1) {
            self.commons.remove(&key);
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
