//! What is said of a node.

use jiff::Timestamp;

use super::target::{Charge, State, Target, Told};
use super::{At, Key, Machine, Outcome};
use crate::monitor::HealthState;
use crate::provider::{Hold, Verdict};

/// What is known of a node, for people.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) state: HealthState,
    pub(crate) since: At,
    pub(crate) success: Option<At>,
    pub(crate) why: Option<String>,
    pub(crate) verdict: Option<Verdict>,
    pub(crate) hold: Option<Hold>,
}

/// What is known of a fleet, for people.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figures {
    pub(crate) nodes: u32,
    pub(crate) unhealthy: u32,
    pub(crate) in_flight: u32,
    pub(crate) waiting: u32,
    pub(crate) allowed: u32,
}

impl Target {
    fn state(&self) -> HealthState {
        match (self.told, self.state) {
            (_, State::Quarantined) => HealthState::Quarantined,
            (Told::Replace, _) => HealthState::Replacing,
            (_, State::Dead) if self.hold().is_some() => HealthState::Held,
            (_, State::Dead) => HealthState::Dead,
            (Told::Leaving, _) => HealthState::Leaving,
            (_, State::Starting) => HealthState::Starting,
            (_, State::Live) => HealthState::Live,
            (_, State::Suspect) => HealthState::Suspect,
        }
    }
}

impl Machine {
    /// Says that the node is live or suspect, where that is news.
    pub(super) fn show(&mut self, key: Key, out: &mut Vec<Outcome>) {
        let Some(target) = self.targets.get_mut(&key) else { return };
        let verdict = match target.state {
            _ if target.told >= Told::Leaving => return,
            State::Starting | State::Quarantined => return,
            State::Live => Told::Live,
            State::Suspect | State::Dead => Told::Suspect,
        };
        if std::mem::replace(&mut target.told, verdict) != verdict {
            out.push(Outcome::Verdict(key));
        }
    }

    /// The node's verdict; `None` before there is one.
    #[must_use]
    pub fn verdict(&self, key: Key) -> Option<Verdict> {
        let target = self.targets.get(&key)?;
        Some(match (target.told, target.leaving()) {
            (Told::Nothing, _) => return None,
            (Told::Live, _) => Verdict::Live,
            (Told::Leaving, Some(leaving)) => Verdict::Leaving { why: leaving.why.clone(), by: leaving.by },
            (Told::Leaving, None) => {
                Verdict::Leaving { why: target.why().to_owned(), by: Timestamp::UNIX_EPOCH }
            }
            (Told::Replace, _) => Verdict::Replace(target.why().to_owned()),
            (Told::Suspect, _) => Verdict::Suspect(self.suspicion(key, target)),
        })
    }

    fn suspicion(&self, key: Key, target: &Target) -> String {
        let why = target.why();
        match target.hold() {
            Some(Hold { owner, reason, .. }) if target.state == State::Dead => {
                format!("dead: {why}; held by {owner}: {reason}")
            }
            _ if target.place().is_some() && target.state == State::Dead => {
                format!("dead: {why}; waits, as {}", self.why_waiting(key))
            }
            _ => why.to_owned(),
        }
    }

    /// All nodes that are watched or being replaced.
    pub(crate) fn keys(&self) -> impl Iterator<Item = Key> + '_ {
        self.targets.keys().copied()
    }

    /// What is known of a node.
    pub(crate) fn known(&self, key: Key) -> Option<Known> {
        let target = self.targets.get(&key)?;
        let why =
            target.leaving().map(|leaving| leaving.why.as_str()).filter(|_| target.told == Told::Leaving);
        let why = why.unwrap_or(target.why());
        Some(Known {
            state: target.state(),
            since: target.since,
            success: target.success.known(),
            why: (!why.is_empty()).then(|| why.to_owned()),
            verdict: self.verdict(key),
            hold: target.hold().cloned(),
        })
    }

    /// What is known of a fleet.
    pub(crate) fn figures(&self, fleet: u32) -> Figures {
        let fleet = &self.fleets[fleet as usize];
        Figures {
            nodes: fleet.nodes,
            unhealthy: fleet.unhealthy,
            in_flight: fleet.in_flight,
            waiting: fleet.waiting(),
            allowed: fleet.allowed(),
        }
    }

    /// Whether the next replacement waits until the cloud says that this node lives.
    pub(crate) fn is_on_trial(&self, key: Key) -> bool {
        let waits = |target: &Target| target.state == State::Starting && target.listens();
        !self.fleets[key.fleet as usize].probed
            && self.in_flight(key)
            && self.targets.get(&key).is_some_and(|target| waits(target))
    }

    /// Whether the node is being replaced.
    #[must_use]
    pub fn in_flight(&self, key: Key) -> bool {
        self.targets.get(&key).is_some_and(|target| target.charge != Charge::None)
    }
}
