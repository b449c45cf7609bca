//! CreateSecurityGroup and DeleteSecurityGroup.

use super::named;
use crate::ctx::Ctx;
use crate::state::Cloud;
use crate::state::network::SecurityGroup;
use crate::wire::ApiError;
use crate::wire::generated::ec2::{
    CreateSecurityGroupRequest, CreateSecurityGroupResponse, DeleteSecurityGroupRequest,
    DeleteSecurityGroupResponse,
};

pub(crate) fn create_security_group(
    cloud: &mut Cloud,
    ctx: &Ctx,
    request: CreateSecurityGroupRequest,
) -> Result<CreateSecurityGroupResponse, ApiError> {
    let tags = cloud.tags.from_specifications("security-group", &request.tag_specifications)?;
    let vpc = match &request.vpc_id {
        Some(id) => cloud.network.vpc(id)?,
        None => cloud.network.default_vpc()?,
    };
    let name = request.group_name.unwrap_or_default();
    let description = request.description.unwrap_or_default();
    check_text("GroupName", &name)?;
    check_text("GroupDescription", &description)?;
    check_name(&name)?;
    let group = SecurityGroup::new(ctx.id("sg"), &name, &description, &vpc.id, ctx.id("sgr"));
    let id = group.id.clone();
    cloud.network.add_security_group(group)?;
    cloud.tags.set(&id, &tags)?;
    Ok(CreateSecurityGroupResponse { security_group_arn: Some(arn(ctx, &id)), group_id: Some(id), tags })
}

pub(super) fn arn(ctx: &Ctx, id: &str) -> String {
    format!("arn:aws:ec2:{}:{}:security-group/{id}", ctx.region, ctx.account)
}

/// "Up to 255 characters in length. Valid characters: a-z, A-Z, 0-9, spaces, and ._-:/()#,@[]+=&;{}!$*"
///
/// Source: CreateSecurityGroup, parameters GroupName and GroupDescription.
fn check_text(parameter: &str, text: &str) -> Result<(), ApiError> {
    let allowed = |char: char| char.is_ascii_alphanumeric() || " ._-:/()#,@[]+=&;{}!$*".contains(char);
    let why = match text {
        "" => return Err(ApiError::missing_parameter(parameter)),
        text if !text.is_ascii() => "Character sets beyond ASCII are not supported.",
        text if text.len() > 255 || !text.chars().all(allowed) => {
            "Valid are up to 255 characters of a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*"
        }
        _ => return Ok(()),
    };
    Err(ApiError::invalid_parameter(format!("Value ({text}) for parameter {parameter} is invalid. {why}")))
}

/// "Can't start with sg-." Source: CreateSecurityGroup, parameter GroupName.
fn check_name(name: &str) -> Result<(), ApiError> {
    if name.starts_with("sg-") {
        return Err(ApiError::invalid_parameter(format!(
            "Value ({name}) for parameter GroupName is invalid. Group names may not be in the format sg-*"
        )));
    }
    if name.eq_ignore_ascii_case("default") {
        return Err(ApiError::invalid_parameter("Cannot use reserved security group name: default"));
    }
    Ok(())
}

pub(crate) fn delete_security_group(
    cloud: &mut Cloud,
    _: &Ctx,
    request: DeleteSecurityGroupRequest,
) -> Result<DeleteSecurityGroupResponse, ApiError> {
    let id = named(cloud, request.group_id.as_deref(), request.group_name.as_deref())?.id.clone();
    let group = cloud.network.remove_security_group(&id)?;
    for rule in group.all_rules() {
        cloud.tags.remove(&rule.id);
    }
    cloud.tags.remove(&id);
    Ok(DeleteSecurityGroupResponse { group_id: Some(id), r#return: Some(true) })
}
