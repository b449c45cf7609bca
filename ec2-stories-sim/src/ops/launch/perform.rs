//! Carries a launch out.

use std::net::Ipv4Addr;
use std::sync::Arc;

use super::disks::Disk;
use super::plan::Plan;
use crate::ctx::Ctx;
use crate::fault::EventToCome;
use crate::state::Cloud;
use crate::state::events::ScheduledEvent;
use crate::state::instance::{Attached, Instance};
use crate::state::network::NewInterface;
use crate::state::spot::{SpotRequest, SpotState};
use crate::state::tags::tags_for;
use crate::state::timeline::Timeline;
use crate::state::volumes::{Attachment, Volume};
use crate::wire::ApiError;
use crate::wire::generated::ec2::{
    IamInstanceProfile, InstanceMetadataOptionsResponse, RunInstancesRequest, SpotMarketOptions,
};

/// Launches the whole plan and returns the reservation's id. Nothing can be refused half way but for lack of
/// addresses, so those are taken first.
pub(super) fn launch(
    cloud: &mut Cloud,
    ctx: &Ctx,
    req: &RunInstancesRequest,
    plan: &Plan,
) -> Result<String, ApiError> {
    let available = cloud.network.subnet(&plan.subnet)?.available_addresses();
    if available < plan.count as usize {
        let message = format!(
            "There are not enough free addresses in subnet '{}' to satisfy the requested number of instances.",
            plan.subnet
        );
        return Err(ApiError::new("InsufficientFreeAddressesInSubnet", message));
    }
    let reservation = ctx.id("r");
    for index in 0..plan.count {
        let instance = one(cloud, ctx, req, plan, &reservation, index)?;
        cloud.instances.insert(instance);
    }
    cloud.capacity.take(plan.kind.name, &plan.zone, plan.count);
    Ok(reservation)
}

fn one(
    cloud: &mut Cloud,
    ctx: &Ctx,
    req: &RunInstancesRequest,
    plan: &Plan,
    reservation: &str,
    index: u32,
) -> Result<Instance, ApiError> {
    let id = ctx.id("i");
    let visible_at = ctx.visible_at();
    let private_ip: Option<Ipv4Addr> = plan.private_ip;
    let interface = cloud.network.create_interface(NewInterface {
        id: ctx.id("eni"),
        attachment_id: ctx.id("eni-attach"),
        instance_id: id.clone(),
        subnet_id: plan.subnet.clone(),
        private_ip,
        public_ip: plan.public_ip,
        groups: plan.groups.clone(),
        description: String::new(),
        attached: ctx.now,
    })?;
    let volumes = plan
        .disks
        .iter()
        .map(|disk| attach(cloud, ctx, req, plan, &id, &interface.zone_id, disk))
        .collect::<Result<_, _>>()?;
    let spot_request = plan.spot.then(|| spot_request(cloud, ctx, req, plan, &id)).transpose()?;
    cloud.tags.set(&id, &tags_for("instance", &req.tag_specifications)?)?;
    cloud.tags.set(&interface.id, &tags_for("network-interface", &req.tag_specifications)?)?;
    let mut instance = Instance {
        id,
        reservation: reservation.to_owned(),
        launch_index: i32::try_from(index).unwrap_or(i32::MAX),
        launched: ctx.now,
        timeline: Timeline::starting(ctx.now),
        visible_at,
        indexed_at: visible_at + ctx.up_to(ctx.latencies.tag_index),
        kind: plan.kind,
        image: plan.image.clone(),
        zone: plan.zone.clone(),
        zone_id: interface.zone_id,
        interface: interface.id,
        wants_public_ip: interface.public_ip.is_some(),
        volumes,
        key_name: req.key_name.clone(),
        user_data: req.user_data.clone(),
        client_token: req.client_token.clone().unwrap_or_default(),
        terminate_on_shutdown: req.instance_initiated_shutdown_behavior.as_deref() == Some("terminate"),
        protected: req.disable_api_termination == Some(true),
        stop_protected: req.disable_api_stop == Some(true),
        ebs_optimized: req.ebs_optimized == Some(true),
        monitored: req.monitoring.as_ref().and_then(|monitoring| monitoring.enabled) == Some(true),
        source_dest_check: true,
        tenancy: req
            .placement
            .as_ref()
            .and_then(|p| p.tenancy.clone())
            .unwrap_or_else(|| "default".to_owned()),
        profile: profile(ctx, req),
        metadata: metadata(req, plan),
        spot_request,
        spot_notice_at: None,
        impaired_after: ctx.fate.impaired_after,
        reboots: 0,
        events: Vec::new(),
        system_impaired: None,
        host: cloud.network.hosted().then(Arc::default),
    };
    instance.boot(ctx, ctx.fate.late_failure.as_deref());
    if let (true, Some(after)) = (plan.spot, ctx.fate.spot_notice_after) {
        instance.interrupt(ctx, ctx.now + after);
    }
    if let Some(EventToCome { code, after, notice }) = &ctx.fate.event {
        let told = ctx.now + *after;
        let event = ScheduledEvent::new(ctx.id("instance-event"), code, told, told + *notice);
        event.into_iter().for_each(|event| instance.schedule(ctx, event));
    }
    Ok(instance)
}

fn attach(
    cloud: &mut Cloud,
    ctx: &Ctx,
    req: &RunInstancesRequest,
    plan: &Plan,
    instance: &str,
    zone_id: &str,
    disk: &Disk,
) -> Result<Attached, ApiError> {
    let id = ctx.id("vol");
    cloud.tags.set(&id, &tags_for("volume", &req.tag_specifications)?)?;
    cloud.volumes.insert(Volume {
        id: id.clone(),
        zone: plan.zone.clone(),
        zone_id: zone_id.to_owned(),
        size_gib: disk.size_gib,
        kind: disk.kind.clone(),
        iops: disk.iops,
        throughput: disk.throughput,
        encrypted: disk.encrypted,
        kms_key: disk.kms_key.clone(),
        snapshot: disk.snapshot.clone(),
        created: ctx.now,
        visible_at: ctx.now + ctx.up_to(ctx.latencies.visibility),
        attachment: Some(Attachment {
            instance: instance.to_owned(),
            device: disk.device.clone(),
            at: ctx.now,
            delete_on_termination: disk.delete_on_termination,
        }),
    });
    Ok(Attached {
        device: disk.device.clone(),
        volume: id,
        delete_on_termination: disk.delete_on_termination,
    })
}

fn spot_request(
    cloud: &mut Cloud,
    ctx: &Ctx,
    req: &RunInstancesRequest,
    plan: &Plan,
    instance: &str,
) -> Result<String, ApiError> {
    let id = ctx.id("sir");
    let default = SpotMarketOptions::default();
    let options =
        req.instance_market_options.as_ref().and_then(|o| o.spot_options.as_ref()).unwrap_or(&default);
    cloud.tags.set(&id, &tags_for("spot-instances-request", &req.tag_specifications)?)?;
    cloud.spot.insert(SpotRequest {
        id: id.clone(),
        instance: instance.to_owned(),
        zone: plan.zone.clone(),
        max_price: options.max_price.clone(),
        persistent: options.spot_instance_type.as_deref() == Some("persistent"),
        created: ctx.now,
        state: SpotState::Active,
        status: ("fulfilled".to_owned(), ctx.now),
    });
    Ok(id)
}

fn profile(ctx: &Ctx, req: &RunInstancesRequest) -> Option<IamInstanceProfile> {
    let asked = req.iam_instance_profile.as_ref()?;
    let by_name = || Some(format!("arn:aws:iam::{}:instance-profile/{}", ctx.account, asked.name.as_ref()?));
    let arn = asked.arn.clone().or_else(by_name)?;
    Some(IamInstanceProfile { arn: Some(arn), id: Some(ctx.id("AIPA").replace('-', "").to_uppercase()) })
}

/// What is not asked for comes from the image's `ImdsSupport`, then from EC2's defaults.
///
/// Source: EC2 user guide, "Order of precedence for instance metadata options".
fn metadata(req: &RunInstancesRequest, plan: &Plan) -> InstanceMetadataOptionsResponse {
    let asked = req.metadata_options.clone().unwrap_or_default();
    let (tokens, hops) = if plan.image.imds_v2 { ("required", 2) } else { ("optional", 1) };
    InstanceMetadataOptionsResponse {
        state: Some("applied".to_owned()),
        http_tokens: Some(asked.http_tokens.unwrap_or_else(|| tokens.to_owned())),
        http_put_response_hop_limit: Some(asked.http_put_response_hop_limit.unwrap_or(hops)),
        http_endpoint: Some(asked.http_endpoint.unwrap_or_else(|| "enabled".to_owned())),
        http_protocol_ipv6: Some(asked.http_protocol_ipv6.unwrap_or_else(|| "disabled".to_owned())),
        instance_metadata_tags: Some(asked.instance_metadata_tags.unwrap_or_else(|| "disabled".to_owned())),
    }
}
