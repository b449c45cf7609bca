//! The one door to S3: every call gets a span and comes back with the family's error.

mod identity;

use std::error::Error as StdError;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_sdk_s3::Client;
use aws_sdk_s3::config::{RequestChecksumCalculation, ResponseChecksumValidation};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime::client::retries::RetryPartition;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_types::SdkConfig;
use aws_types::service_config::ServiceConfigKey;
use ec2_stories_core::Result;
use tracing::Instrument;

use ec2_stories_core::aws::service::Attempts;
pub(crate) use ec2_stories_core::aws::service::{Calls, Effect, FreshIdentity};

use crate::error::translate;

/// What the attempts of a changing call came to. A fault of the server's own may have come after the effect; 501 and 503 are
/// refusals.
pub(crate) fn attempts() -> Attempts {
    Attempts::with_faults(|http| http >= 500 && http != 501 && http != 503)
}

/// A call to be made.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    operation: &'static str,
    effect: Effect,
    resource: String,
}

impl Call {
    pub(crate) fn reading(operation: &'static str, resource: impl Into<String>) -> Self {
        Self { operation, effect: Effect::Reads, resource: resource.into() }
    }

    pub(crate) fn changing(operation: &'static str, resource: impl Into<String>) -> Self {
        Self { operation, effect: Effect::Changes, resource: resource.into() }
    }
}

/// Where the server is.
#[derive(Debug, Default)]
pub(crate) struct Place {
    pub(crate) endpoint_url: Option<String>,
    pub(crate) path_style: Option<bool>,
    /// Where images go that are uploaded without naming a bucket.
    pub(crate) image_bucket: Option<String>,
}

/// The client with everything that a call passes.
#[derive(Debug)]
pub(crate) struct Api {
    pub(crate) client: Client,
    pub(crate) calls: Calls,
    /// Its `refresh` is for calls whose retries are not the SDK's.
    pub(crate) identity: FreshIdentity,
    pub(crate) is_aws: bool,
    pub(crate) image_bucket: Option<String>,
}

impl Api {
    pub(crate) fn new(config: &SdkConfig, place: Place) -> Self {
        let calls = Calls::default();
        let identity = FreshIdentity::new(identity::refuses_credentials);
        // The SDK shares one retry quota among all clients of a process: a client that is throttled a lot would take
        // the others' retries away.
        static CLIENTS: AtomicU64 = AtomicU64::new(0);
        let own = RetryPartition::new(format!("ec2-stories-s3-{}", CLIENTS.fetch_add(1, Ordering::Relaxed)));
        let endpoint = place.endpoint_url.or_else(|| configured_endpoint(config));
        let is_aws = endpoint.is_none();
        let mut builder = aws_sdk_s3::config::Builder::from(config)
            .retry_partition(own)
            .interceptor(calls.clone())
            .identity_cache(identity.clone())
            .retry_classifier(identity.clone())
            .force_path_style(place.path_style.unwrap_or(!is_aws))
            // Checksums are ours: CRC64NVME over the whole object, sent as a header. The SDK's own default is a trailer
            // in chunked encoding, which many a server besides AWS does not read.
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
        builder.set_endpoint_url(endpoint);
        Self {
            client: Client::from_conf(builder.build()),
            calls,
            identity,
            is_aws,
            image_bucket: place.image_bucket,
        }
    }

    /// Makes a call.
    pub(crate) async fn call<T, E, F>(&self, call: Call, send: F) -> Result<T>
    where
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
        E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    {
        let Call { operation, effect, resource } = call;
        let span = tracing::info_span!("s3.call", operation, resource, error = tracing::field::Empty);
        async {
            let result = send.await.map_err(|error| translate(operation, effect, &error).on(resource));
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

/// The endpoint that the configuration, its environment or its profile names.
fn configured_endpoint(config: &SdkConfig) -> Option<String> {
    let key =
        ServiceConfigKey::builder().service_id("S3").env("AWS_ENDPOINT_URL").profile("endpoint_url").build();
    let of_service = || config.service_config()?.load_config(key.ok()?);
    if config.get_origin("endpoint_url").is_client_config() {
        config.endpoint_url().map(ToOwned::to_owned)
    } else {
        of_service().or_else(|| config.endpoint_url().map(ToOwned::to_owned))
    }
}
