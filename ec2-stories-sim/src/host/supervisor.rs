//! Follows the instances of a simulation, and tells each one's host what it shall be.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};

use super::backend::{Backend, Guest};
use super::folder::Folder;
use super::keeper::{Keeper, Want};
use super::slot::Slot;
use crate::sim::{Sim, WeakSim};
use crate::state::Cloud;
use crate::state::instance::Instance;
use crate::state::timeline::State;

/// Hosts that boot at once: more only take each other's time.
const BOOTS: usize = 8;
/// Sleeping to the very moment of a change can end just before it.
const AFTER: Duration = Duration::from_millis(1);

/// Dropping it ends every host.
#[derive(Debug)]
pub(crate) struct Supervision(JoinHandle<()>);

impl Supervision {
    pub(crate) fn of(sim: &Sim, backend: Arc<dyn Backend>) -> Self {
        let supervisor = Supervisor {
            sim: sim.downgrade(),
            backend,
            places: Arc::new(Semaphore::new(BOOTS)),
            told: BTreeMap::new(),
            keepers: JoinSet::new(),
        };
        Self(tokio::spawn(supervisor.follow()))
    }
}

impl Drop for Supervision {
    fn drop(&mut self) {
        self.0.abort();
    }
}

struct Supervisor {
    sim: WeakSim,
    backend: Arc<dyn Backend>,
    places: Arc<Semaphore>,
    told: BTreeMap<String, watch::Sender<Want>>,
    keepers: JoinSet<()>,
}

/// An instance, and what it wants now.
struct Seen {
    id: String,
    want: Want,
    slot: Arc<Slot>,
    /// What only a first sight needs.
    new: Option<Facts>,
}

struct Facts {
    address: Ipv4Addr,
    mac: String,
    hostname: String,
    public_key: Option<String>,
    user_data: Vec<u8>,
}

impl Supervisor {
    async fn follow(self) {
        let folder = match Folder::create() {
            Ok(folder) => folder,
            Err(error) => {
                tracing::error!(%error, "hosts have no place for their files: none boots");
                return;
            }
        };
        let mut this = self; // Dropped before the folder: no host writes to it any more.
        let changed = this.sim.changed.clone();
        while let Some(sim) = this.sim.upgrade() {
            let next = this.tell(&sim, &folder);
            drop(sim);
            let clock = this.sim.clock();
            let due = async {
                match next {
                    Some(after) => clock.sleep(after + AFTER).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = changed.notified() => {}
                () = due => {}
            }
            while this.keepers.try_join_next().is_some() {}
        }
    }

    /// Tells every host what is wanted now; returns how long that stays so if nobody calls.
    fn tell(&mut self, sim: &Sim, folder: &Folder) -> Option<Duration> {
        let now = sim.now();
        let (instances, next) = look(sim, now, &self.told);
        let present: BTreeSet<String> = instances.iter().map(|seen| seen.id.clone()).collect();
        for seen in instances {
            match (self.told.get(&seen.id), seen.new) {
                (Some(teller), _) => {
                    teller.send_if_modified(|want| std::mem::replace(want, seen.want) != seen.want);
                }
                (None, Some(facts)) if seen.want != Want::Gone => {
                    let (teller, wants) = watch::channel(seen.want);
                    let guest = Guest {
                        address: facts.address,
                        mac: facts.mac,
                        hostname: facts.hostname,
                        public_key: facts.public_key,
                        user_data: facts.user_data,
                        folder: folder.path().join(&seen.id),
                        sim: self.sim.clone(),
                        id: seen.id.clone(),
                    };
                    let keeper = Keeper {
                        backend: self.backend.clone(),
                        guest,
                        slot: seen.slot,
                        wants,
                        places: self.places.clone(),
                    };
                    self.keepers.spawn(keeper.keep());
                    self.told.insert(seen.id, teller);
                }
                _ => {}
            }
        }
        self.told.retain(|id, teller| {
            let gone = !present.contains(id);
            if gone {
                teller.send_replace(Want::Gone);
            }
            !gone
        });
        next.map(|at| Duration::try_from(at.duration_since(now)).unwrap_or_default())
    }
}

fn look(
    sim: &Sim,
    now: Timestamp,
    told: &BTreeMap<String, watch::Sender<Want>>,
) -> (Vec<Seen>, Option<Timestamp>) {
    let mut seen = Vec::new();
    let mut next = None;
    for (_, cloud) in sim.world().clouds(now) {
        for instance in cloud.instances.all() {
            let Some(slot) = instance.host.clone() else { continue };
            next = next.into_iter().chain(instance.next_after(now)).min();
            let new = if told.contains_key(&instance.id) { None } else { facts(cloud, instance) };
            seen.push(Seen { id: instance.id.clone(), want: want(instance, now), slot, new });
        }
    }
    (seen, next)
}

fn want(instance: &Instance, now: Timestamp) -> Want {
    match instance.state(now) {
        State::Running => {
            Want::On { starts: instance.timeline.times(State::Running, now), reboots: instance.reboots(now) }
        }
        State::Terminated => Want::Gone,
        _ => Want::Off,
    }
}

fn facts(cloud: &Cloud, instance: &Instance) -> Option<Facts> {
    let interface = cloud.network.interface(&instance.interface)?;
    let key = instance.key_name.as_deref().and_then(|name| cloud.keys.get(name).ok());
    let user_data = instance.user_data.as_deref().and_then(|text| BASE64_STANDARD.decode(text).ok());
    let name = cloud.network.private_dns_name(interface.private_ip);
    Some(Facts {
        address: interface.private_ip,
        mac: interface.mac.clone(),
        hostname: name.split('.').next().unwrap_or_default().to_owned(),
        public_key: key.map(|pair| pair.public_key.clone()),
        user_data: user_data.unwrap_or_default(),
    })
}
