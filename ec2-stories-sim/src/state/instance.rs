//! One instance.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::events::{ScheduledEvent, Stage};
use super::timeline::{Change, Reason, State, Timeline};
use super::types::TypeInfo;
use crate::ctx::Ctx;
use crate::host::Slot;
use crate::wire::Sensitive;
use crate::wire::generated::ec2::{IamInstanceProfile, InstanceMetadataOptionsResponse};

/// Between the notice and the end of a spot instance (EC2 user guide, "Spot Instance interruption notices").
pub(crate) const SPOT_NOTICE: Duration = Duration::from_secs(120);
/// API reference, StateReason: a stop by a scheduled event.
const SCHEDULED_STOP: &str = "Server.ScheduledStop";

/// What an instance is and what is decided about it.
#[derive(Clone, Debug)]
pub(crate) struct Instance {
    pub(crate) id: String,
    pub(crate) reservation: String,
    pub(crate) launch_index: i32,
    /// The last launch or start.
    pub(crate) launched: Timestamp,
    pub(crate) timeline: Timeline,
    /// From when calls that name the instance know it.
    pub(crate) visible_at: Timestamp,
    /// From when listings that filter by its tags show it.
    pub(crate) indexed_at: Timestamp,
    pub(crate) kind: &'static TypeInfo,
    pub(crate) image: ImageFacts,
    pub(crate) zone: String,
    pub(crate) zone_id: String,
    /// The id of the primary network interface, which the network keeps.
    pub(crate) interface: String,
    /// Whether a start gives the instance a public address.
    pub(crate) wants_public_ip: bool,
    pub(crate) volumes: Vec<Attached>,
    pub(crate) key_name: Option<String>,
    pub(crate) user_data: Option<Sensitive>,
    pub(crate) client_token: String,
    pub(crate) terminate_on_shutdown: bool,
    pub(crate) protected: bool,
    pub(crate) stop_protected: bool,
    pub(crate) ebs_optimized: bool,
    pub(crate) monitored: bool,
    pub(crate) source_dest_check: bool,
    pub(crate) tenancy: String,
    pub(crate) profile: Option<IamInstanceProfile>,
    pub(crate) metadata: InstanceMetadataOptionsResponse,
    /// The spot request that the instance fulfills.
    pub(crate) spot_request: Option<String>,
    /// When the interruption notice of a spot instance goes out.
    pub(crate) spot_notice_at: Option<Timestamp>,
    /// How long after it starts running its status checks begin to fail.
    pub(crate) impaired_after: Option<Duration>,
    /// Since when the system below it fails its check.
    pub(crate) system_impaired: Option<Timestamp>,
    pub(crate) reboots: u32,
    pub(crate) events: Vec<ScheduledEvent>,
    /// The host behind it, where the simulation has hosts.
    pub(crate) host: Option<Arc<Slot>>,
}

/// What stays true of an instance when its image is deregistered.
#[derive(Clone, Debug, Default)]
pub(crate) struct ImageFacts {
    pub(crate) id: String,
    pub(crate) architecture: String,
    pub(crate) root_device: String,
    pub(crate) boot_mode: Option<String>,
    pub(crate) platform_details: String,
    pub(crate) usage_operation: String,
    /// Whether the image asks for IMDSv2.
    pub(crate) imds_v2: bool,
}

/// A volume as the instance has it attached.
#[derive(Clone, Debug)]
pub(crate) struct Attached {
    pub(crate) device: String,
    pub(crate) volume: String,
    pub(crate) delete_on_termination: bool,
}

impl Instance {
    pub(crate) fn state(&self, now: Timestamp) -> State {
        self.timeline.state(now)
    }

    /// Whether its metadata shows its tags.
    pub(crate) fn shows_its_tags(&self) -> bool {
        self.metadata.instance_metadata_tags.as_deref() == Some("enabled")
    }

    /// Decides the way from `pending` to `running`, or to an early end.
    pub(crate) fn boot(&mut self, ctx: &Ctx, late_failure: Option<&str>) {
        let time = ctx.jitter(ctx.latencies.boot, ctx.latencies.jitter);
        let next = match late_failure {
            Some(code) => change(ctx.now + time / 2, State::Terminated, Reason::coded(code)),
            None => change(ctx.now + time, State::Running, Reason::default()),
        };
        self.timeline.extend([next]);
    }

    pub(crate) fn terminate(&mut self, ctx: &Ctx, at: Timestamp, reason: &Reason) {
        let time = ctx.jitter(ctx.latencies.terminate, ctx.latencies.jitter);
        // An end that was decided earlier stays: terminating twice changes nothing.
        if self.state(ctx.now).is_ending() {
            return;
        }
        let ending = [
            change(at, State::ShuttingDown, reason.clone()),
            change(at + time, State::Terminated, reason.clone()),
        ];
        if at <= ctx.now {
            self.timeline.replan(ctx.now, ending);
        } else {
            self.timeline.extend(ending);
        }
    }

    /// Ends without shutting down.
    pub(crate) fn fail(&mut self, ctx: &Ctx, code: &str) {
        self.timeline.replan(ctx.now, [change(ctx.now, State::Terminated, Reason::coded(code))]);
    }

    pub(crate) fn stop(&mut self, ctx: &Ctx, reason: &Reason) {
        let time = ctx.jitter(ctx.latencies.stop, ctx.latencies.jitter);
        let ending = [
            change(ctx.now, State::Stopping, reason.clone()),
            change(ctx.now + time, State::Stopped, reason.clone()),
        ];
        self.timeline.replan(ctx.now, ending);
    }

    pub(crate) fn start(&mut self, ctx: &Ctx) {
        self.launched = ctx.now;
        // It comes up on other hardware.
        for event in &mut self.events {
            event.cancel(ctx.now);
        }
        self.system_impaired = None;
        self.timeline.replan(ctx.now, [change(ctx.now, State::Pending, Reason::pending())]);
        self.boot(ctx, None);
    }

    /// Schedules the interruption notice of a spot instance and what follows it.
    pub(crate) fn interrupt(&mut self, ctx: &Ctx, notice: Timestamp) {
        self.spot_notice_at = Some(notice);
        self.terminate(ctx, notice + SPOT_NOTICE, &Reason::coded("Server.SpotInstanceTermination"));
    }

    /// Schedules an event and what it does to the instance.
    pub(crate) fn schedule(&mut self, ctx: &Ctx, event: ScheduledEvent) {
        if event.stops() {
            let time = ctx.jitter(ctx.latencies.stop, ctx.latencies.jitter);
            let reason = Reason::coded(SCHEDULED_STOP);
            self.timeline.extend([
                change(event.not_before, State::Stopping, reason.clone()),
                change(event.not_before + time, State::Stopped, reason),
            ]);
        }
        self.events.push(event);
    }

    /// Calls an event off. False if there is none, or it is over.
    pub(crate) fn cancel_event(&mut self, id: &str, now: Timestamp) -> bool {
        let canceled =
            self.events.iter_mut().find(|event| event.id == id).is_some_and(|event| event.cancel(now));
        if canceled && !self.events.iter().any(|event| event.stops() && event.stage(now) == Stage::Active) {
            self.timeline.drop_planned(SCHEDULED_STOP, now);
        }
        canceled
    }

    pub(crate) fn reboot(&mut self) {
        self.reboots += 1;
    }

    /// How often it was rebooted by now.
    pub(crate) fn reboots(&self, now: Timestamp) -> u32 {
        let by_events = self.events.iter().filter(|event| event.has_rebooted(now)).count();
        self.reboots + u32::try_from(by_events).unwrap_or(u32::MAX)
    }

    /// When something happens to it next, as decided now.
    pub(crate) fn next_after(&self, now: Timestamp) -> Option<Timestamp> {
        let events = self.events.iter().filter(|event| event.stage(now) == Stage::Active);
        events.map(|event| event.not_before).chain(self.timeline.next_after(now)).min()
    }

    /// Whether the instance fails its status checks now.
    pub(crate) fn impaired_since(&self, now: Timestamp) -> Option<Timestamp> {
        let running = self.timeline.since(State::Running, now)?;
        let dead = self.host.as_ref().and_then(|host| host.dead_since());
        let told = self.impaired_after.map(|after| running + after).filter(|from| *from <= now);
        dead.map(|at| at.max(running)).into_iter().chain(told).chain(self.system_impaired).min()
    }
}

fn change(at: Timestamp, state: State, reason: Reason) -> Change {
    Change { at, state, reason }
}
