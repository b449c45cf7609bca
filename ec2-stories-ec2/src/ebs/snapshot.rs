//! The snapshot that an upload fills: started under a token, and completed with the hash of all hashes.

use std::path::Path;
use std::time::Duration;

use aws_sdk_ebs::types::{ChecksumAggregationMethod, ChecksumAlgorithm, Tag};
use aws_sdk_ec2::types::SnapshotState;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ec2_stories_core::image::{Encryption, content_tags};
use ec2_stories_core::model::SnapshotId;
use ec2_stories_core::{Error, ErrorKind, Result};
use sha2::{Digest, Sha256};

use super::Inner;
use super::api::EbsApi;
use super::journal::Record;
use super::scan::{Block, Scan};
use crate::api::{Api, Call};
use crate::images::{SETTLING, settled_snapshot, snapshot_by_id};
use crate::tags::filter;

/// Minutes without a block after which EBS gives an upload up: a day for whoever comes back.
const TIMEOUT_MINUTES: i32 = 24 * 60;
/// The token of the start, so that a snapshot whose id got lost is found.
const UPLOAD_TAG: &str = "ec2-stories:upload";

impl Inner {
    /// How the snapshot is going to be encrypted.
    pub(super) async fn encryption_of_snapshot(&self) -> Result<Encryption> {
        let Some(id) = &self.parent else { return Ok(self.encryption.clone()) };
        let parent = settled_snapshot(self.ec2.api(), id).await?.ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "the parent does not exist").during("upload").on(id.as_str())
        })?;
        Ok(match (parent.encrypted(), parent.kms_key_id()) {
            (Some(true), Some(key)) => Encryption::Key(key.to_owned()),
            (Some(true), None) => Encryption::DefaultKey,
            _ => Encryption::Off,
        })
    }

    /// Whether the snapshot of an earlier upload still takes blocks.
    pub(super) async fn can_go_on(&self, record: &Record) -> Result<bool> {
        match &record.snapshot {
            // Under its token a start is only carried out once.
            None => Ok(true),
            Some(id) => {
                let snapshot = settled_snapshot(self.ec2.api(), id).await?;
                Ok(snapshot.is_some_and(|snapshot| snapshot.state() == Some(&SnapshotState::Pending)))
            }
        }
    }

    /// Starts the snapshot, unless that was done.
    pub(super) async fn start(
        &self,
        path: &Path,
        mut record: Record,
        scan: &Scan,
    ) -> Result<(Record, SnapshotId)> {
        if let Some(snapshot) = record.snapshot.clone() {
            return Ok((record, snapshot));
        }
        let tag = |(key, value): (&str, &str)| Tag::builder().key(key).value(value).build();
        let tags = content_tags(record.content_hash()).with(UPLOAD_TAG, &record.token);
        let request = self
            .ebs
            .client
            .start_snapshot()
            .client_token(&record.token)
            .volume_size(scan.gib())
            .description(format!("ec2-stories: {}", &record.content_hash()[..12]))
            .timeout(TIMEOUT_MINUTES)
            .set_tags(Some(tags.iter().map(tag).collect()));
        // A child is encrypted as its parent is, and may not say so.
        let request = match &self.parent {
            Some(parent) => request.parent_snapshot_id(parent.as_str()),
            None => request
                .encrypted(self.encryption.is_on())
                .set_kms_key_arn(self.encryption.key().map(ToOwned::to_owned)),
        };
        let reply = self.ebs.call("StartSnapshot", request.send()).await?;
        let id = reply
            .snapshot_id()
            .ok_or_else(|| Error::new(ErrorKind::Unexpected, "the reply has no snapshot id"));
        let id = SnapshotId::new(id?);
        record.snapshot = Some(id.clone());
        self.journal.write(path, &record).await?;
        Ok((record, id))
    }
}

/// The snapshots that were started under a token, maybe a moment ago.
pub(super) async fn started_under(api: &Api, token: &str) -> Result<Vec<SnapshotId>> {
    for pause in SETTLING {
        let found = tagged(api, token).await?;
        if !found.is_empty() {
            return Ok(found);
        }
        tokio::time::sleep(pause).await;
    }
    tagged(api, token).await
}

async fn tagged(api: &Api, token: &str) -> Result<Vec<SnapshotId>> {
    let request =
        api.client.describe_snapshots().owner_ids("self").filters(filter(format!("tag:{UPLOAD_TAG}"), token));
    let reply = api.call(Call::reading("DescribeSnapshots"), request.send()).await?;
    Ok(reply.snapshots().iter().filter_map(|snapshot| snapshot.snapshot_id()).map(SnapshotId::new).collect())
}

/// Says that all blocks are there. EBS compares the hash of their hashes, in the order of the blocks.
pub(super) async fn complete(ebs: &EbsApi, api: &Api, id: &SnapshotId, blocks: &[Block]) -> Result<()> {
    let mut aggregate = Sha256::new();
    blocks.iter().for_each(|block| aggregate.update(block.digest));
    let mut request = ebs
        .client
        .complete_snapshot()
        .snapshot_id(id.as_str())
        .changed_blocks_count(i32::try_from(blocks.len()).unwrap_or(i32::MAX));
    if !blocks.is_empty() {
        request = request
            .checksum(STANDARD.encode(aggregate.finalize()))
            .checksum_algorithm(ChecksumAlgorithm::ChecksumAlgorithmSha256)
            .checksum_aggregation_method(ChecksumAggregationMethod::ChecksumAggregationLinear);
    }
    match ebs.call("CompleteSnapshot", request.send()).await {
        // An earlier try, whose reply was lost, may have done it.
        Err(error) if !is_completing(api, id).await => Err(error.on(id.as_str())),
        _ => Ok(()),
    }
}

/// Whether the snapshot becomes complete within a while.
pub(super) async fn is_completing(api: &Api, id: &SnapshotId) -> bool {
    const TRIES: u32 = 24;
    for _ in 0..TRIES {
        match snapshot_by_id(api, id).await {
            Ok(Some(snapshot)) if snapshot.state() == Some(&SnapshotState::Completed) => return true,
            Ok(Some(snapshot)) if snapshot.state() != Some(&SnapshotState::Pending) => return false,
            Ok(None) => return false,
            // It is pending, or could not be looked at.
            Ok(Some(_)) | Err(_) => tokio::time::sleep(Duration::from_secs(5)).await,
        }
    }
    false
}
