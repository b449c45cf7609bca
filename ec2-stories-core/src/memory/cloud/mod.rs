//! A cloud in memory.

mod deployer;
mod firewall;
mod images;
mod keys;
mod launch;
mod machine;
mod mishaps;
mod preflight;
mod state;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant as Moment;

use self::state::State;
use super::script::{Fault, Script, When, operations};
use crate::TokioClock;
use crate::model::{Instance, InstanceId, InstanceState, KeyName, RegisteredImage, Rule, SecurityGroupId};

operations! {
    /// A method of the traits that [`MemoryCloud`] implements.
    Operation {
        Launch = "launch",
        Describe = "describe",
        Find = "find",
        Wait = "wait",
        Terminate = "terminate",
        Preflight = "preflight",
        Diagnose = "diagnose",
        Health = "health",
        Extend = "extend",
        FindImage = "find image",
        GetImage = "get image",
        Published = "published",
        FindContent = "find content",
        RegisterImage = "register",
        ShareImage = "share",
        CopyImage = "copy",
        DeprecateImage = "deprecate",
        DeregisterImage = "deregister",
        Converge = "converge",
        RemoveGroups = "remove groups",
        EnsureKey = "ensure key",
        RemoveKeys = "remove keys",
    }
}

/// A cloud in memory: one region (`eu-west-1`, zones `a` to `c`, a default subnet in each), as much room as a test
/// allows, and the images of every [publisher](crate::model::Image::public_names). Clones share it.
///
/// Instances boot and shut down in tokio's time. Settings hold for what is launched after them.
#[derive(Clone, Debug)]
pub struct MemoryCloud(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    state: Mutex<State>,
    script: Script<Operation>,
    changes: watch::Sender<u64>,
}

impl Default for MemoryCloud {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryCloud {
    /// The account that owns it.
    pub const ACCOUNT: &str = "123456789012";
    /// Its region.
    pub const REGION: &str = "eu-west-1";
    /// What [`Source::MyAddress`](crate::model::Source::MyAddress) stands for.
    pub const MY_ADDRESS: &str = "198.51.100.7/32";

    /// An empty cloud with unlimited room, where an instance runs after 30 s.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(Inner {
            state: Mutex::new(State::new()),
            script: Script::default(),
            changes: watch::Sender::new(0),
        }))
    }

    /// Sets how long an instance takes from launch to running.
    pub fn boot_time(&self, boot_time: Duration) {
        self.lock().boot_time = boot_time;
    }

    /// Sets how long an instance takes from terminate to terminated.
    pub fn shutdown_time(&self, shutdown_time: Duration) {
        self.lock().shutdown_time = shutdown_time;
    }

    /// Sets for how long a new instance is unknown to every call but the launch itself.
    pub fn settle_time(&self, settle_time: Duration) {
        self.lock().settle_time = settle_time;
    }

    /// Limits how many instances of a type a zone has room for.
    pub fn capacity(&self, instance_type: &str, zone: &str, instances: u32) {
        self.lock().capacity.insert((instance_type.into(), zone.into()), instances);
    }

    /// Adds an image.
    pub fn add_image(&self, image: RegisteredImage) {
        self.lock().images.insert(image.id.clone(), image);
    }

    /// Adds a key pair that belongs to no deployment.
    pub fn add_key(&self, name: impl Into<KeyName>) {
        self.lock().keys.add_existing(name.into());
    }

    /// Adds a security group that belongs to no deployment.
    pub fn add_security_group(&self, id: impl Into<SecurityGroupId>) {
        self.lock().foreign_groups.insert(id.into());
    }

    /// The rules of a deployment's security group, as converged.
    #[must_use]
    pub fn rules(&self, id: &SecurityGroupId) -> Option<Vec<Rule>> {
        self.lock().groups.values().find(|group| group.id == *id).map(|group| group.rules.clone())
    }

    /// How many times a rule was added or revoked.
    #[must_use]
    pub fn rule_changes(&self) -> u64 {
        self.lock().rule_changes
    }

    /// Every instance there ever was, in the order of launch.
    #[must_use]
    pub fn instances(&self) -> Vec<Instance> {
        let now = Moment::now();
        self.lock().machines.values().map(|machine| machine.at(now)).collect()
    }

    /// What carries a deployment's tag and is still there: instances that are not ending, groups and key pairs.
    #[must_use]
    pub fn leaks(&self) -> Vec<String> {
        let now = Moment::now();
        let state = self.lock();
        let machines = state.machines.values().map(|machine| machine.at(now));
        let live = machines.filter(|instance| !instance.state.is_ending() && instance.ownership().is_some());
        live.map(|instance| format!("{} ({})", instance.id, instance.state))
            .chain(state.groups.values().map(|group| group.id.to_string()))
            .chain(state.keys.owned().map(|name| format!("key pair {name}")))
            .collect()
    }

    /// The instances that run or are about to, in the order of launch.
    #[must_use]
    pub fn running(&self) -> Vec<Instance> {
        let now = Moment::now();
        let live = |state| matches!(state, InstanceState::Pending | InstanceState::Running);
        let state = self.lock();
        let machines = state.machines.values().filter(|machine| live(machine.state(now).0));
        machines.map(|machine| machine.at(now)).collect()
    }

    /// How many instances run or are about to.
    #[must_use]
    pub fn live(&self) -> usize {
        self.running().len()
    }

    /// An instance's state as it is, whatever a describe shows; `None` where there never was such an instance.
    #[must_use]
    pub fn state(&self, id: &InstanceId) -> Option<InstanceState> {
        self.lock().machines.get(id).map(|machine| machine.state(Moment::now()).0)
    }

    /// Its clock: 2026 began when the cloud was made, and tokio's time has passed since.
    #[must_use]
    pub fn clock(&self) -> TokioClock {
        self.lock().clock
    }

    /// Plans a fault; see [`Script::fail`].
    pub fn fail(&self, when: impl Into<When<Operation>>, fault: Fault) {
        self.0.script.fail(when, fault);
    }

    /// The log of its calls, and the faults that wait for one.
    #[must_use]
    pub fn script(&self) -> &Script<Operation> {
        &self.0.script
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state and wakes everyone who waits for a change.
    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let changed = change(&mut self.lock());
        self.0.changes.send_modify(|changes| *changes += 1);
        changed
    }
}
