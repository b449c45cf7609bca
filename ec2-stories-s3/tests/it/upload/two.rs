//! Two processes with journals of their own that upload the same to the same key.

use std::sync::Arc;
use std::time::Duration;

use ec2_stories_core::provider::TupleStore;
use ec2_stories_core::store::MemoryStore;
use ec2_stories_s3::S3;
use ec2_stories_s3::upload::{Content, Upload, UploadSpec};
use ec2_stories_sim::{Fault, Sim};

use super::content;
use super::steps::Steps;
use super::world::simulation;

const PART: u64 = 5 * 1024 * 1024;

struct Process {
    steps: Steps,
    journal: Arc<MemoryStore>,
}

impl Process {
    fn new() -> Self {
        Self { steps: Steps::default(), journal: Arc::new(MemoryStore::new()) }
    }

    fn start(&self, sim: &Sim, path: &std::path::Path, connections: u32) -> Upload {
        let http = self.steps.client(sim.sdk_config().http_client().unwrap());
        let config = sim.sdk_config().into_builder().http_client(http).build();
        let spec = UploadSpec::builder().bucket("uploads").key("key").content(Content::file(path));
        let spec = spec.part_size(PART).connections(connections).journal(self.journal.clone());
        Upload::start(&S3::from_config(&config), spec.build().unwrap())
    }
}

#[tokio::test(start_paused = true)]
async fn the_second_finds_what_the_first_made_and_leaves_no_part() {
    for fault in [None, Some(Fault::ReplyLostAfter), Some(Fault::ReplyLostBefore)] {
        let (sim, bucket) = simulation().await;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("content");
        std::fs::write(&path, content::bytes(6 * PART as usize, 11)).unwrap();
        let (first, second) = (Process::new(), Process::new());
        // Who created an upload of which it did not hear looks for it, and meets the other's.
        for call in 1..=2 {
            if let Some(fault) = &fault {
                sim.faults().nth("CreateMultipartUpload", call, fault.clone());
            }
        }
        let slow = async {
            tokio::time::sleep(Duration::from_millis(5)).await;
            second.start(&sim, &path, 1).await
        };
        let (one, other) = tokio::join!(first.start(&sim, &path, 8).join(), slow);
        let place = format!("{fault:?}");
        assert_eq!(one.unwrap().etag, other.unwrap().etag, "{place}: there is one object");
        let completed = first.steps.requests("POST upload") + second.steps.requests("POST upload");
        // Two that hear of their uploads late may both be ready before either object is there to be found.
        let most = if fault.is_some() { 2 } else { 1 };
        assert!((1..=most).contains(&completed), "{place}: {completed}");
        assert_eq!(bucket.unfinished().await, [], "{place}");
        for process in [&first, &second] {
            assert_eq!(process.journal.list("").await.unwrap(), Vec::<String>::new(), "{place}");
        }
    }
}
