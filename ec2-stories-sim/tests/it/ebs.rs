//! The EBS direct APIs through the AWS SDK.

use std::time::Duration;

use aws_sdk_ebs::Client;
use aws_sdk_ebs::error::ProvideErrorMetadata;
use aws_sdk_ebs::primitives::ByteStream;
use aws_sdk_ebs::types::{ChecksumAggregationMethod, ChecksumAlgorithm, Tag};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ec2_stories_sim::{Fault, Sim};
use sha2::{Digest, Sha256};
use tokio::time::sleep;

use crate::form::call;

const BLOCK: usize = 512 << 10;

fn block(fill: u8) -> Vec<u8> {
    vec![fill; BLOCK]
}

fn digest(bytes: &[u8]) -> String {
    BASE64_STANDARD.encode(Sha256::digest(bytes))
}

async fn put(ebs: &Client, id: &str, index: i32, bytes: Vec<u8>) -> Result<(), String> {
    let put = ebs.put_snapshot_block().snapshot_id(id).block_index(index).data_length(BLOCK as i32);
    let put = put.checksum(digest(&bytes)).checksum_algorithm(ChecksumAlgorithm::ChecksumAlgorithmSha256);
    let sent = put.block_data(ByteStream::from(bytes)).send().await;
    sent.map(|_| ()).map_err(|error| error.code().unwrap_or("broken").to_owned())
}

async fn state(sim: &Sim, id: &str) -> String {
    let shown = call(sim, "DescribeSnapshots", &[("SnapshotId.1", id)]).await.ok();
    shown.inside("item", "status").remove(0)
}

async fn written(sim: &Sim, ebs: &Client, parent: Option<&str>, blocks: &[(i32, u8)]) -> String {
    let start = ebs.start_snapshot().volume_size(1).set_parent_snapshot_id(parent.map(str::to_owned));
    let id = start.send().await.unwrap().snapshot_id.unwrap();
    for (index, fill) in blocks {
        put(ebs, &id, *index, block(*fill)).await.unwrap();
    }
    ebs.complete_snapshot().snapshot_id(&id).changed_blocks_count(blocks.len() as i32).send().await.unwrap();
    sleep(Duration::from_secs(3600)).await;
    assert_eq!(state(sim, &id).await, "completed");
    id
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_is_written_completed_and_read() {
    let sim = Sim::builder().build();
    let ebs = Client::new(&sim.sdk_config());
    let start = ebs.start_snapshot().volume_size(1).client_token("t").description("web-7");
    let start = start.tags(Tag::builder().key("deployment").value("shop").build());
    let started = start.clone().send().await.unwrap();
    let id = started.snapshot_id().unwrap();
    assert_eq!((started.block_size(), started.tags().len()), (Some(BLOCK as i32), 1));
    assert_eq!(start.clone().send().await.unwrap().snapshot_id(), Some(id));
    let other = start.volume_size(2).send().await.unwrap_err();
    assert_eq!(other.code(), Some("ConflictException"));

    for (index, fill) in [(7, 7), (0, 1)] {
        put(&ebs, id, index, block(fill)).await.unwrap();
    }
    sleep(Duration::from_secs(60)).await;
    assert_eq!(state(&sim, id).await, "pending");
    let aggregate = digest(&[Sha256::digest(block(1)), Sha256::digest(block(7))].concat());
    let complete = ebs.complete_snapshot().snapshot_id(id).changed_blocks_count(2).checksum(aggregate);
    let complete = complete
        .checksum_algorithm(ChecksumAlgorithm::ChecksumAlgorithmSha256)
        .checksum_aggregation_method(ChecksumAggregationMethod::ChecksumAggregationLinear);
    let wrong = complete.clone().checksum(digest(b"x")).send().await.unwrap_err();
    assert_eq!(wrong.code(), Some("ValidationException"));
    complete.clone().send().await.unwrap();
    complete.send().await.unwrap();
    assert_eq!(put(&ebs, id, 1, block(1)).await, Err("ValidationException".into()));
    sleep(Duration::from_secs(3600)).await;
    assert_eq!(state(&sim, id).await, "completed");

    let listed = ebs.list_snapshot_blocks().snapshot_id(id).send().await.unwrap();
    let tokens: Vec<_> =
        listed.blocks().iter().map(|b| (b.block_index().unwrap(), b.block_token().unwrap())).collect();
    assert_eq!(tokens.iter().map(|(index, _)| *index).collect::<Vec<_>>(), [0, 7]);
    let read = ebs.get_snapshot_block().snapshot_id(id).block_index(7).block_token(tokens[1].1);
    assert!(read.send().await.unwrap().block_data.collect().await.unwrap().into_bytes() == block(7));
    assert!(sim.leaks().to_string().contains("deployment=shop"), "{}", sim.leaks());
    call(&sim, "DeleteSnapshot", &[("SnapshotId", id)]).await.ok();
    sim.assert_clean();
}

#[tokio::test(start_paused = true)]
async fn blocks_are_checked() {
    let sim = Sim::builder().build();
    let ebs = Client::new(&sim.sdk_config());
    let id = ebs.start_snapshot().volume_size(1).send().await.unwrap().snapshot_id.unwrap();
    assert_eq!(put(&ebs, &id, 2048, block(1)).await, Err("ValidationException".into()));
    assert_eq!(put(&ebs, &id, 0, vec![1; 100]).await, Err("ValidationException".into()));
    assert_eq!(
        put(&ebs, "snap-0123456789abcdef0", 0, block(1)).await,
        Err("ResourceNotFoundException".into())
    );
    let put = ebs.put_snapshot_block().snapshot_id(&id).block_index(0).data_length(BLOCK as i32);
    let put = put.checksum(digest(b"x")).checksum_algorithm(ChecksumAlgorithm::ChecksumAlgorithmSha256);
    let wrong = put.block_data(ByteStream::from(block(1))).send().await.unwrap_err();
    assert_eq!(wrong.code(), Some("ValidationException"));
    let short = ebs.complete_snapshot().snapshot_id(&id).changed_blocks_count(1).send().await.unwrap_err();
    assert_eq!(short.code(), Some("ValidationException"));
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_that_nobody_writes_fails() {
    let sim = Sim::builder().build();
    let ebs = Client::new(&sim.sdk_config());
    let id = ebs.start_snapshot().volume_size(1).timeout(10).send().await.unwrap().snapshot_id.unwrap();
    sleep(Duration::from_secs(590)).await;
    put(&ebs, &id, 0, block(1)).await.unwrap();
    sleep(Duration::from_secs(590)).await;
    assert_eq!(state(&sim, &id).await, "pending");
    sleep(Duration::from_secs(20)).await;
    assert_eq!(state(&sim, &id).await, "error");
    assert_eq!(put(&ebs, &id, 0, block(1)).await, Err("ValidationException".into()));
}

#[tokio::test(start_paused = true)]
async fn a_delta_holds_its_parent_s_blocks_even_when_that_is_gone() {
    let sim = Sim::builder().build();
    let ebs = Client::new(&sim.sdk_config());
    let parent = written(&sim, &ebs, None, &[(0, 1), (1, 1)]).await;
    let child = written(&sim, &ebs, Some(&parent), &[(1, 2), (5, 5)]).await;
    let changed = ebs.list_changed_blocks().first_snapshot_id(&parent).second_snapshot_id(&child);
    let changed = changed.send().await.unwrap();
    let indexes: Vec<_> = changed.changed_blocks().iter().map(|each| each.block_index().unwrap()).collect();
    assert_eq!(indexes, [1, 5]);
    call(&sim, "DeleteSnapshot", &[("SnapshotId", &parent)]).await.ok();
    let listed = ebs.list_snapshot_blocks().snapshot_id(&child).send().await.unwrap();
    assert_eq!(listed.blocks().len(), 3);
    let small = ebs.start_snapshot().volume_size(1).parent_snapshot_id(&parent).send().await.unwrap_err();
    assert_eq!(small.code(), Some("ResourceNotFoundException"));
}

#[tokio::test(start_paused = true)]
async fn faults_strike_blocks_and_the_sdk_sends_them_again() {
    let sim = Sim::builder().build();
    let ebs = Client::new(&sim.sdk_config());
    let id = ebs.start_snapshot().volume_size(1).send().await.unwrap().snapshot_id.unwrap();
    sim.faults().nth("PutSnapshotBlock", 1, Fault::Throttle).nth(
        "PutSnapshotBlock",
        2,
        Fault::ReplyLostAfter,
    );
    put(&ebs, &id, 0, block(1)).await.unwrap();
    assert_eq!(sim.calls().count("PutSnapshotBlock"), 3);
    ebs.complete_snapshot().snapshot_id(&id).changed_blocks_count(1).send().await.unwrap();
}
