//! The door to the EBS direct API.

use std::error::Error as StdError;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aws_sdk_ebs::Client;
use aws_sdk_ebs::config::retry::RetryConfig;
use aws_sdk_ec2::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime::client::retries::RetryPartition;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_types::SdkConfig;
use ec2_stories_core::Result;

use crate::api::{Bucket, Calls, Effect, FreshIdentity, Rate, refuses_credentials};
use crate::error::translate;

/// A block that is lost among a million is worth more than three tries. This is the only layer that repeats.
const ATTEMPTS: u32 = 8;
const LONGEST_PAUSE: Duration = Duration::from_secs(20);

/// The client, with its buckets.
#[derive(Debug)]
pub(super) struct EbsApi {
    pub(super) client: Client,
    pub(super) calls: Calls,
    blocks: Bucket,
    others: Bucket,
}

impl EbsApi {
    pub(super) fn new(config: &SdkConfig, blocks_per_second: f64) -> Self {
        static CLIENTS: AtomicU64 = AtomicU64::new(0);
        let own = RetryPartition::new(format!("ec2-stories-ebs-{}", CLIENTS.fetch_add(1, Ordering::Relaxed)));
        let (calls, identity) = (Calls::default(), FreshIdentity::new(refuses_credentials));
        let retry = RetryConfig::standard().with_max_attempts(ATTEMPTS).with_max_backoff(LONGEST_PAUSE);
        let config = aws_sdk_ebs::config::Builder::from(config)
            .retry_config(retry)
            .retry_partition(own)
            .interceptor(calls.clone())
            .identity_cache(identity.clone())
            .retry_classifier(identity)
            .build();
        Self {
            client: Client::from_conf(config),
            calls,
            blocks: Bucket::new(Rate {
                burst: blocks_per_second.max(1.0),
                per_second: blocks_per_second.max(1.0),
            }),
            // EBS grants 10 starts and completions a second.
            others: Bucket::new(Rate { burst: 8.0, per_second: 8.0 }),
        }
    }

    /// Makes a call when its turn has come.
    pub(super) async fn call<T, E, F>(&self, operation: &'static str, send: F) -> Result<T>
    where
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
        E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    {
        let (bucket, effect) = match operation {
            "PutSnapshotBlock" => (&self.blocks, Effect::Changes),
            "GetSnapshotBlock" => (&self.blocks, Effect::Reads),
            "ListSnapshotBlocks" => (&self.others, Effect::Reads),
            _ => (&self.others, Effect::Changes),
        };
        bucket.take(1).await;
        send.await.map_err(|error| translate(operation, effect, &error))
    }
}
