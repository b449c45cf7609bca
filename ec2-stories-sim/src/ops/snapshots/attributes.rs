//! ModifySnapshotAttribute, DescribeSnapshotAttribute: with whom a snapshot is shared.

use crate::ctx::Ctx;
use crate::ops::images::is_account;
use crate::state::Cloud;
use crate::wire::ApiError;
use crate::wire::generated::ec2::{
    CreateVolumePermission, DescribeSnapshotAttributeRequest, DescribeSnapshotAttributeResponse,
    ModifySnapshotAttributeRequest, ModifySnapshotAttributeResponse,
};

pub(crate) fn modify_snapshot_attribute(
    cloud: &mut Cloud,
    ctx: &Ctx,
    req: ModifySnapshotAttributeRequest,
) -> Result<ModifySnapshotAttributeResponse, ApiError> {
    if req.attribute.as_deref().is_some_and(|attribute| attribute != "createVolumePermission") {
        return Err(ApiError::invalid_value(req.attribute.as_deref().unwrap_or_default(), "attribute"));
    }
    let id = req.snapshot_id.clone().unwrap_or_default();
    let snapshot = cloud.snapshots.own(&id, &ctx.account, ctx.now)?;
    let (add, remove) = changes(req)?;
    for permission in add.iter().chain(&remove) {
        check(permission)?;
    }
    // "You can't share a snapshot that is encrypted with the default KMS key", ModifySnapshotAttribute.
    if snapshot.encrypted && snapshot.kms_key.is_none() && !add.is_empty() {
        let message = "Encrypted snapshots with EBS default key cannot be shared";
        return Err(ApiError::new("InvalidParameter", message));
    }
    if snapshot.encrypted && add.iter().any(|permission| permission.group.is_some()) {
        let message = "Encrypted snapshots cannot be made public";
        return Err(ApiError::new("InvalidParameter", message));
    }
    if let Some(snapshot) = cloud.snapshots.get_mut(&id) {
        for (permissions, give) in [(remove, false), (add, true)] {
            for permission in permissions {
                let given = &mut snapshot.permissions;
                match permission.user_id {
                    Some(account) if give => drop(given.accounts.insert(account)),
                    Some(account) => drop(given.accounts.remove(&account)),
                    None => given.public = give,
                }
            }
        }
    }
    Ok(ModifySnapshotAttributeResponse::default())
}

/// What to add and to remove, by either way of saying so.
fn changes(
    req: ModifySnapshotAttributeRequest,
) -> Result<(Vec<CreateVolumePermission>, Vec<CreateVolumePermission>), ApiError> {
    if let Some(modifications) = req.create_volume_permission {
        return Ok((modifications.add, modifications.remove));
    }
    let accounts =
        req.user_ids.into_iter().map(|id| CreateVolumePermission { user_id: Some(id), group: None });
    let groups =
        req.group_names.into_iter().map(|group| CreateVolumePermission { user_id: None, group: Some(group) });
    let named: Vec<_> = accounts.chain(groups).collect();
    match req.operation_type.as_deref() {
        _ if named.is_empty() => Err(ApiError::missing_parameter("CreateVolumePermission")),
        Some("add") => Ok((named, Vec::new())),
        Some(_) => Ok((Vec::new(), named)),
        None => Err(ApiError::missing_parameter("OperationType")),
    }
}

fn check(permission: &CreateVolumePermission) -> Result<(), ApiError> {
    match (&permission.user_id, &permission.group) {
        (Some(account), None) if is_account(account) => Ok(()),
        (Some(account), None) => {
            let message = format!("Invalid user id: \"{account}\"");
            Err(ApiError::new("InvalidUserID.Malformed", message))
        }
        (None, Some(group)) if group == "all" => Ok(()),
        (None, Some(group)) => Err(ApiError::invalid_value(group, "group")),
        _ => Err(ApiError::invalid_combination("A permission names either a user ID or a group")),
    }
}

pub(crate) fn describe_snapshot_attribute(
    cloud: &mut Cloud,
    ctx: &Ctx,
    req: DescribeSnapshotAttributeRequest,
) -> Result<DescribeSnapshotAttributeResponse, ApiError> {
    let id = req.snapshot_id.unwrap_or_default();
    let permissions = &cloud.snapshots.own(&id, &ctx.account, ctx.now)?.permissions;
    let mut reply = DescribeSnapshotAttributeResponse {
        snapshot_id: Some(id),
        ..DescribeSnapshotAttributeResponse::default()
    };
    if req.attribute.as_deref() == Some("createVolumePermission") {
        let everyone = permissions
            .public
            .then(|| CreateVolumePermission { group: Some("all".to_owned()), user_id: None });
        let accounts = permissions.accounts.iter().cloned();
        let accounts = accounts.map(|id| CreateVolumePermission { user_id: Some(id), group: None });
        reply.create_volume_permissions = everyone.into_iter().chain(accounts).collect();
    }
    Ok(reply)
}
