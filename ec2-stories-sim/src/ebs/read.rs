//! ListSnapshotBlocks, ListChangedBlocks, GetSnapshotBlock.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::Refusal;
use super::call::{Request, index};
use super::serve::{Reply, http_reply};
use super::state::{BLOCK, Block, Blocks, Written};
use crate::ctx::Ctx;
use crate::state::Cloud;
use crate::state::snapshots::{Snapshot, SnapshotState};

/// Block tokens are good for a week: ListSnapshotBlocks, ExpiryTime.
const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);

fn readable<'a>(cloud: &'a Cloud, ctx: &Ctx, id: &str) -> Result<&'a Snapshot, Refusal> {
    let Ok(snapshot) = cloud.snapshots.known(id, &ctx.account, ctx.now) else {
        return Err(Refusal::no_snapshot(id));
    };
    match snapshot.state(ctx.now) {
        SnapshotState::Completed => Ok(snapshot),
        _ => Err(Refusal::invalid("INVALID_SNAPSHOT_ID", format!("The snapshot {id} is not completed"))),
    }
}

/// The blocks of a snapshot; one that was not written block by block shows none.
fn blocks_of<'a>(blocks: &'a Blocks, id: &str) -> BTreeMap<u32, &'a Block> {
    blocks.get(id).map(Written::all).unwrap_or_default()
}

fn token(id: &str, index: u32) -> String {
    BASE64_STANDARD.encode(format!("{id}/{index}"))
}

fn page<T>(
    request: &Request<'_>,
    all: impl Iterator<Item = (u32, T)>,
) -> Result<(Vec<(u32, T)>, Option<u32>), Refusal> {
    let number = |name: &str| {
        let wrong = |_| Refusal::invalid("INVALID_PARAMETER_VALUE", format!("{name} is no number"));
        request.query(name).map(|text| text.parse::<u32>().map_err(wrong)).transpose()
    };
    let most = number("maxResults")?.unwrap_or(10_000);
    if !(100..=10_000).contains(&most) {
        return Err(Refusal::invalid("INVALID_PARAMETER_VALUE", "MaxResults is between 100 and 10000"));
    }
    let page_token = |_| Refusal::invalid("INVALID_PAGE_TOKEN", "The page token is invalid");
    let next = request.query("pageToken").map(|text| text.parse::<u32>().map_err(page_token)).transpose()?;
    let from = next.or(number("startingBlockIndex")?).unwrap_or_default();
    let mut left = all.filter(|(index, _)| *index >= from);
    let page: Vec<_> = left.by_ref().take(most as usize).collect();
    let next = left.next().map(|(index, _)| index);
    Ok((page, next))
}

fn listing(name: &str, snapshot: &Snapshot, ctx: &Ctx, items: Vec<Value>, next: Option<u32>) -> Reply {
    let mut body = json!({
        name: items,
        "ExpiryTime": (ctx.now + WEEK).as_second(),
        "VolumeSize": snapshot.size_gib,
        "BlockSize": BLOCK,
    });
    if let Some(next) = next {
        body["NextToken"] = next.to_string().into();
    }
    http_reply(200, &[], body.to_string())
}

pub(super) fn list(
    cloud: &Cloud,
    blocks: &Blocks,
    ctx: &Ctx,
    request: &Request<'_>,
    id: &str,
) -> Result<Reply, Refusal> {
    let snapshot = readable(cloud, ctx, id)?;
    let (page, next) = page(request, blocks_of(blocks, id).into_iter())?;
    let shown = page.iter().map(|(index, _)| json!({"BlockIndex": index, "BlockToken": token(id, *index)}));
    Ok(listing("Blocks", snapshot, ctx, shown.collect(), next))
}

pub(super) fn changed(
    cloud: &Cloud,
    blocks: &Blocks,
    ctx: &Ctx,
    request: &Request<'_>,
    second: &str,
) -> Result<Reply, Refusal> {
    let snapshot = readable(cloud, ctx, second)?;
    let first = request.query("firstSnapshotId");
    if let Some(first) = first {
        readable(cloud, ctx, first)?;
    }
    let before = first.map(|first| blocks_of(blocks, first)).unwrap_or_default();
    let after = blocks_of(blocks, second);
    let mut differing = BTreeMap::new();
    for index in before.keys().chain(after.keys()) {
        let (old, new) = (before.get(index), after.get(index));
        if old.map(|block| &block.digest) != new.map(|block| &block.digest) {
            differing.insert(*index, (old.is_some(), new.is_some()));
        }
    }
    let (page, next) = page(request, differing.into_iter())?;
    let shown = page.into_iter().map(|(index, (old, new))| {
        let mut shown = json!({"BlockIndex": index});
        if let (true, Some(first)) = (old, first) {
            shown["FirstBlockToken"] = token(first, index).into();
        }
        if new {
            shown["SecondBlockToken"] = token(second, index).into();
        }
        shown
    });
    Ok(listing("ChangedBlocks", snapshot, ctx, shown.collect(), next))
}

pub(super) fn get(
    cloud: &Cloud,
    blocks: &Blocks,
    ctx: &Ctx,
    request: &Request<'_>,
    (id, at): (&str, &str),
) -> Result<Reply, Refusal> {
    let at = index(at)?;
    readable(cloud, ctx, id)?;
    if request.query("blockToken") != Some(&token(id, at)) {
        return Err(Refusal::invalid("INVALID_BLOCK_TOKEN", "The block token is invalid"));
    }
    let block = blocks.get(id).and_then(|written| written.block(at)).ok_or_else(|| {
        let message = format!("Block {at} of {id} holds nothing");
        Refusal { reason: Some("BLOCK_NOT_FOUND"), ..Refusal::new("ResourceNotFoundException", 404, message) }
    })?;
    let failed = |error: std::io::Error| Refusal::new("InternalServerException", 500, error.to_string());
    let headers = [
        ("x-amz-data-length", BLOCK.to_string()),
        ("x-amz-checksum", BASE64_STANDARD.encode(&block.digest)),
        ("x-amz-checksum-algorithm", "SHA256".to_owned()),
        ("content-type", "application/octet-stream".to_owned()),
    ];
    Ok(http_reply(200, &headers, block.data.bytes().map_err(failed)?))
}
