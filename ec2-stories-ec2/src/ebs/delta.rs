//! What differs from a snapshot of an earlier version of the disk.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ec2_stories_core::model::SnapshotId;
use ec2_stories_core::{Error, ErrorKind, Result};
use futures::stream::{self, StreamExt, TryStreamExt};
use sha2::{Digest, Sha256};

use super::BLOCK;
use super::api::EbsApi;
use super::scan::{Block, Scan};

/// Blocks read at a time.
const PARALLEL: usize = 64;

/// The blocks of the file that the parent does not have as they are, and zeros for those that only the parent has.
pub(super) async fn against(ebs: &EbsApi, parent: &SnapshotId, scan: &Scan) -> Result<Vec<Block>> {
    let theirs = list(ebs, parent, scan.gib()).await?;
    let ours: BTreeMap<u32, &Block> = scan.blocks.iter().map(|block| (block.index, block)).collect();
    let compare = theirs.into_iter().map(|(index, token)| {
        let ours = ours.get(&index).map(|block| (*block).clone());
        difference(ebs, parent, index, token, ours)
    });
    let compared: BTreeMap<u32, Option<Block>> =
        stream::iter(compare).buffer_unordered(PARALLEL).try_collect().await?;
    let new =
        ours.values().filter(|block| !compared.contains_key(&block.index)).map(|block| (*block).clone());
    let mut blocks: Vec<Block> = new.chain(compared.values().flatten().cloned()).collect();
    blocks.sort_by_key(|block| block.index);
    Ok(blocks)
}

/// What is to be sent in the place of a block that the parent has.
async fn difference(
    ebs: &EbsApi,
    parent: &SnapshotId,
    index: u32,
    token: String,
    ours: Option<Block>,
) -> Result<(u32, Option<Block>)> {
    match ours {
        Some(ours) if has(ebs, parent, index, &token, &ours.digest).await? => Ok((index, None)),
        Some(ours) => Ok((index, Some(ours))),
        None => Ok((index, Some(zeros(index)))),
    }
}

fn zeros(index: u32) -> Block {
    Block { index, digest: Sha256::digest(vec![0; BLOCK]).into() }
}

/// The parent's blocks, with the tokens that they are read by.
async fn list(ebs: &EbsApi, parent: &SnapshotId, gib: i64) -> Result<Vec<(u32, String)>> {
    let (mut blocks, mut next) = (Vec::new(), None);
    loop {
        let request = ebs.client.list_snapshot_blocks().snapshot_id(parent.as_str()).set_next_token(next);
        let page = ebs.call("ListSnapshotBlocks", request.send()).await;
        let page = page.map_err(|error| error.on(parent.as_str()))?;
        if page.volume_size().is_some_and(|size| size > gib) {
            let why =
                format!("the parent {parent} is larger than the disk; an upload cannot shrink a volume");
            return Err(Error::new(ErrorKind::Invalid, why).during("upload").on(parent.as_str()));
        }
        let found = page.blocks().iter();
        blocks.extend(found.filter_map(|block| {
            Some((u32::try_from(block.block_index()?).ok()?, block.block_token()?.to_owned()))
        }));
        next = page.next_token().filter(|token| !token.is_empty()).map(ToOwned::to_owned);
        if next.is_none() {
            return Ok(blocks);
        }
    }
}

/// Whether the parent's block has this hash.
async fn has(ebs: &EbsApi, parent: &SnapshotId, index: u32, token: &str, digest: &[u8; 32]) -> Result<bool> {
    let request = ebs
        .client
        .get_snapshot_block()
        .snapshot_id(parent.as_str())
        .block_index(i32::try_from(index).unwrap_or(i32::MAX))
        .block_token(token);
    let reply =
        ebs.call("GetSnapshotBlock", request.send()).await.map_err(|error| error.on(parent.as_str()))?;
    // EBS tells the hash beside the data, so that these need not be read.
    Ok(reply.checksum() == Some(STANDARD.encode(digest).as_str()))
}
