//! DescribeSnapshots.

use crate::ctx::Ctx;
use crate::filter::{Field, Filterable, matching, value};
use crate::ops::images::check_accounts;
use crate::page;
use crate::state::Cloud;
use crate::state::snapshots::{Snapshot, SnapshotState};
use crate::wire::ApiError;
use crate::wire::generated::ec2::{self as wire, DescribeSnapshotsRequest, DescribeSnapshotsResponse, Tag};

pub(crate) fn describe_snapshots(
    cloud: &mut Cloud,
    ctx: &Ctx,
    req: DescribeSnapshotsRequest,
) -> Result<DescribeSnapshotsResponse, ApiError> {
    page::check_size(req.max_results, 5, 1000)?;
    if req.max_results.is_some() && !req.snapshot_ids.is_empty() {
        let message = "The parameter snapshotSet cannot be used with the parameter maxResults";
        return Err(ApiError::invalid_combination(message));
    }
    for id in &req.snapshot_ids {
        cloud.snapshots.known(id, &ctx.account, ctx.now)?;
    }
    check_accounts("Owner", &req.owner_ids, &["self"], &["amazon"])?;
    check_accounts("RestorableBy", &req.restorable_by_user_ids, &["self", "all"], &[])?;
    let wanted = cloud.snapshots.all().filter(|snapshot| {
        snapshot.visible_at <= ctx.now
            && snapshot.usable_by(&ctx.account)
            && (req.snapshot_ids.is_empty() || req.snapshot_ids.contains(&snapshot.id))
            && (req.owner_ids.is_empty() || req.owner_ids.iter().any(|owner| owned_by(ctx, snapshot, owner)))
            && (req.restorable_by_user_ids.is_empty()
                || req.restorable_by_user_ids.iter().any(|user| restorable_by(ctx, snapshot, user)))
    });
    let found = matching(wanted.map(|snapshot| shown(cloud, ctx, snapshot)), &req.filters)?;
    let key = |snapshot: &wire::Snapshot| snapshot.snapshot_id.clone().unwrap_or_default();
    let (snapshots, next_token) = page::cut(found, key, req.max_results, req.next_token.as_deref())?;
    Ok(DescribeSnapshotsResponse { snapshots, next_token })
}

fn owned_by(ctx: &Ctx, snapshot: &Snapshot, owner: &str) -> bool {
    snapshot.owner == if owner == "self" { &ctx.account } else { owner }
}

fn restorable_by(ctx: &Ctx, snapshot: &Snapshot, user: &str) -> bool {
    let permissions = &snapshot.permissions;
    match user {
        "all" => permissions.public,
        "self" => snapshot.owner == ctx.account || permissions.accounts.contains(&ctx.account),
        account => snapshot.owner == account || permissions.accounts.contains(account),
    }
}

pub(super) fn shown(cloud: &Cloud, ctx: &Ctx, snapshot: &Snapshot) -> wire::Snapshot {
    let state = snapshot.state(ctx.now);
    let kms_key = snapshot.kms_key.clone().unwrap_or_else(|| "alias/aws/ebs".to_owned());
    wire::Snapshot {
        snapshot_id: Some(snapshot.id.clone()),
        owner_id: Some(snapshot.owner.clone()),
        description: Some(snapshot.description.clone()),
        volume_id: Some(snapshot.volume.clone()),
        volume_size: Some(snapshot.size_gib),
        encrypted: Some(snapshot.encrypted),
        kms_key_id: snapshot.encrypted.then_some(kms_key),
        start_time: Some(snapshot.started),
        completion_time: snapshot.ends.filter(|_| state == SnapshotState::Completed),
        state: Some(state.name().to_owned()),
        state_message: snapshot.failure.clone().filter(|_| state == SnapshotState::Error),
        progress: Some(format!("{}%", snapshot.progress(ctx.now))),
        storage_tier: Some("standard".to_owned()),
        tags: cloud.tags.get(&snapshot.id),
        ..wire::Snapshot::default()
    }
}

/// Source: DescribeSnapshots, parameter Filter.N.
impl Filterable for wire::Snapshot {
    const FIELDS: &'static [Field<Self>] = &[
        ("description", |s| value(&s.description)),
        ("encrypted", |s| value(&s.encrypted)),
        ("owner-alias", |s| value(&s.owner_alias)),
        ("owner-id", |s| value(&s.owner_id)),
        ("progress", |s| value(&s.progress)),
        ("snapshot-id", |s| value(&s.snapshot_id)),
        ("start-time", |s| s.start_time.map(crate::wire::time_text).into_iter().collect()),
        ("status", |s| value(&s.state)),
        ("storage-tier", |s| value(&s.storage_tier)),
        ("volume-id", |s| value(&s.volume_id)),
        ("volume-size", |s| value(&s.volume_size)),
    ];

    fn tags(&self) -> Option<&[Tag]> {
        Some(&self.tags)
    }
}
