//! The client.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use aws_types::SdkConfig;
use bon::bon;
use ec2_stories_core::Result;
use ec2_stories_core::provider::AccountProvider;
use jiff::Timestamp;

use crate::api::{Api, Place};

/// Amazon S3, or a server that speaks its language, for one account. Cloning gives another handle to the same client.
#[derive(Clone)]
pub struct S3(Arc<Api>);

#[bon]
impl S3 {
    /// Describes a client: `S3::builder().config(&config).path_style(true).build()`. Only the configuration is required.
    #[builder(start_fn = builder, finish_fn = build)]
    pub fn with(
        /// Region, credentials, endpoint, time-outs and HTTP client.
        config: &SdkConfig,
        /// Where the server answers, such as `http://127.0.0.1:8333`; by default what the configuration says
        /// (`AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL`), else AWS.
        #[builder(into)]
        endpoint_url: Option<String>,
        /// Whether a bucket is named in the path, not in the host's name; by default wherever an endpoint is given, as
        /// few servers beside AWS have a host's name for each bucket.
        path_style: Option<bool>,
        /// The bucket that [`upload`](S3::upload) sends images to.
        #[builder(into)]
        image_bucket: Option<String>,
    ) -> Self {
        Self(Arc::new(Api::new(config, Place { endpoint_url, path_style, image_bucket })))
    }

    /// Connects to the account's region. The account is asked for credentials at use, so rotated ones are picked up.
    ///
    /// # Errors
    /// [`ErrorKind::Credentials`](ec2_stories_core::ErrorKind::Credentials) where the account says no region.
    pub async fn connect(account: Arc<dyn AccountProvider>) -> Result<Self> {
        Ok(Self::from_config(&ec2_stories_core::aws::sdk_config(account).await?))
    }

    /// A client over an SDK configuration, such as the embedded cloud's `sim.sdk_config()`.
    #[must_use]
    pub fn from_config(config: &SdkConfig) -> Self {
        Self::builder().config(config).build()
    }

    /// The requests that this client has sent, by operation, the SDK's own retries included.
    #[must_use]
    pub fn calls(&self) -> BTreeMap<String, u64> {
        self.0.calls.snapshot()
    }

    /// The region that it signs for.
    #[must_use]
    pub fn region(&self) -> &str {
        self.sdk().config().region().map_or("us-east-1", AsRef::as_ref)
    }

    pub(crate) fn sdk(&self) -> &aws_sdk_s3::Client {
        &self.0.client
    }

    pub(crate) fn api(&self) -> &Api {
        &self.0
    }

    /// Whether AWS answers, and not a server that may lack parts of its API.
    pub(crate) fn is_aws(&self) -> bool {
        self.0.is_aws
    }

    /// The time by the configuration's clock.
    pub(crate) fn now(&self) -> Option<Timestamp> {
        Timestamp::try_from(self.sdk().config().time_source()?.now()).ok()
    }
}

impl fmt::Debug for S3 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3").field("region", &self.region()).finish_non_exhaustive()
    }
}
