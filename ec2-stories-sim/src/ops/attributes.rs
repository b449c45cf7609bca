//! DescribeInstanceAttribute, ModifyInstanceAttribute, ModifyInstanceMetadataOptions.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::ctx::Ctx;
use crate::ops::show;
use crate::state::Cloud;
use crate::state::instance::Instance;
use crate::state::tags::check_metadata_keys;
use crate::state::timeline::State;
use crate::state::types;
use crate::wire::generated::ec2::{
    AttributeBooleanValue, AttributeValue, DescribeInstanceAttributeRequest,
    DescribeInstanceAttributeResponse, ModifyInstanceAttributeRequest, ModifyInstanceAttributeResponse,
    ModifyInstanceMetadataOptionsRequest, ModifyInstanceMetadataOptionsResponse,
};
use crate::wire::{ApiError, Sensitive};

pub(crate) fn describe_instance_attribute(
    cloud: &mut Cloud,
    ctx: &Ctx,
    req: DescribeInstanceAttributeRequest,
) -> Result<DescribeInstanceAttributeResponse, ApiError> {
    let instance = known(cloud, ctx, req.instance_id.as_ref())?;
    let shown = show::instance(cloud, ctx, instance);
    let mut reply = DescribeInstanceAttributeResponse {
        instance_id: Some(instance.id.clone()),
        ..DescribeInstanceAttributeResponse::default()
    };
    let behavior = if instance.terminate_on_shutdown { "terminate" } else { "stop" };
    match req.attribute.as_deref().unwrap_or_default() {
        "instanceType" => reply.instance_type = text(instance.kind.name),
        "userData" => reply.user_data = instance.user_data.as_deref().and_then(text),
        "disableApiTermination" => reply.disable_api_termination = flag(instance.protected),
        "disableApiStop" => reply.disable_api_stop = flag(instance.stop_protected),
        "instanceInitiatedShutdownBehavior" => reply.instance_initiated_shutdown_behavior = text(behavior),
        "rootDeviceName" => reply.root_device_name = text(&instance.image.root_device),
        "blockDeviceMapping" => reply.block_device_mappings = shown.block_device_mappings,
        "sourceDestCheck" => reply.source_dest_check = flag(instance.source_dest_check),
        "groupSet" => reply.groups = shown.security_groups,
        "ebsOptimized" => reply.ebs_optimized = flag(instance.ebs_optimized),
        "enaSupport" => reply.ena_support = flag(true),
        "sriovNetSupport" | "kernel" | "ramdisk" | "productCodes" | "enclaveOptions" => {}
        other => return Err(ApiError::invalid_value(other, "attribute")),
    }
    Ok(reply)
}

/// One attribute a call, given by its own parameter or by `Attribute` and `Value`.
///
/// Source: ModifyInstanceAttribute: the type and user data of a stopped instance only.
pub(crate) fn modify_instance_attribute(
    cloud: &mut Cloud,
    ctx: &Ctx,
    req: ModifyInstanceAttributeRequest,
) -> Result<ModifyInstanceAttributeResponse, ApiError> {
    let req = by_parameter(req)?;
    let instance = known(cloud, ctx, req.instance_id.as_ref())?;
    let (id, interface) = (instance.id.clone(), instance.interface.clone());
    let state = instance.state(ctx.now);
    if !req.groups.is_empty() {
        cloud.network.set_interface_groups(&interface, &req.groups)?;
    }
    for mapping in &req.block_device_mappings {
        let delete = mapping.ebs.as_ref().and_then(|ebs| ebs.delete_on_termination);
        set_delete_on_termination(cloud, &id, mapping.device_name.as_deref().unwrap_or_default(), delete)?;
    }
    let Some(instance) = cloud.instances.get_mut(&id) else {
        return Ok(ModifyInstanceAttributeResponse::default());
    };
    if let Some(kind) = req.instance_type.and_then(|kind| kind.value) {
        stopped(&id, state, "instanceType")?;
        instance.kind = types::find(&kind)?;
    }
    if let Some(data) = req.user_data.and_then(|data| data.value) {
        stopped(&id, state, "userData")?;
        BASE64_STANDARD
            .decode(data.as_bytes())
            .map_err(|_| ApiError::invalid_parameter("Invalid BASE64 encoding of user data."))?;
        instance.user_data = Some(data);
    }
    if let Some(behavior) = req.instance_initiated_shutdown_behavior.and_then(|behavior| behavior.value) {
        instance.terminate_on_shutdown = match behavior.as_str() {
            "terminate" => true,
            "stop" => false,
            other => return Err(ApiError::invalid_value(other, "instanceInitiatedShutdownBehavior")),
        };
    }
    set(&mut instance.protected, req.disable_api_termination);
    set(&mut instance.stop_protected, req.disable_api_stop);
    set(&mut instance.source_dest_check, req.source_dest_check);
    set(&mut instance.ebs_optimized, req.ebs_optimized);
    Ok(ModifyInstanceAttributeResponse::default())
}

pub(crate) fn modify_instance_metadata_options(
    cloud: &mut Cloud,
    ctx: &Ctx,
    req: ModifyInstanceMetadataOptionsRequest,
) -> Result<ModifyInstanceMetadataOptionsResponse, ApiError> {
    let id = known(cloud, ctx, req.instance_id.as_ref())?.id.clone();
    if let Some(hops) = req.http_put_response_hop_limit
        && !(1..=64).contains(&hops)
    {
        return Err(ApiError::invalid_value(&hops.to_string(), "HttpPutResponseHopLimit"));
    }
    if req.instance_metadata_tags.as_deref() == Some("enabled") {
        check_metadata_keys(cloud.tags.pairs(&id).keys().map(String::as_str))?;
    }
    let options = cloud.instances.get_mut(&id).map(|instance| {
        let options = &mut instance.metadata;
        options.http_tokens = req.http_tokens.or(options.http_tokens.take());
        options.http_endpoint = req.http_endpoint.or(options.http_endpoint.take());
        options.http_protocol_ipv6 = req.http_protocol_ipv6.or(options.http_protocol_ipv6.take());
        options.instance_metadata_tags = req.instance_metadata_tags.or(options.instance_metadata_tags.take());
        options.http_put_response_hop_limit =
            req.http_put_response_hop_limit.or(options.http_put_response_hop_limit);
        options.clone()
    });
    Ok(ModifyInstanceMetadataOptionsResponse { instance_id: Some(id), instance_metadata_options: options })
}

fn known<'a>(cloud: &'a Cloud, ctx: &Ctx, id: Option<&String>) -> Result<&'a Instance, ApiError> {
    let id = id.cloned().unwrap_or_default();
    cloud.instances.known(std::slice::from_ref(&id), ctx.now)?;
    cloud.instances.get(&id).ok_or_else(|| ApiError::missing_parameter("InstanceId"))
}

/// Turns `Attribute=…&Value=…` into the parameter of that attribute.
fn by_parameter(mut req: ModifyInstanceAttributeRequest) -> Result<ModifyInstanceAttributeRequest, ApiError> {
    let Some(attribute) = req.attribute.take() else { return Ok(req) };
    let Some(value) = req.value.take() else {
        // Block devices have a parameter of their own beside the attribute's name.
        return Ok(req);
    };
    let text = Some(AttributeValue { value: Some(value.to_string()) });
    let flag = Some(AttributeBooleanValue { value: value.parse().ok() });
    match attribute.as_str() {
        "instanceType" => req.instance_type = text,
        "instanceInitiatedShutdownBehavior" => req.instance_initiated_shutdown_behavior = text,
        "userData" => {
            req.user_data = Some(crate::wire::generated::ec2::SecureBlobAttributeValue {
                value: Some(Sensitive::from(value.to_string())),
            });
        }
        "disableApiTermination" => req.disable_api_termination = flag,
        "disableApiStop" => req.disable_api_stop = flag,
        "sourceDestCheck" => req.source_dest_check = flag,
        "ebsOptimized" => req.ebs_optimized = flag,
        other => return Err(ApiError::invalid_value(other, "attribute")),
    }
    Ok(req)
}

fn set_delete_on_termination(
    cloud: &mut Cloud,
    id: &str,
    device: &str,
    delete: Option<bool>,
) -> Result<(), ApiError> {
    let instance = cloud.instances.get_mut(id);
    let found = instance.and_then(|instance| instance.volumes.iter_mut().find(|disk| disk.device == device));
    let (Some(disk), Some(delete)) = (found, delete) else {
        let message = format!("Instance '{id}' does not have a volume attached at '{device}'");
        return Err(ApiError::new("InvalidInstanceAttributeValue", message));
    };
    disk.delete_on_termination = delete;
    let volume = disk.volume.clone();
    cloud.volumes.set_delete_on_termination(&volume, delete);
    Ok(())
}

fn stopped(id: &str, state: State, attribute: &str) -> Result<(), ApiError> {
    if state == State::Stopped {
        return Ok(());
    }
    let message =
        format!("The instance '{id}' is not in the 'stopped' state: its {attribute} cannot be modified.");
    Err(ApiError::new("IncorrectInstanceState", message))
}

fn set(member: &mut bool, asked: Option<AttributeBooleanValue>) {
    if let Some(value) = asked.and_then(|asked| asked.value) {
        *member = value;
    }
}

fn text(value: &str) -> Option<AttributeValue> {
    Some(AttributeValue { value: Some(value.to_owned()) })
}

fn flag(value: bool) -> Option<AttributeBooleanValue> {
    Some(AttributeBooleanValue { value: Some(value) })
}
