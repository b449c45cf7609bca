//! An instance's state as a function of time.

use jiff::Timestamp;

/// Instance states; the code is the low byte of EC2's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum State {
    /// Being launched or started.
    Pending,
    /// Running.
    Running,
    /// On the way to `Terminated`.
    ShuttingDown,
    /// Gone; visible for a while.
    Terminated,
    /// On the way to `Stopped`.
    Stopping,
    /// Stopped; its volumes remain.
    Stopped,
}

impl State {
    /// EC2's code, API reference, InstanceState.
    pub(crate) fn code(self) -> i32 {
        match self {
            Self::Pending => 0,
            Self::Running => 16,
            Self::ShuttingDown => 32,
            Self::Terminated => 48,
            Self::Stopping => 64,
            Self::Stopped => 80,
        }
    }

    /// EC2's name, such as `shutting-down`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::ShuttingDown => "shutting-down",
            Self::Terminated => "terminated",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
        }
    }

    /// Shutting down or terminated.
    pub(crate) fn is_ending(self) -> bool {
        matches!(self, Self::ShuttingDown | Self::Terminated)
    }
}

/// Why a state was entered: the state reason (code and text) and the transition reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reason {
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) transition: String,
}

impl Reason {
    /// Source: API reference, StateReason, the codes and their texts.
    pub(crate) fn coded(code: &str) -> Self {
        let text = match code {
            "Client.UserInitiatedShutdown" => "User initiated shutdown",
            "Client.InstanceInitiatedShutdown" => "Instance initiated shutdown",
            "Client.VolumeLimitExceeded" => "Volume limit exceeded",
            "Client.InvalidSnapshot.NotFound" => "The snapshot was not found",
            "Client.InternalError" => "Client error on launch",
            "Server.InternalError" => "Internal error on launch",
            "Server.InsufficientInstanceCapacity" => "Insufficient instance capacity",
            "Server.ScheduledStop" => "Stopped due to a scheduled retirement",
            "Server.SpotInstanceTermination" => "Spot instance termination",
            "Server.SpotInstanceShutdown" => "Spot instance shutdown",
            _ => "Unspecified",
        };
        Self { code: code.to_owned(), message: format!("{code}: {text}"), transition: code.to_owned() }
    }

    pub(crate) fn pending() -> Self {
        Self { code: "pending".to_owned(), message: "pending".to_owned(), transition: String::new() }
    }

    pub(crate) fn user(now: Timestamp) -> Self {
        let transition = format!("User initiated ({})", now.strftime("%Y-%m-%d %H:%M:%S GMT"));
        Self { transition, ..Self::coded("Client.UserInitiatedShutdown") }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Change {
    pub(crate) at: Timestamp,
    pub(crate) state: State,
    pub(crate) reason: Reason,
}

/// Changes past and to come, in order of time. What is to come is already decided, so days cost nothing.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Timeline(Vec<Change>);

impl Timeline {
    pub(crate) fn starting(at: Timestamp) -> Self {
        Self(vec![Change { at, state: State::Pending, reason: Reason::pending() }])
    }

    /// Cancels what was to come after `now`, and decides anew.
    pub(crate) fn replan(&mut self, now: Timestamp, changes: impl IntoIterator<Item = Change>) {
        let first = self.0.remove(0);
        self.0.retain(|change| change.at <= now);
        self.0.insert(0, first);
        self.extend(changes);
    }

    pub(crate) fn extend(&mut self, changes: impl IntoIterator<Item = Change>) {
        self.0.extend(changes);
        self.0.sort_by_key(|change| change.at);
        // What has begun to end does nothing else any more.
        let mut ending = false;
        self.0.retain(|change| {
            ending |= change.state.is_ending();
            !ending || change.state.is_ending()
        });
    }

    /// Cancels what was to come after `now` for one reason.
    pub(crate) fn drop_planned(&mut self, code: &str, now: Timestamp) {
        self.0.retain(|change| change.at <= now || change.reason.code != code);
    }

    pub(crate) fn current(&self, now: Timestamp) -> &Change {
        self.0.iter().rev().find(|change| change.at <= now).unwrap_or(&self.0[0])
    }

    pub(crate) fn state(&self, now: Timestamp) -> State {
        self.current(now).state
    }

    /// Since when the instance has been in `state`, if it is now.
    pub(crate) fn since(&self, state: State, now: Timestamp) -> Option<Timestamp> {
        let current = self.current(now);
        (current.state == state).then_some(current.at)
    }

    /// When the state changes next, as decided now.
    pub(crate) fn next_after(&self, now: Timestamp) -> Option<Timestamp> {
        self.0.iter().map(|change| change.at).filter(|at| *at > now).min()
    }

    /// When the instance ends or ended, as decided now.
    pub(crate) fn end(&self) -> Option<Timestamp> {
        self.0.iter().find(|change| change.state == State::Terminated).map(|change| change.at)
    }

    /// How often a state was entered.
    pub(crate) fn times(&self, state: State, now: Timestamp) -> usize {
        self.0.iter().filter(|change| change.state == state && change.at <= now).count()
    }

    pub(crate) fn ever(&self, state: State, now: Timestamp) -> bool {
        self.0.iter().any(|change| change.state == state && change.at <= now)
    }
}
