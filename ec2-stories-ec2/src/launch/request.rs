//! From a frozen request to RunInstances: the same request says the same, byte for byte.

use aws_sdk_ec2::Client;
use aws_sdk_ec2::operation::run_instances::builders::RunInstancesFluentBuilder;
use aws_sdk_ec2::types::{
    HttpTokensState, IamInstanceProfileSpecification, InstanceInterruptionBehavior,
    InstanceMarketOptionsRequest, InstanceMetadataEndpointState, InstanceMetadataOptionsRequest,
    InstanceMetadataTagsState, InstanceType, MarketType, Placement, ResourceType, ShutdownBehavior,
    SpotInstanceType, SpotMarketOptions,
};
use ec2_stories_core::model::{LaunchRequest, Market, MetadataOptions};
use ec2_stories_core::{Error, Result};

use super::{network, user_data, volumes};
use crate::tags::specification;

/// # Errors
/// [`ErrorKind::Invalid`](ec2_stories_core::ErrorKind::Invalid) for what EC2 would refuse and we know it.
pub(crate) fn run_instances(client: &Client, request: &LaunchRequest) -> Result<RunInstancesFluentBuilder> {
    let count =
        i32::try_from(request.count()).map_err(|_| Error::invalid("nodes", "too many for one launch"))?;
    let at_least = i32::try_from(request.at_least).unwrap_or(i32::MAX);
    if count == 0 || !(1..=count).contains(&at_least) {
        return Err(Error::invalid("at_least", format!("{at_least} is not between 1 and {count}")));
    }
    let mut run = client
        .run_instances()
        .client_token(request.token.as_str())
        .min_count(at_least)
        .max_count(count)
        .image_id(request.image.as_str())
        .instance_type(InstanceType::from(request.instance_type.as_str()))
        .set_key_name(request.key.as_ref().map(ToString::to_string))
        .set_user_data(request.user_data.as_deref().map(user_data::encode).transpose()?)
        .set_block_device_mappings(volumes::mappings(request)?)
        .metadata_options(metadata_options(request.metadata))
        // A guest that shuts itself down must not leave a stopped instance whose volumes bill.
        .instance_initiated_shutdown_behavior(ShutdownBehavior::Terminate)
        .set_instance_market_options(market(&request.market));
    if let Some(zone) = &request.placement.zone {
        run = run.placement(Placement::builder().availability_zone(zone.as_str()).build());
    }
    if let Some(profile) = &request.instance_profile {
        run = run.iam_instance_profile(IamInstanceProfileSpecification::builder().name(profile).build());
    }
    Ok(tagged(network::attach(run, request), request))
}

/// Everything that the call makes carries the tags from the call on.
fn tagged(mut run: RunInstancesFluentBuilder, request: &LaunchRequest) -> RunInstancesFluentBuilder {
    let tags = request.all_tags();
    let mut made = vec![ResourceType::Instance, ResourceType::Volume, ResourceType::NetworkInterface];
    if matches!(request.market, Market::Spot { .. }) {
        made.push(ResourceType::SpotInstancesRequest);
    }
    for resource in made {
        run = run.tag_specifications(specification(resource, &tags));
    }
    run
}

fn metadata_options(options: MetadataOptions) -> InstanceMetadataOptionsRequest {
    let tokens = if options.require_token { HttpTokensState::Required } else { HttpTokensState::Optional };
    let tags =
        if options.tags { InstanceMetadataTagsState::Enabled } else { InstanceMetadataTagsState::Disabled };
    InstanceMetadataOptionsRequest::builder()
        .http_endpoint(InstanceMetadataEndpointState::Enabled)
        .http_tokens(tokens)
        .http_put_response_hop_limit(i32::from(options.hop_limit))
        .instance_metadata_tags(tags)
        .build()
}

/// One-time and terminated when interrupted: a persistent request would launch instances that nobody asked for.
fn market(market: &Market) -> Option<InstanceMarketOptionsRequest> {
    let Market::Spot { max_price } = market else { return None };
    let spot = SpotMarketOptions::builder()
        .spot_instance_type(SpotInstanceType::OneTime)
        .instance_interruption_behavior(InstanceInterruptionBehavior::Terminate)
        .set_max_price(max_price.clone())
        .build();
    Some(InstanceMarketOptionsRequest::builder().market_type(MarketType::Spot).spot_options(spot).build())
}
