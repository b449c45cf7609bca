//! A node's state: small while it is well, since there are a hundred thousand.

use std::collections::VecDeque;

use jiff::Timestamp;

use super::At;
use crate::model::Generation;
use crate::provider::Hold;

#[derive(Debug)]
pub(super) struct Target {
    pub(super) generation: Generation,
    /// The number of this watch: no two watches have the same.
    pub(super) watch: u32,
    pub(super) zone: u32,
    /// The budget that its replacement is charged to.
    pub(super) charge: Charge,
    pub(super) failures: u32,
    pub(super) successes: u32,
    /// The spell of clear sight in which `seen` was counted.
    pub(super) spell: u32,
    /// How many seconds of its start-up time had passed when the watch began.
    pub(super) age: u32,
    /// How many answers there were in this watch and spell, as far as it matters.
    pub(super) seen: u8,
    pub(super) state: State,
    pub(super) told: Told,
    /// Its probe has failed so often in a row, and not succeeded so often in a row since, that it means something.
    pub(super) failing: bool,
    /// Something that must know says that it is dead.
    pub(super) definitive: bool,
    /// It was live before this watch.
    pub(super) was_live: bool,
    pub(super) counted: Counted,
    /// Since when it is in its state.
    pub(super) since: At,
    /// From when on its silence counts: its last success, or when the watch began; later by what passed unseen.
    pub(super) began: At,
    pub(super) success: At,
    /// When its probe last said anything.
    pub(super) heard: At,
    /// When the cloud last said anything about it.
    pub(super) answered: At,
    /// Since when the cloud's status checks are impaired.
    pub(super) impaired: At,
    /// Its entry among the deadlines.
    pub(super) deadline: At,
    pub(super) more: Option<Box<More>>,
}

/// What only few nodes have.
#[derive(Debug, Default)]
pub(super) struct More {
    /// Why it is not well.
    pub(super) why: String,
    pub(super) hold: Option<(Hold, At)>,
    /// The end that the cloud announces; it may be called off.
    pub(super) announced: Option<Leaving>,
    /// Why somebody wants it replaced, whatever the cloud does.
    pub(super) wanted: Option<Leaving>,
    /// When it became suspect or live again.
    pub(super) changes: VecDeque<At>,
    pub(super) flapping: bool,
    /// The notices that were told.
    pub(super) notices: Vec<(String, Timestamp)>,
    /// Its place in the queue of those that are to be replaced.
    pub(super) place: Option<(Urgency, At)>,
}

#[derive(Clone, Debug)]
pub(super) struct Leaving {
    pub(super) why: String,
    pub(super) by: Timestamp,
    pub(super) urgency: Urgency,
    pub(super) since: At,
}

/// Who is replaced first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Urgency {
    /// It still works, and the cloud will end it.
    Announced,
    Dead,
    /// It works; it is only to be another.
    Wanted,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Starting,
    Live,
    Suspect,
    Dead,
    Quarantined,
}

/// The last verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Told {
    Nothing,
    Live,
    Suspect,
    Leaving,
    Replace,
}

/// Where a replacement is charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Charge {
    None,
    /// To the fleet alone, as the zone is not known.
    Fleet,
    Zone(u32),
}

/// In which of the counts a node is at present.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counted {
    /// Among its fleet's and zone's nodes.
    pub(super) present: bool,
    pub(super) unhealthy: bool,
    /// Among the unhealthy that somebody holds.
    pub(super) held: bool,
    /// Among those by which it is seen whether the watcher is blind.
    pub(super) visible: bool,
    /// Among those of them that fail, by the watcher's word alone.
    pub(super) failing: bool,
}

impl Target {
    pub(super) fn new(generation: Generation, watch: u32, zone: u32, now: At) -> Self {
        Self {
            generation,
            watch,
            zone,
            charge: Charge::None,
            failures: 0,
            successes: 0,
            spell: 0,
            age: 0,
            seen: 0,
            state: State::Starting,
            told: Told::Nothing,
            failing: false,
            definitive: false,
            was_live: false,
            counted: Counted::default(),
            since: now,
            began: now,
            success: At::NEVER,
            heard: now,
            answered: At::NEVER,
            impaired: At::NEVER,
            deadline: At::NEVER,
            more: None,
        }
    }

    /// Whether answers can still change anything.
    pub(super) fn listens(&self) -> bool {
        self.told != Told::Replace && self.state != State::Quarantined
    }

    pub(super) fn more(&mut self) -> &mut More {
        self.more.get_or_insert_default()
    }

    pub(super) fn hold(&self) -> Option<&Hold> {
        Some(&self.more.as_ref()?.hold.as_ref()?.0)
    }

    pub(super) fn leaving(&self) -> Option<&Leaving> {
        let more = self.more.as_ref()?;
        more.announced.as_ref().or(more.wanted.as_ref())
    }

    pub(super) fn place(&self) -> Option<(Urgency, At)> {
        self.more.as_ref()?.place
    }

    pub(super) fn why(&self) -> &str {
        self.more.as_ref().map_or("", |more| &more.why)
    }

    pub(super) fn enter(&mut self, state: State, now: At) {
        (self.state, self.since) = (state, now);
    }

    /// Gives back the room of what no longer matters.
    pub(super) fn tidy(&mut self) {
        let Some(more) = &mut self.more else { return };
        if self.state == State::Live && self.impaired == At::NEVER && !self.failing {
            more.why = String::new();
        }
        let idle = more.why.is_empty()
            && more.hold.is_none()
            && more.announced.is_none()
            && more.wanted.is_none()
            && more.changes.is_empty()
            && more.notices.is_empty()
            && more.place.is_none();
        if idle {
            self.more = None;
        }
    }
}
