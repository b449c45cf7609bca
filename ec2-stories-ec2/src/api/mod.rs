//! The one door to EC2: every call passes the token bucket, gets a span and comes back with the family's error.

mod bucket;
mod rates;
mod retry;
mod server_time;
mod settling;

use std::error::Error as StdError;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aws_sdk_ec2::Client;
use aws_sdk_ec2::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime::client::retries::RetryPartition;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_types::SdkConfig;
use ec2_stories_core::{Error, Result};
use jiff::Timestamp;
use tracing::Instrument;

pub(crate) use bucket::Bucket;
pub(crate) use ec2_stories_core::aws::service::{Attempts, Calls, Effect, FreshIdentity};
pub use rates::{Rate, Rates};
pub(crate) use retry::refuses_credentials;
pub(crate) use settling::settling;

use crate::error::translate;
use rates::Buckets;
use retry::NoRetryOfDefinitive;
use server_time::ServerTime;

/// A call to be made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call {
    operation: &'static str,
    effect: Effect,
    count: usize,
}

impl Call {
    pub(crate) fn reading(operation: &'static str) -> Self {
        Self { operation, effect: Effect::Reads, count: 1 }
    }

    pub(crate) fn changing(operation: &'static str) -> Self {
        Self { operation, effect: Effect::Changes, count: 1 }
    }

    /// How many resources it is about.
    pub(crate) fn of(self, count: usize) -> Self {
        Self { count, ..self }
    }
}

/// The client with everything that a call passes.
#[derive(Debug)]
pub(crate) struct Api {
    pub(crate) client: Client,
    buckets: Buckets,
    pub(crate) calls: Calls,
    server_time: ServerTime,
}

impl Api {
    pub(crate) fn new(config: &SdkConfig, rates: Rates) -> Self {
        let calls = Calls::default();
        let identity = FreshIdentity::new(refuses_credentials);
        let server_time = ServerTime::default();
        // The SDK shares one retry quota among all clients of a process: a client that is throttled a lot would take
        // the others' retries away.
        static CLIENTS: AtomicU64 = AtomicU64::new(0);
        let own = RetryPartition::new(format!("ec2-stories-{}", CLIENTS.fetch_add(1, Ordering::Relaxed)));
        let config = aws_sdk_ec2::config::Builder::from(config)
            .retry_partition(own)
            .interceptor(calls.clone())
            .interceptor(server_time.clone())
            .retry_classifier(NoRetryOfDefinitive)
            .identity_cache(identity.clone())
            .retry_classifier(identity)
            .build();
        Self { client: Client::from_conf(config), buckets: Buckets::new(rates), calls, server_time }
    }

    /// How long ago that was, by EC2's clock; `None` where that says in the future.
    pub(crate) fn age(&self, at: Timestamp) -> Option<Duration> {
        let now = Timestamp::try_from(self.client.config().time_source()?.now()).ok()?;
        Duration::try_from(self.server_time.at(now).duration_since(at)).ok()
    }

    /// Makes a call when its turn has come.
    pub(crate) async fn call<T, E, F>(&self, call: Call, send: F) -> Result<T>
    where
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
        E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    {
        let Call { operation, effect, count } = call;
        let span = tracing::info_span!("ec2.call", operation, count, error = tracing::field::Empty);
        async {
            self.buckets.admit(operation, count).await;
            let result = send.await.map_err(|error| translate(operation, effect, &error));
            match &result {
                Ok(_) => tracing::debug!("done"),
                Err(error) => {
                    tracing::Span::current().record("error", error.api_code().unwrap_or("no answer"));
                    tracing::debug!(%error, "failed");
                }
            }
            result
        }
        .instrument(span)
        .await
    }
}

/// Turns the answer to a dry run into what it means: EC2 says "would have succeeded" with an error.
pub(crate) fn dry_run<T>(answer: Result<T>) -> Result<()> {
    match answer {
        Err(error) if error.api_code() == Some("DryRunOperation") => Ok(()),
        Err(error) => Err(error),
        Ok(_) => Err(Error::new(ec2_stories_core::ErrorKind::Unexpected, "a dry run was carried out")),
    }
}
