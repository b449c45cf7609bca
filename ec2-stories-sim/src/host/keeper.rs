//! Keeps one host at what its instance's state asks for.

use std::sync::Arc;

use tokio::sync::{Semaphore, watch};

use super::backend::{Backend, Ended, Guest, Machine};
use super::slot::Slot;

/// What an instance's state asks of its host. Only the newest counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Want {
    /// Not running.
    Off,
    /// Running, after so many starts and reboots.
    On { starts: usize, reboots: u32 },
    /// Never again.
    Gone,
}

pub(super) struct Keeper {
    pub(super) backend: Arc<dyn Backend>,
    pub(super) guest: Guest,
    pub(super) slot: Arc<Slot>,
    pub(super) wants: watch::Receiver<Want>,
    /// How many may boot at once.
    pub(super) places: Arc<Semaphore>,
}

/// Nobody asks for anything any more: the simulation is gone.
struct Orphaned;

impl Keeper {
    /// Returns when the instance is gone, and its host with it.
    pub(super) async fn keep(mut self) {
        loop {
            let want = *self.wants.borrow_and_update();
            let next = match want {
                Want::Gone => break,
                Want::Off => {
                    self.slot.off();
                    self.another_want().await
                }
                Want::On { .. } => self.live().await,
            };
            if next.is_err() {
                break;
            }
        }
        self.slot.gone();
        if let Err(error) = tokio::fs::remove_dir_all(&self.guest.folder).await {
            tracing::debug!(instance = %self.guest.id, %error, "a host left no folder");
        }
    }

    /// One boot, until something else is wanted or the guest reboots.
    async fn live(&mut self) -> Result<(), Orphaned> {
        let booted = tokio::select! {
            booted = boot(&*self.backend, &self.guest, &self.slot, &self.places) => booted,
            changed = self.wants.changed() => return changed.map_err(|_| Orphaned),
        };
        let mut machine = match booted {
            Ok(machine) => machine,
            Err(ended) => return self.ended(ended).await,
        };
        self.slot.up(machine.pid());
        let ended = tokio::select! {
            ended = machine.ended() => ended,
            changed = self.wants.changed() => {
                machine.shut_down().await;
                return changed.map_err(|_| Orphaned);
            }
        };
        machine.end().await;
        self.ended(ended).await
    }

    async fn ended(&mut self, ended: Ended) -> Result<(), Orphaned> {
        match ended {
            Ended::Rebooted => return Ok(()),
            Ended::PoweredOff => {
                self.slot.off();
                if let Some(sim) = self.guest.sim.upgrade() {
                    sim.shut_down_guest(&self.guest.id);
                }
            }
            Ended::Died(why) => self.died(why),
        }
        self.another_want().await
    }

    fn died(&self, why: String) {
        tracing::warn!(instance = %self.guest.id, %why, "a host is dead");
        if let Some(sim) = self.guest.sim.upgrade() {
            self.slot.dead(sim.now(), why);
        }
    }

    async fn another_want(&mut self) -> Result<(), Orphaned> {
        self.wants.changed().await.map_err(|_| Orphaned)
    }
}

async fn boot(
    backend: &dyn Backend,
    guest: &Guest,
    slot: &Slot,
    places: &Semaphore,
) -> Result<Machine, Ended> {
    let _place = places.acquire().await;
    std::fs::create_dir_all(&guest.folder).map_err(|error| format!("{}: {error}", guest.folder.display()))?;
    slot.booting(&guest.folder, guest.console());
    backend.boot(guest).await
}
