//! ModifyImageAttribute, DescribeImageAttribute, ResetImageAttribute.

use super::check::{check_description, is_account};
use crate::ctx::Ctx;
use crate::state::Cloud;
use crate::state::images::Registered;
use crate::wire::ApiError;
use crate::wire::generated::ec2::{
    AttributeValue, DescribeImageAttributeRequest, DescribeImageAttributeResponse, LaunchPermission,
    ModifyImageAttributeRequest, ModifyImageAttributeResponse, ResetImageAttributeRequest,
    ResetImageAttributeResponse,
};

/// One attribute a call, given by its own parameter or by `Attribute` and `Value`.
pub(crate) fn modify_image_attribute(
    cloud: &mut Cloud,
    ctx: &Ctx,
    req: ModifyImageAttributeRequest,
) -> Result<ModifyImageAttributeResponse, ApiError> {
    let id = req.image_id.clone().unwrap_or_default();
    let image = cloud.images.own(&id, &ctx.account, ctx.now)?;
    let change = Change::of(req)?;
    change.check(cloud, image)?;
    if let Some(image) = cloud.images.get_mut(&id) {
        change.apply(image);
    }
    Ok(ModifyImageAttributeResponse::default())
}

enum Change {
    Description(String),
    /// An image that asked for IMDSv2 once asks for it always.
    ImdsV2,
    Permissions {
        add: Vec<LaunchPermission>,
        remove: Vec<LaunchPermission>,
    },
}

impl Change {
    fn of(req: ModifyImageAttributeRequest) -> Result<Self, ApiError> {
        if !req.product_codes.is_empty() {
            return Err(ApiError::unsimulated("ProductCode"));
        }
        let value = |given: Option<AttributeValue>| given.and_then(|given| given.value);
        match req.attribute.as_deref() {
            None | Some("launchPermission" | "description" | "imdsSupport") => {}
            Some(other) => return Err(ApiError::invalid_value(other, "attribute")),
        }
        if let Some(text) = value(req.description.clone())
            .or_else(|| req.value.clone().filter(|_| req.attribute.as_deref() == Some("description")))
        {
            return Ok(Self::Description(text));
        }
        if let Some(text) = value(req.imds_support.clone())
            .or_else(|| req.value.clone().filter(|_| req.attribute.as_deref() == Some("imdsSupport")))
        {
            return if text == "v2.0" {
                Ok(Self::ImdsV2)
            } else {
                Err(ApiError::invalid_value(&text, "imdsSupport"))
            };
        }
        if let Some(permission) = req.launch_permission {
            return Ok(Self::Permissions { add: permission.add, remove: permission.remove });
        }
        let operation = req.operation_type.clone();
        match (named(req), operation.as_deref()) {
            (named, _) if named.is_empty() => Err(ApiError::missing_parameter("attribute")),
            (named, Some("add")) => Ok(Self::Permissions { add: named, remove: Vec::new() }),
            (named, Some(_)) => Ok(Self::Permissions { add: Vec::new(), remove: named }),
            (_, None) => Err(ApiError::missing_parameter("OperationType")),
        }
    }

    fn check(&self, cloud: &Cloud, image: &Registered) -> Result<(), ApiError> {
        match self {
            Self::Description(text) => check_description(Some(text)),
            Self::ImdsV2 => Ok(()),
            Self::Permissions { add, remove } => {
                add.iter().chain(remove).try_for_each(check_permission)?;
                if add.is_empty() { Ok(()) } else { check_encryption(cloud, image, add) }
            }
        }
    }

    fn apply(self, image: &mut Registered) {
        match self {
            Self::Description(text) => image.image.description = Some(text),
            Self::ImdsV2 => image.image.imds_support = Some("v2.0".to_owned()),
            Self::Permissions { add, remove } => {
                image.permissions.retain(|permission| !remove.contains(permission));
                for permission in add {
                    if !image.permissions.contains(&permission) {
                        image.permissions.push(permission);
                    }
                }
            }
        }
    }
}

/// The accounts, groups and organizations that the older parameters name.
fn named(req: ModifyImageAttributeRequest) -> Vec<LaunchPermission> {
    let none = LaunchPermission::default;
    let users = req.user_ids.into_iter().map(|id| LaunchPermission { user_id: Some(id), ..none() });
    let groups = req.user_groups.into_iter().map(|group| LaunchPermission { group: Some(group), ..none() });
    let organizations = req.organization_arns.into_iter();
    let organizations = organizations.map(|arn| LaunchPermission { organization_arn: Some(arn), ..none() });
    let units = req.organizational_unit_arns.into_iter();
    let units = units.map(|arn| LaunchPermission { organizational_unit_arn: Some(arn), ..none() });
    users.chain(groups).chain(organizations).chain(units).collect()
}

/// Code: "Error codes for the Amazon EC2 API", InvalidAMIAttributeItemValue.
fn check_permission(permission: &LaunchPermission) -> Result<(), ApiError> {
    let wrong = |value: &str, item: &str| {
        let message = format!("Invalid attribute item value \"{value}\" for {item} item type.");
        Err(ApiError::new("InvalidAMIAttributeItemValue", message))
    };
    let named = [
        &permission.user_id,
        &permission.group,
        &permission.organization_arn,
        &permission.organizational_unit_arn,
    ];
    if named.iter().filter(|member| member.is_some()).count() != 1 {
        return Err(ApiError::invalid_combination(
            "A launch permission names one account, group or organization",
        ));
    }
    match (&permission.user_id, &permission.group) {
        (Some(account), _) if !is_account(account) => wrong(account, "userId"),
        (_, Some(group)) if group != "all" => wrong(group, "group"),
        _ => Ok(()),
    }
}

/// Source: EC2 user guide, "Share an AMI with specific AWS accounts": not with snapshots under the default key; "Make your
/// AMI publicly available": not with encrypted snapshots.
fn check_encryption(cloud: &Cloud, image: &Registered, add: &[LaunchPermission]) -> Result<(), ApiError> {
    let all = cloud.snapshots.all();
    let mut encrypted = all.filter(|s| s.encrypted && image.snapshots().any(|id| id == s.id));
    let public = add.iter().any(|permission| permission.group.is_some());
    if encrypted.any(|snapshot| public || snapshot.kms_key.is_none()) {
        let message =
            format!("The image '{}' has encrypted snapshots that cannot be shared this way", image.id());
        return Err(ApiError::new("InvalidParameter", message));
    }
    Ok(())
}

pub(crate) fn describe_image_attribute(
    cloud: &mut Cloud,
    ctx: &Ctx,
    req: DescribeImageAttributeRequest,
) -> Result<DescribeImageAttributeResponse, ApiError> {
    let id = req.image_id.unwrap_or_default();
    let found = cloud.images.own(&id, &ctx.account, ctx.now)?;
    let image = found.image.clone();
    let text = |value: Option<String>| value.map(|value| AttributeValue { value: Some(value) });
    let mut reply =
        DescribeImageAttributeResponse { image_id: Some(id), ..DescribeImageAttributeResponse::default() };
    match req.attribute.as_deref().unwrap_or_default() {
        "launchPermission" => reply.launch_permissions.clone_from(&found.permissions),
        "description" => reply.description = text(image.description),
        "blockDeviceMapping" => reply.block_device_mappings = image.block_device_mappings,
        "sriovNetSupport" => reply.sriov_net_support = text(image.sriov_net_support),
        "bootMode" => reply.boot_mode = text(image.boot_mode),
        "tpmSupport" => reply.tpm_support = text(image.tpm_support),
        "imdsSupport" => reply.imds_support = text(image.imds_support),
        "deregistrationProtection" => reply.deregistration_protection = text(Some("disabled".to_owned())),
        "lastLaunchedTime" => reply.last_launched_time = text(image.last_launched_time),
        // "kernel", "ramdisk", "productCodes", "uefiData": no image here has any.
        _ => {}
    }
    Ok(reply)
}

/// Source: ResetImageAttribute: "Resets the launch permission attribute of the specified AMI to its default value".
pub(crate) fn reset_image_attribute(
    cloud: &mut Cloud,
    ctx: &Ctx,
    req: ResetImageAttributeRequest,
) -> Result<ResetImageAttributeResponse, ApiError> {
    let id = req.image_id.unwrap_or_default();
    cloud.images.own(&id, &ctx.account, ctx.now)?;
    if let Some(image) = cloud.images.get_mut(&id) {
        image.permissions.clear();
    }
    Ok(ResetImageAttributeResponse::default())
}
