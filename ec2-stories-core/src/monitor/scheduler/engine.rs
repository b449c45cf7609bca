//! All that a monitor remembers.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::Duration;

use super::Rhythm;
use super::agenda::Agenda;
use super::record::{Archive, Read, Record};
use crate::model::{Generation, Health, InstanceId, Name, NodeAddress};
use crate::monitor::machine::{At, Key, Machine, Outcome};
use crate::provider::{Node, Verdict};

#[derive(Debug)]
pub(in crate::monitor) struct Engine {
    pub(in crate::monitor) machine: Machine,
    fleets: Vec<(Name, Rhythm)>,
    numbers: HashMap<Name, u32>,
    records: HashMap<Key, Record>,
    /// Nodes without an instance, which wait to be replaced.
    lost: BTreeSet<Key>,
    archive: Archive,
    pub(super) agenda: Agenda,
    /// How many probes are under way.
    pub(super) running: usize,
    /// When the next turn is.
    pub(super) planned: At,
    /// About whom the cloud is to be asked before its time.
    pub(super) asked: BTreeSet<Key>,
    unread: VecDeque<Key>,
    pub(super) outcomes: Vec<Outcome>,
}

impl Engine {
    pub(in crate::monitor) fn new(cloud: bool) -> Self {
        Self {
            machine: Machine::new(cloud),
            fleets: Vec::new(),
            numbers: HashMap::new(),
            records: HashMap::new(),
            lost: BTreeSet::new(),
            archive: Archive::default(),
            agenda: Agenda::default(),
            running: 0,
            planned: At::START,
            asked: BTreeSet::new(),
            unread: VecDeque::new(),
            outcomes: Vec::new(),
        }
    }

    pub(in crate::monitor) fn add_fleet(&mut self, name: Name, health: Health, rhythm: Rhythm) {
        let number = self.machine.add_fleet(name.as_str(), health, rhythm.probe.is_some());
        self.numbers.insert(name.clone(), number);
        self.fleets.push((name, rhythm));
    }

    pub(in crate::monitor) fn fleets(&self) -> impl Iterator<Item = (u32, &Name)> {
        self.numbers.iter().map(|(name, number)| (*number, name))
    }

    /// The node's number, where its fleet is known.
    pub(in crate::monitor) fn key(&self, node: &NodeAddress) -> Option<Key> {
        self.numbers.get(&node.fleet).map(|fleet| Key { fleet: *fleet, slot: node.slot })
    }

    pub(in crate::monitor) fn address(&self, key: Key) -> NodeAddress {
        NodeAddress::new(self.fleets[key.fleet as usize].0.clone(), key.slot)
    }

    pub(in crate::monitor) fn rhythm(&self, key: Key) -> Rhythm {
        self.fleets[key.fleet as usize].1.clone()
    }

    /// The node, where it is watched.
    pub(in crate::monitor) fn node(&self, key: Key) -> Option<Node> {
        self.records.get(&key).map(|record| self.archive.node(record, key.slot))
    }

    pub(super) fn instance(&self, key: Key) -> Option<InstanceId> {
        self.records.get(&key).map(Record::instance)
    }

    /// The cloud has told of a node: it is asked again soon while the next replacement waits for its word on this one.
    pub(super) fn ask_again(&mut self, key: Key) {
        if self.machine.is_on_trial(key) {
            self.asked.insert(key);
        }
    }

    /// How soon to ask again about those whose word is waited for; `None` where there are none.
    pub(super) fn trials(&self) -> Option<Duration> {
        let period = |key: &Key| self.fleets[key.fleet as usize].1.period;
        self.asked.iter().filter(|key| self.machine.is_on_trial(**key)).map(period).min()
    }

    /// Every node about which the cloud can be asked.
    pub(super) fn watched(&self) -> impl Iterator<Item = Key> {
        self.records.keys().copied()
    }

    pub(in crate::monitor) fn record(&mut self, key: Key, node: &Node) {
        let record = self.archive.record(node);
        self.forget(key);
        self.records.insert(key, record);
    }

    /// The node has no instance about which anybody could be asked.
    pub(in crate::monitor) fn lose(&mut self, key: Key) {
        self.forget(key);
        self.lost.insert(key);
    }

    pub(in crate::monitor) fn forget(&mut self, key: Key) {
        self.asked.remove(&key);
        self.lost.remove(&key);
        if let Some(record) = self.records.remove(&key) {
            self.archive.release(record);
        }
    }

    /// The node's verdict has changed; whether that is to be told.
    pub(super) fn is_news(&mut self, key: Key) -> bool {
        let Some(record) = self.records.get_mut(&key) else {
            let lost = self.lost.contains(&key);
            self.unread.extend(lost.then_some(key));
            return lost;
        };
        let first = !std::mem::replace(&mut record.unread, true);
        if first {
            self.unread.push_back(key);
        }
        first
    }

    /// The next change that nobody has read.
    pub(in crate::monitor) fn read(&mut self) -> Option<(NodeAddress, Generation, Verdict)> {
        loop {
            let key = self.unread.pop_front()?;
            if self.lost.contains(&key)
                && let Some(verdict @ Verdict::Replace(_)) = self.machine.verdict(key)
                && let Some(generation) = self.machine.generation(key)
            {
                // Nothing else is of use to whoever waits for it.
                self.lost.remove(&key);
                return Some((self.address(key), generation, verdict));
            }
            let Some(record) = self.records.get_mut(&key).filter(|record| record.unread) else { continue };
            record.unread = false;
            let Some(verdict) = self.machine.verdict(key) else { continue };
            let read = match &verdict {
                Verdict::Live => Read::Live,
                Verdict::Suspect(_) => Read::Nothing,
                Verdict::Leaving { .. } => Read::Leaving,
                Verdict::Replace(_) => Read::Replace,
            };
            let before = std::mem::replace(&mut record.read, read);
            let Some(generation) = self.machine.generation(key) else { continue };
            if read == Read::Nothing || before != read {
                return Some((self.address(key), generation, verdict));
            }
        }
    }
}
