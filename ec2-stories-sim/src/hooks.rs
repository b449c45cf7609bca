//! What a test does to the cloud behind the API's back.

use std::time::Duration;

use crate::calls::{CallRecord, Calls};
use crate::fault::Fault;
use crate::latency::Latencies;
use crate::sim::Sim;
use crate::state::Cloud;
use crate::state::events::ScheduledEvent;
use crate::state::instance::Instance;
use crate::state::timeline::{Reason, State};

impl Sim {
    /// Counts of API calls by operation; each attempt of a retried call counts.
    #[must_use]
    pub fn calls(&self) -> Calls {
        Calls::of(&self.world().log)
    }

    /// Every API call in order.
    #[must_use]
    pub fn calls_log(&self) -> Vec<CallRecord> {
        self.world().log.clone()
    }

    /// Changes how long things take from now on; what is already decided stays.
    pub fn set_latencies(&self, latencies: Latencies) {
        self.world().latencies = latencies;
    }

    /// Leaves room for so many more instances of a type in a zone. Terminated ones give their room back.
    pub fn set_capacity(&self, instance_type: &str, zone: &str, free: u32) {
        self.in_zone(zone, |cloud| cloud.capacity.set(instance_type, zone, free));
    }

    /// Takes a type out of a zone's offerings.
    pub fn set_unsupported(&self, instance_type: &str, zone: &str) {
        self.in_zone(zone, |cloud| cloud.capacity.set_unsupported(instance_type, zone));
    }

    /// Sets the quota of vCPUs that may run in a region.
    pub fn set_vcpu_limit(&self, region: &str, vcpus: i32) {
        let now = self.now();
        self.world().cloud(region, now).capacity.vcpu_limit = vcpus;
    }

    /// Sets the quota of instances that may run in a region.
    pub fn set_instance_limit(&self, region: &str, instances: u32) {
        let now = self.now();
        self.world().cloud(region, now).capacity.instance_limit = Some(instances);
    }

    /// Sets how many import tasks may be active in a region.
    pub fn set_import_limit(&self, region: &str, tasks: usize) {
        let now = self.now();
        self.world().cloud(region, now).imports.limit = tasks;
    }

    /// Turns a region's EBS encryption by default on or off.
    pub fn set_encryption_by_default(&self, region: &str, encrypted: bool) {
        let now = self.now();
        self.world().cloud(region, now).encrypted_by_default = encrypted;
    }

    /// Lets the next import from now on end as `error` with this status message, such as
    /// `ClientError: Disk validation failed [Unsupported VMDK File Format]`.
    pub fn fail_next_import(&self, message: &str) {
        self.faults().nth("ImportSnapshot", 1, Fault::EndsInFailure(message.to_owned()));
    }

    /// Denies an action such as `ec2:RunInstances` to everyone, dry runs included.
    pub fn deny(&self, action: &str) {
        self.world().access.deny(action);
    }

    /// Takes a denial back.
    pub fn allow(&self, action: &str) {
        self.world().access.allow(action);
    }

    /// Retires every access key but this one, as at the end of a rotation. Keys that AssumeRole gave out live until
    /// they expire.
    pub fn accept_only(&self, access_key_id: &str) {
        self.world().access.accept_only(access_key_id);
    }

    /// Accepts one more key beside those of [`accept_only`](Self::accept_only), as in the middle of a rotation.
    pub fn accept_also(&self, access_key_id: &str) {
        self.world().access.accept_also(access_key_id);
    }

    /// Gives a spot instance its interruption notice now; it ends two minutes later. False if it is none that runs.
    pub fn interrupt_spot(&self, id: &str) -> bool {
        self.intervene(id, |instance, ctx| {
            let spot = instance.spot_request.is_some() && !instance.state(ctx.now).is_ending();
            if spot {
                instance.interrupt(ctx, ctx.now);
            }
            spot
        })
    }

    /// Runs `shutdown` in the guest: the instance stops or terminates by its shutdown behavior. False if it does not
    /// run.
    pub fn shut_down_guest(&self, id: &str) -> bool {
        self.intervene(id, |instance, ctx| {
            let running = instance.state(ctx.now) == State::Running;
            let reason = Reason::coded("Client.InstanceInitiatedShutdown");
            match instance.terminate_on_shutdown {
                _ if !running => {}
                true => instance.terminate(ctx, ctx.now, &reason),
                false => instance.stop(ctx, &reason),
            }
            running
        })
    }

    /// Takes an instance down as a failure of its host does: terminated at once, without anyone's wish. A pending one
    /// fails its launch. False if it has ended.
    pub fn kill(&self, id: &str) -> bool {
        self.intervene(id, |instance, ctx| {
            let alive = !instance.state(ctx.now).is_ending();
            if alive {
                instance.fail(ctx, "Server.InternalError");
            }
            alive
        })
    }

    /// Fails the status checks of a running instance from now on. False if there is no such instance.
    pub fn impair(&self, id: &str) -> bool {
        self.intervene(id, |instance, ctx| {
            let running = instance.timeline.since(State::Running, ctx.now);
            let after =
                running.map(|since| Duration::try_from(ctx.now.duration_since(since)).unwrap_or_default());
            instance.impaired_after = Some(after.unwrap_or_default());
            true
        })
    }

    /// Fails the system status check of an instance, as its hardware does. False if there is no such instance.
    pub fn impair_system(&self, id: &str) -> bool {
        self.intervene(id, |instance, ctx| {
            instance.system_impaired = Some(ctx.now);
            true
        })
    }

    /// Lets an impaired instance pass its status checks again. False if there is no such instance.
    pub fn recover(&self, id: &str) -> bool {
        self.intervene(id, |instance, _| {
            (instance.impaired_after, instance.system_impaired) = (None, None);
            true
        })
    }

    /// Stops an instance at somebody else's wish, as in the console. False if it does not run.
    pub fn stop(&self, id: &str) -> bool {
        self.intervene(id, |instance, ctx| {
            let running = instance.state(ctx.now) == State::Running;
            if running {
                instance.stop(ctx, &Reason::user(ctx.now));
            }
            running
        })
    }

    /// Schedules an event: EC2's code (`instance-retirement`, `instance-stop`, `instance-reboot`, `system-reboot`,
    /// `system-maintenance`), and how long it is until that is carried out. It is described from now on, also in the instance's
    /// metadata. Gives the event's id; nothing where there is no such code or instance, or that has ended.
    pub fn schedule_event(&self, id: &str, code: &str, notice: Duration) -> Option<String> {
        let mut scheduled = None;
        self.intervene(id, |instance, ctx| {
            if instance.state(ctx.now).is_ending() {
                return false;
            }
            let event = ScheduledEvent::new(ctx.id("instance-event"), code, ctx.now, ctx.now + notice);
            scheduled = event.as_ref().map(|event| event.id.clone());
            event.into_iter().for_each(|event| instance.schedule(ctx, event));
            true
        });
        scheduled
    }

    /// Calls a scheduled event off: it is described as `[Canceled]`. False if there is none, or it is over.
    pub fn cancel_event(&self, id: &str, event: &str) -> bool {
        self.intervene(id, |instance, ctx| instance.cancel_event(event, ctx.now))
    }

    fn intervene(&self, id: &str, act: impl FnOnce(&mut Instance, &crate::ctx::Ctx) -> bool) -> bool {
        let now = self.now();
        let mut world = self.world();
        let region = world.clouds(now).find(|(_, cloud)| cloud.instances.get(id).is_some());
        let Some(region) = region.map(|(region, _)| region.to_owned()) else { return false };
        let ctx = world.ctx(&region, now);
        let done =
            world.cloud(&region, now).instances.get_mut(id).is_some_and(|instance| act(instance, &ctx));
        drop(world);
        self.changed();
        done
    }

    /// A zone's name is its region's and a letter.
    pub(crate) fn in_zone<T>(&self, zone: &str, act: impl FnOnce(&mut Cloud) -> T) -> T {
        let now = self.now();
        let region = zone.trim_end_matches(|c: char| c.is_ascii_lowercase());
        act(self.world().cloud(region, now))
    }
}
