//! Scheduled events: what EC2 will do to an instance.
//!
//! Source: EC2 user guide, "Scheduled events for Amazon EC2 instances".

use std::time::Duration;

use jiff::Timestamp;

/// What kind of event, in EC2's words, and what it says of itself.
const CODES: [(&str, &str); 5] = [
    ("instance-reboot", "The instance is scheduled for a reboot"),
    ("instance-retirement", "The instance is running on degraded hardware"),
    ("instance-stop", "The instance is running on degraded hardware"),
    ("system-maintenance", "The instance is scheduled for system maintenance"),
    ("system-reboot", "The instance is scheduled for a reboot of the underlying host"),
];
/// Between the earliest and the latest time at which an event is carried out.
const WINDOW: Duration = Duration::from_secs(2 * 3600);
/// For how long an event that is over is still described: a week.
const SHOWN_AFTER_END: Duration = Duration::from_secs(7 * 24 * 3600);

/// An event of one instance.
#[derive(Clone, Debug)]
pub(crate) struct ScheduledEvent {
    pub(crate) id: String,
    pub(crate) code: &'static str,
    what: &'static str,
    /// From when it is described.
    pub(crate) told_at: Timestamp,
    /// When it is carried out here; EC2 says: not before.
    pub(crate) not_before: Timestamp,
    canceled_at: Option<Timestamp>,
}

/// How far an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Active,
    Completed,
    Canceled,
}

/// The codes that there are.
pub(crate) fn codes() -> impl Iterator<Item = &'static str> {
    CODES.into_iter().map(|(code, _)| code)
}

impl ScheduledEvent {
    /// Nothing for a code that EC2 does not have.
    pub(crate) fn new(id: String, code: &str, told_at: Timestamp, not_before: Timestamp) -> Option<Self> {
        let (code, what) = CODES.into_iter().find(|(known, _)| *known == code)?;
        Some(Self { id, code, what, told_at, not_before, canceled_at: None })
    }

    pub(crate) fn not_after(&self) -> Timestamp {
        self.not_before + WINDOW
    }

    /// Whether it stops the instance.
    pub(crate) fn stops(&self) -> bool {
        matches!(self.code, "instance-retirement" | "instance-stop")
    }

    /// Whether it has rebooted the instance by now.
    pub(crate) fn has_rebooted(&self, now: Timestamp) -> bool {
        matches!(self.code, "instance-reboot" | "system-reboot") && self.stage(now) == Stage::Completed
    }

    /// Calls it off, unless it is over.
    pub(crate) fn cancel(&mut self, now: Timestamp) -> bool {
        let active = self.stage(now) == Stage::Active;
        if active {
            self.canceled_at = Some(now);
        }
        active
    }

    pub(crate) fn stage(&self, now: Timestamp) -> Stage {
        match self.canceled_at {
            Some(_) => Stage::Canceled,
            None if self.not_before <= now => Stage::Completed,
            None => Stage::Active,
        }
    }

    /// Whether it is described.
    pub(crate) fn is_shown(&self, now: Timestamp) -> bool {
        self.told_at <= now && self.canceled_at.unwrap_or(self.not_before) + SHOWN_AFTER_END > now
    }

    /// What became of it stands before the text.
    pub(crate) fn description(&self, now: Timestamp) -> String {
        match self.stage(now) {
            Stage::Active => self.what.to_owned(),
            Stage::Completed => format!("[Completed] {}", self.what),
            Stage::Canceled => format!("[Canceled] {}", self.what),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_active_then_over_then_forgotten() {
        let at: Timestamp = "2026-06-01T12:00:00Z".parse().unwrap();
        let told = at - Duration::from_secs(60);
        let event = ScheduledEvent::new("instance-event-1".to_owned(), "instance-stop", told, at).unwrap();
        let (before, after) = (at - Duration::from_secs(1), at + Duration::from_secs(1));
        assert!(!event.is_shown(told - Duration::from_secs(1)) && event.is_shown(told));
        assert_eq!(event.description(before), "The instance is running on degraded hardware");
        assert_eq!(event.description(after), "[Completed] The instance is running on degraded hardware");
        assert!(event.is_shown(after) && !event.is_shown(at + SHOWN_AFTER_END));
        let mut canceled = event.clone();
        assert!(canceled.cancel(before) && !canceled.cancel(before));
        assert_eq!((canceled.stage(after), event.stage(after)), (Stage::Canceled, Stage::Completed));
        assert!(ScheduledEvent::new(String::new(), "instance-repair", told, at).is_none());
    }
}
