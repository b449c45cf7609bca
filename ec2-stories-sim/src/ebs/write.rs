//! StartSnapshot, PutSnapshotBlock, CompleteSnapshot.

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::Refusal;
use super::call::{Request, index};
use super::serve::{Reply, http_reply};
use super::state::{BLOCK, Block, Blocks, Written};
use crate::ctx::{Ctx, Work};
use crate::s3::blob::{Spool, Writer};
use crate::state::Cloud;
use crate::state::snapshots::{NO_VOLUME, Snapshot, SnapshotState};
use crate::wire::generated::ec2::Tag;

/// The largest volume, in GiB: StartSnapshot, VolumeSize.
const LARGEST: i64 = 65_536;
/// In minutes: StartSnapshot, Timeout.
const TIMEOUT: u64 = 60;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Start {
    volume_size: i64,
    parent_snapshot_id: Option<String>,
    #[serde(default)]
    tags: Vec<StartTag>,
    description: Option<String>,
    client_token: Option<String>,
    encrypted: Option<bool>,
    kms_key_arn: Option<String>,
    timeout: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct StartTag {
    key: String,
    #[serde(default)]
    value: String,
}

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::invalid("INVALID_PARAMETER_VALUE", message)
}

pub(super) fn start(
    cloud: &mut Cloud,
    blocks: &mut Blocks,
    ctx: &Ctx,
    request: &Request<'_>,
) -> Result<Reply, Refusal> {
    let mut asked: Value =
        serde_json::from_slice(request.body).map_err(|error| invalid(error.to_string()))?;
    let start = Start::deserialize(&asked).map_err(|error| invalid(error.to_string()))?;
    if let Some(fields) = asked.as_object_mut() {
        fields.remove("ClientToken");
    }
    let fingerprint = asked.to_string();
    if let Some(token) = &start.client_token {
        let same_token = |written: &Written| {
            written.region == ctx.region && written.token.as_ref().is_some_and(|(each, _)| each == token)
        };
        let found = blocks.iter().find(|(_, written)| same_token(written));
        if let Some((id, written)) = found {
            return match written.token.as_ref().is_some_and(|(_, before)| *before == fingerprint) {
                true => started(cloud, ctx, id, written.parent.as_deref()),
                false => Err(conflict()),
            };
        }
    }
    let (snapshot, mut written) = begin(cloud, blocks, ctx, &start)?;
    let tags: Vec<Tag> =
        start.tags.into_iter().map(|tag| Tag { key: Some(tag.key), value: Some(tag.value) }).collect();
    let id = snapshot.id.clone();
    cloud.tags.set(&id, &tags).map_err(|error| Refusal::invalid("INVALID_TAG", error.message))?;
    cloud.snapshots.insert(snapshot);
    written.token = start.client_token.map(|token| (token, fingerprint));
    let parent = written.parent.clone();
    // What was deleted needs no room any more.
    blocks.retain(|id, written| written.region != ctx.region || cloud.snapshots.get_mut(id).is_some());
    blocks.insert(id.clone(), written);
    started(cloud, ctx, &id, parent.as_deref())
}

/// Source: ConflictException: the same client token as a previous, but not identical request.
fn conflict() -> Refusal {
    let message = "The request uses the same client token as a previous, but non-identical request.";
    Refusal::new("ConflictException", 503, message)
}

fn begin(cloud: &Cloud, blocks: &Blocks, ctx: &Ctx, start: &Start) -> Result<(Snapshot, Written), Refusal> {
    let size = i32::try_from(start.volume_size).ok().filter(|gib| (1..=LARGEST).contains(&i64::from(*gib)));
    let size = size.ok_or_else(|| {
        Refusal::invalid(
            "INVALID_VOLUME_SIZE",
            format!("A volume has 1 to {LARGEST} GiB, not {}", start.volume_size),
        )
    })?;
    let timeout = start.timeout.unwrap_or(TIMEOUT);
    if !(10..=4320).contains(&timeout) {
        return Err(invalid("Timeout is between 10 and 4320 minutes"));
    }
    let timeout = Duration::from_secs(timeout * 60);
    if start.kms_key_arn.is_some() && start.encrypted != Some(true) {
        return Err(invalid("KmsKeyArn needs Encrypted"));
    }
    let mut written = Written::new(&ctx.region, timeout, ctx.now);
    let mut encrypted = start.encrypted.unwrap_or(false) || cloud.encrypted_by_default;
    if let Some(parent) = &start.parent_snapshot_id {
        let wrong = |message: &str| Err(Refusal::invalid("INVALID_DEPENDENCY_REQUEST", message));
        if start.encrypted.is_some() {
            return wrong("Encrypted cannot be given with ParentSnapshotId: the parent says");
        }
        let Ok(known) = cloud.snapshots.own(parent, &ctx.account, ctx.now) else {
            return Err(Refusal::no_snapshot(parent));
        };
        if known.state(ctx.now) != SnapshotState::Completed {
            return wrong("The parent snapshot is not completed");
        }
        if known.size_gib > size {
            return Err(Refusal::invalid("INVALID_VOLUME_SIZE", "The parent snapshot is larger"));
        }
        encrypted = known.encrypted;
        let of_parent = blocks.get(parent).map(Written::all).unwrap_or_default();
        written.inherited = of_parent.into_iter().map(|(index, block)| (index, block.clone())).collect();
        written.parent = Some(parent.clone());
    }
    let snapshot = Snapshot {
        description: start.description.clone().unwrap_or_default(),
        encrypted,
        kms_key: start.kms_key_arn.clone(),
        volume: NO_VOLUME.to_owned(),
        visible_at: ctx.visible_at(),
        ..Snapshot::completed(ctx.id("snap"), &ctx.account, size, ctx.now)
    };
    Ok((expiring(snapshot, timeout, ctx.now), written))
}

/// It fails when nobody writes for so long: StartSnapshot, Timeout.
fn expiring(snapshot: Snapshot, timeout: Duration, now: Timestamp) -> Snapshot {
    let failure = Some("The snapshot was not completed in time.".to_owned());
    Snapshot { ends: Some(now + timeout), failure, ..snapshot }
}

fn started(cloud: &mut Cloud, ctx: &Ctx, id: &str, parent: Option<&str>) -> Result<Reply, Refusal> {
    let tags = cloud.tags.pairs(id);
    let snapshot = cloud.snapshots.get_mut(id).ok_or_else(|| Refusal::no_snapshot(id))?;
    let mut body = json!({
        "SnapshotId": id,
        "Description": snapshot.description,
        "OwnerId": snapshot.owner,
        "Status": snapshot.state(ctx.now).name(),
        "StartTime": snapshot.started.as_second(),
        "VolumeSize": snapshot.size_gib,
        "BlockSize": BLOCK,
        "Tags": tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect::<Vec<_>>(),
    });
    if let Some(parent) = parent {
        body["ParentSnapshotId"] = parent.into();
    }
    if let Some(key) = &snapshot.kms_key {
        body["KmsKeyArn"] = key.as_str().into();
    }
    if snapshot.encrypted {
        body["SseType"] = if snapshot.kms_key.is_some() { "sse-kms" } else { "sse-ebs" }.into();
    }
    Ok(http_reply(201, &[], body.to_string()))
}

/// A snapshot that is still being written.
fn open<'a>(
    cloud: &'a mut Cloud,
    blocks: &'a mut Blocks,
    ctx: &Ctx,
    id: &str,
) -> Result<(&'a mut Snapshot, &'a mut Written), Refusal> {
    // The service that made the id knows it at once: its own calls are not eventually consistent.
    let snapshot = cloud.snapshots.get_mut(id).filter(|snapshot| snapshot.owner == ctx.account);
    let snapshot = snapshot.ok_or_else(|| Refusal::no_snapshot(id))?;
    let written = blocks.get_mut(id).filter(|written| written.region == ctx.region);
    let written = written.ok_or_else(|| Refusal::no_snapshot(id))?;
    match snapshot.state(ctx.now) {
        SnapshotState::Pending if !written.completed => Ok((snapshot, written)),
        SnapshotState::Error => Err(Refusal::invalid(
            "WRITE_REQUEST_TIMEOUT",
            format!("The snapshot {id} was not written in time"),
        )),
        _ => Err(Refusal::invalid("INVALID_SNAPSHOT_ID", format!("The snapshot {id} is completed"))),
    }
}

pub(super) fn put(
    cloud: &mut Cloud,
    blocks: &mut Blocks,
    spool: std::sync::Arc<Spool>,
    ctx: &Ctx,
    request: &Request<'_>,
    (id, at, throttled): (&str, &str, bool),
) -> Result<Reply, Refusal> {
    let at = index(at)?;
    let (snapshot, written) = open(cloud, blocks, ctx, id)?;
    if throttled && !written.may_write(ctx.now) {
        return Err(Refusal::throttled("RESOURCE_REQUEST_RATE_EXCEEDED"));
    }
    let last = u64::from(snapshot.size_gib.unsigned_abs()) << 11;
    if u64::from(at) >= last {
        return Err(Refusal::invalid("INVALID_BLOCK", format!("The volume ends before block {at}")));
    }
    let announced = request.required("x-amz-data-length")?;
    if request.body.len() != BLOCK || announced.parse() != Ok(BLOCK) {
        return Err(Refusal::invalid("INVALID_BLOCK", format!("A block has {BLOCK} bytes")));
    }
    if request.required("x-amz-checksum-algorithm")? != "SHA256" {
        return Err(invalid("The checksum algorithm is SHA256"));
    }
    let digest = Sha256::digest(request.body).to_vec();
    let text = BASE64_STANDARD.encode(&digest);
    if request.required("x-amz-checksum")? != text {
        return Err(Refusal::invalid("INVALID_BLOCK", "The checksum is not that of the block"));
    }
    let mut writer = Writer::new(spool);
    let kept = writer.push(request.body).and_then(|()| writer.finish());
    let data = kept.map_err(|error| Refusal::new("InternalServerException", 500, error.to_string()))?;
    written.blocks.insert(at, Block { data, digest });
    *snapshot = expiring(snapshot.clone(), written.timeout, ctx.now);
    Ok(http_reply(201, &[("x-amz-checksum", text), ("x-amz-checksum-algorithm", "SHA256".to_owned())], "{}"))
}

pub(super) fn complete(
    cloud: &mut Cloud,
    blocks: &mut Blocks,
    ctx: &Ctx,
    request: &Request<'_>,
    id: &str,
) -> Result<Reply, Refusal> {
    let changed = request.required("x-amz-changedblockscount")?;
    let accepted = || Ok(http_reply(202, &[], json!({"Status": "pending"}).to_string()));
    if blocks.get(id).is_some_and(|written| written.completed && written.region == ctx.region)
        && cloud.snapshots.get_mut(id).is_some()
    {
        // A completion that is repeated changes nothing.
        return accepted();
    }
    let (snapshot, written) = open(cloud, blocks, ctx, id)?;
    if changed.parse() != Ok(written.blocks.len()) {
        let message = format!("{} blocks were written, not {changed}", written.blocks.len());
        return Err(invalid(message));
    }
    if let Some(claimed) = request.header("x-amz-checksum") {
        check_aggregate(request, written, claimed)?;
    }
    written.completed = true;
    snapshot.ends = Some(ctx.done_at(Work::Snapshot, snapshot.size_gib));
    snapshot.failure = ctx.fate.failure.clone();
    accepted()
}

/// Source: CompleteSnapshot, x-amz-Checksum: SHA-256 over the digests of the written blocks, by index.
fn check_aggregate(request: &Request<'_>, written: &Written, claimed: &str) -> Result<(), Refusal> {
    if request.header("x-amz-checksum-algorithm") != Some("SHA256") {
        return Err(invalid("The checksum algorithm is SHA256"));
    }
    if request.header("x-amz-checksum-aggregation-method") != Some("LINEAR") {
        return Err(invalid("The aggregation method is LINEAR"));
    }
    let mut whole = Sha256::new();
    for block in written.blocks.values() {
        whole.update(&block.digest);
    }
    match BASE64_STANDARD.encode(whole.finalize()) == claimed {
        true => Ok(()),
        false => Err(invalid("The checksum is not that of the written blocks")),
    }
}
