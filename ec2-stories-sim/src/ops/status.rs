//! DescribeInstanceStatus.

use jiff::Timestamp;

use crate::ctx::Ctx;
use crate::filter::{Field, Filterable, matching, value};
use crate::ops::show;
use crate::page;
use crate::state::Cloud;
use crate::state::events::ScheduledEvent;
use crate::state::instance::Instance;
use crate::state::timeline::State;
use crate::wire::ApiError;
use crate::wire::generated::ec2::{
    DescribeInstanceStatusRequest, DescribeInstanceStatusResponse, EbsStatusDetails, EbsStatusSummary,
    InstanceStatus, InstanceStatusDetails, InstanceStatusEvent, InstanceStatusSummary, Tag,
};

/// "Default: Describes all your instances. Constraints: Maximum 100 explicitly specified instance IDs."
const MAX_IDS: usize = 100;

/// Only running instances, unless all are asked for.
pub(crate) fn describe_instance_status(
    cloud: &mut Cloud,
    ctx: &Ctx,
    req: DescribeInstanceStatusRequest,
) -> Result<DescribeInstanceStatusResponse, ApiError> {
    if !req.instance_ids.is_empty() && req.max_results.is_some() {
        let message = "The parameter instancesSet cannot be used with the parameter maxResults";
        return Err(ApiError::invalid_combination(message));
    }
    page::check_size(req.max_results, 5, 1000)?;
    // Source: DescribeInstanceStatus, parameter InstanceId.N; the code is a guess.
    if req.instance_ids.len() > MAX_IDS {
        let message = format!("At most {MAX_IDS} instance IDs may be named, not {}", req.instance_ids.len());
        return Err(ApiError::new("InvalidParameterValue", message));
    }
    cloud.instances.known(&req.instance_ids, ctx.now)?;
    let all = req.include_all_instances == Some(true);
    let wanted = cloud.instances.named_or_all(&req.instance_ids).filter(|instance| {
        instance.visible_at <= ctx.now && (all || instance.state(ctx.now) == State::Running)
    });
    let found = matching(wanted.map(|instance| status(cloud, ctx, instance)), &req.filters)?;
    let key = |found: &InstanceStatus| found.instance_id.clone().unwrap_or_default();
    let (instance_statuses, next_token) = page::cut(found, key, req.max_results, req.next_token.as_deref())?;
    Ok(DescribeInstanceStatusResponse { instance_statuses, next_token })
}

fn status(cloud: &Cloud, ctx: &Ctx, instance: &Instance) -> InstanceStatus {
    let health = health(cloud, ctx, instance);
    let system = match health {
        // Only an outage of the zone or of the hardware is the system's fault.
        Health::Impaired(_) if system_fault(cloud, ctx, instance).is_none() => Health::Ok,
        health => health,
    };
    let shown = instance.events.iter().filter(|event| event.is_shown(ctx.now));
    let ebs = health != Health::NotApplicable;
    InstanceStatus {
        instance_id: Some(instance.id.clone()),
        events: shown.map(|event| show_event(event, ctx.now)).collect(),
        availability_zone: Some(instance.zone.clone()),
        availability_zone_id: Some(instance.zone_id.clone()),
        instance_state: Some(show::state(instance.state(ctx.now))),
        instance_status: Some(health.summary()),
        system_status: Some(system.summary()),
        attached_ebs_status: ebs.then(|| attached_ebs(&system.summary())),
        ..InstanceStatus::default()
    }
}

fn show_event(event: &ScheduledEvent, now: Timestamp) -> InstanceStatusEvent {
    InstanceStatusEvent {
        instance_event_id: Some(event.id.clone()),
        code: Some(event.code.to_owned()),
        description: Some(event.description(now)),
        not_before: Some(event.not_before),
        not_after: Some(event.not_after()),
        not_before_deadline: None,
    }
}

fn system_fault(cloud: &Cloud, ctx: &Ctx, instance: &Instance) -> Option<Timestamp> {
    cloud.capacity.outage(&instance.zone, ctx.now).or(instance.system_impaired)
}

/// Source: EC2 user guide, "Status checks for Amazon EC2 instances", and API reference, InstanceStatusSummary.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Health {
    NotApplicable,
    Initializing,
    Ok,
    Impaired(Timestamp),
}

fn health(cloud: &Cloud, ctx: &Ctx, instance: &Instance) -> Health {
    let Some(running) = instance.timeline.since(State::Running, ctx.now) else {
        return Health::NotApplicable;
    };
    if let Some(since) = system_fault(cloud, ctx, instance).or(instance.impaired_since(ctx.now)) {
        return Health::Impaired(since.max(running));
    }
    if ctx.now < running + ctx.latencies.status_checks { Health::Initializing } else { Health::Ok }
}

impl Health {
    fn summary(self) -> InstanceStatusSummary {
        let (status, check, impaired_since) = match self {
            Self::NotApplicable => ("not-applicable", None, None),
            Self::Initializing => ("initializing", Some("initializing"), None),
            Self::Ok => ("ok", Some("passed"), None),
            Self::Impaired(since) => ("impaired", Some("failed"), Some(since)),
        };
        let detail = |check: &str| InstanceStatusDetails {
            name: Some("reachability".to_owned()),
            status: Some(check.to_owned()),
            impaired_since,
        };
        InstanceStatusSummary {
            status: Some(status.to_owned()),
            details: check.map(detail).into_iter().collect(),
        }
    }
}

fn attached_ebs(system: &InstanceStatusSummary) -> EbsStatusSummary {
    EbsStatusSummary {
        status: system.status.clone(),
        details: system
            .details
            .iter()
            .map(|detail| EbsStatusDetails {
                name: detail.name.clone(),
                status: detail.status.clone(),
                impaired_since: detail.impaired_since,
            })
            .collect(),
    }
}

/// Source: DescribeInstanceStatus, parameter Filter.N; it has no tag filters.
impl Filterable for InstanceStatus {
    const FIELDS: &'static [Field<Self>] = &[
        ("availability-zone", |s| value(&s.availability_zone)),
        ("availability-zone-id", |s| value(&s.availability_zone_id)),
        ("instance-state-code", |s| s.instance_state.iter().flat_map(|state| value(&state.code)).collect()),
        ("instance-state-name", |s| s.instance_state.iter().flat_map(|state| value(&state.name)).collect()),
        ("instance-status.reachability", |s| reachability(s.instance_status.as_ref())),
        ("instance-status.status", |s| {
            s.instance_status.iter().flat_map(|status| value(&status.status)).collect()
        }),
        ("system-status.reachability", |s| reachability(s.system_status.as_ref())),
        ("system-status.status", |s| {
            s.system_status.iter().flat_map(|status| value(&status.status)).collect()
        }),
        ("event.code", |s| s.events.iter().flat_map(|event| value(&event.code)).collect()),
        ("event.description", |s| s.events.iter().flat_map(|event| value(&event.description)).collect()),
        ("event.instance-event-id", |s| {
            s.events.iter().flat_map(|event| value(&event.instance_event_id)).collect()
        }),
        ("event.not-after", |s| s.events.iter().flat_map(|event| value(&event.not_after)).collect()),
        ("event.not-before", |s| s.events.iter().flat_map(|event| value(&event.not_before)).collect()),
        ("attached-ebs-status.status", |s| {
            s.attached_ebs_status.iter().flat_map(|status| value(&status.status)).collect()
        }),
    ];
    const TAGGED: bool = false;

    fn tags(&self) -> Option<&[Tag]> {
        None
    }
}

fn reachability(summary: Option<&InstanceStatusSummary>) -> Vec<String> {
    summary.iter().flat_map(|summary| &summary.details).flat_map(|detail| value(&detail.status)).collect()
}
