//! DescribeSpotInstanceRequests and CancelSpotInstanceRequests.

use crate::ctx::Ctx;
use crate::filter::{Field, Filterable, matching, value};
use crate::page;
use crate::state::Cloud;
use crate::state::spot::SpotRequest;
use crate::wire::ApiError;
use crate::wire::generated::ec2::{
    CancelSpotInstanceRequestsRequest, CancelSpotInstanceRequestsResponse, CancelledSpotInstanceRequest,
    DescribeSpotInstanceRequestsRequest, DescribeSpotInstanceRequestsResponse, SpotInstanceRequest,
    SpotInstanceStatus, Tag,
};

pub(crate) fn describe_spot_instance_requests(
    cloud: &mut Cloud,
    ctx: &Ctx,
    req: DescribeSpotInstanceRequestsRequest,
) -> Result<DescribeSpotInstanceRequestsResponse, ApiError> {
    page::check_size(req.max_results, 5, 1000)?;
    cloud.spot.known(&req.spot_instance_request_ids)?;
    let ids = &req.spot_instance_request_ids;
    let wanted = cloud.spot.all().filter(|request| ids.is_empty() || ids.contains(&request.id));
    let found = matching(wanted.map(|request| shown(cloud, ctx, request)), &req.filters)?;
    let key = |request: &SpotInstanceRequest| request.spot_instance_request_id.clone().unwrap_or_default();
    let (spot_instance_requests, next_token) =
        page::cut(found, key, req.max_results, req.next_token.as_deref())?;
    Ok(DescribeSpotInstanceRequestsResponse { spot_instance_requests, next_token })
}

/// Cancelling leaves the instance running.
pub(crate) fn cancel_spot_instance_requests(
    cloud: &mut Cloud,
    ctx: &Ctx,
    req: CancelSpotInstanceRequestsRequest,
) -> Result<CancelSpotInstanceRequestsResponse, ApiError> {
    cloud.spot.known(&req.spot_instance_request_ids)?;
    let cancelled = req.spot_instance_request_ids.into_iter().map(|id| {
        cloud.spot.cancel(&id, ctx.now);
        CancelledSpotInstanceRequest {
            spot_instance_request_id: Some(id),
            state: Some("cancelled".to_owned()),
        }
    });
    Ok(CancelSpotInstanceRequestsResponse { cancelled_spot_instance_requests: cancelled.collect() })
}

fn shown(cloud: &Cloud, ctx: &Ctx, request: &SpotRequest) -> SpotInstanceRequest {
    let instance = cloud.instances.get(&request.instance);
    let notice = instance.and_then(|i| i.spot_notice_at).filter(|at| *at <= ctx.now && request.is_active());
    let (code, since) = match notice {
        Some(at) => ("marked-for-termination", at),
        None => (request.status.0.as_str(), request.status.1),
    };
    SpotInstanceRequest {
        spot_instance_request_id: Some(request.id.clone()),
        instance_id: Some(request.instance.clone()),
        state: Some(request.state.name().to_owned()),
        status: Some(SpotInstanceStatus {
            code: Some(code.to_owned()),
            update_time: Some(since),
            ..SpotInstanceStatus::default()
        }),
        r#type: Some(if request.persistent { "persistent" } else { "one-time" }.to_owned()),
        create_time: Some(request.created),
        launched_availability_zone: Some(request.zone.clone()),
        spot_price: request.max_price.clone(),
        instance_interruption_behavior: Some("terminate".to_owned()),
        product_description: Some("Linux/UNIX".to_owned()),
        tags: cloud.tags.get(&request.id),
        ..SpotInstanceRequest::default()
    }
}

/// Source: DescribeSpotInstanceRequests, parameter Filter.N.
impl Filterable for SpotInstanceRequest {
    const FIELDS: &'static [Field<Self>] = &[
        ("create-time", |r| value(&r.create_time)),
        ("instance-id", |r| value(&r.instance_id)),
        ("launched-availability-zone", |r| value(&r.launched_availability_zone)),
        ("product-description", |r| value(&r.product_description)),
        ("spot-instance-request-id", |r| value(&r.spot_instance_request_id)),
        ("spot-price", |r| value(&r.spot_price)),
        ("state", |r| value(&r.state)),
        ("status-code", |r| r.status.iter().flat_map(|status| value(&status.code)).collect()),
        ("type", |r| value(&r.r#type)),
    ];

    fn tags(&self) -> Option<&[Tag]> {
        Some(&self.tags)
    }
}
