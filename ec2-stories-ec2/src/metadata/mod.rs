//! What an instance knows of itself: its metadata service, read by a program that runs on it.

mod address;
mod attributes;
mod body;
mod error;
mod identity;
mod instance;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use aws_config::imds::client::{Client, ImdsResponseRetryClassifier};
use aws_config::provider_config::ProviderConfig;
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::retries::classifiers::SharedRetryClassifier;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bon::bon;
use ec2_stories_core::aws::ClockTimeSource;
use ec2_stories_core::{Clock, Error, ErrorKind, Result, SystemClock};

use body::WithBytes;

pub use identity::IdentityDocument;
pub use instance::InstanceMetadata;

/// Where the service is on every instance.
const BASE: &str = "http://169.254.169.254";

/// A reader of the instance metadata service, for programs on an instance. It speaks IMDSv2 and nothing else.
///
/// - The token is asked for once and kept for its six hours.
/// - Server errors are retried, four attempts in all; silence is an error after a second, unless
///   [`await_service`](MetadataBuilder::await_service) is set.
/// - What is not there is `None`. A refusal and a time-out say what to change: an endpoint that is off, a hop limit
///   that is too small for a container.
/// - It never goes through a proxy, and only to link-local and loopback addresses.
///
/// ```no_run
/// use ec2_stories_ec2::Metadata;
///
/// # async fn f() -> ec2_stories_core::Result<()> {
/// let metadata = Metadata::new()?;
/// let me = metadata.instance().await?;
/// println!("{} in {}", me.instance_id, me.availability_zone);
/// if let Some(text) = metadata.get("spot/instance-action").await? {
///     println!("this machine will go: {text}");
/// }
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Metadata {
    client: Client,
    base: String,
}

#[bon]
impl Metadata {
    /// Sets a reader up; nothing is asked yet.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`], for a base URL that is not `http` at a link-local or loopback address.
    #[builder(finish_fn = build, builder_type = MetadataBuilder)]
    pub fn builder(
        /// Where the service is, for tests and for `[fd00:ec2::254]`.
        #[builder(default = BASE.to_owned(), into)]
        base_url: String,
        /// How long a connection or a reply may take.
        #[builder(default = Duration::from_secs(1))]
        timeout: Duration,
        /// Attempts in all.
        #[builder(default = 4)]
        attempts: u32,
        /// Retries silence too, for a program that starts with the machine.
        #[builder(default)]
        await_service: bool,
        /// By which tokens expire.
        #[builder(default = Arc::new(SystemClock))]
        clock: Arc<dyn Clock>,
        /// Another way to the service, such as a simulation's in process.
        http_client: Option<SharedHttpClient>,
    ) -> Result<Self> {
        address::check(&base_url)?;
        let plain = || aws_smithy_http_client::Builder::new().build_http();
        let config = ProviderConfig::without_region()
            .with_http_client(WithBytes(http_client.unwrap_or_else(plain)))
            .with_sleep_impl(TokioSleep::new())
            .with_time_source(ClockTimeSource(clock));
        let retries = ImdsResponseRetryClassifier::default().with_retry_connect_timeouts(await_service);
        let builder = Client::builder().configure(&config).endpoint(&base_url);
        let builder = builder.map_err(|error| Error::invalid("base_url", error))?;
        let client = builder
            .max_attempts(attempts.max(1))
            .connect_timeout(timeout)
            .read_timeout(timeout)
            .retry_classifier(SharedRetryClassifier::new(retries))
            .build();
        Ok(Self { client, base: base_url })
    }

    /// A reader of this machine's own metadata.
    ///
    /// # Errors
    /// As the builder's; not for the defaults.
    pub fn new() -> Result<Self> {
        Self::builder().build()
    }
}

impl Metadata {
    /// The value or listing at a path below `/latest/meta-data/`, if there is one.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`], where nothing answers; [`ErrorKind::Timeout`], where the token never arrives;
    /// [`ErrorKind::Forbidden`], where the endpoint is off.
    pub async fn get(&self, path: &str) -> Result<Option<String>> {
        self.read(&format!("meta-data/{}", path.trim_start_matches('/'))).await
    }

    /// The user data, decompressed by nobody, if there is any.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub async fn user_data(&self) -> Result<Option<Vec<u8>>> {
        let Some(text) = self.read(body::USER_DATA).await? else { return Ok(None) };
        let decoded = BASE64_STANDARD.decode(text);
        decoded.map(Some).map_err(|error| self.unreadable(body::USER_DATA, error))
    }

    /// The instance identity document. Its signature is not checked: it comes from the link, and proves nothing to others.
    ///
    /// # Errors
    /// As [`get`](Self::get), and [`ErrorKind::Corrupt`].
    pub async fn identity(&self) -> Result<IdentityDocument> {
        let path = "dynamic/instance-identity/document";
        let text = self.read(path).await?.ok_or_else(|| self.missing(path))?;
        IdentityDocument::read(&text).map_err(|error| self.unreadable(path, error))
    }

    /// The instance's tags, where its options show them.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub async fn tags(&self) -> Result<Option<BTreeMap<String, String>>> {
        let Some(keys) = self.get("tags/instance/").await? else { return Ok(None) };
        let mut tags = BTreeMap::new();
        for key in keys.lines() {
            // A tag that went between the listing and now is no error.
            if let Some(value) = self.get(&format!("tags/instance/{key}")).await? {
                tags.insert(key.to_owned(), value);
            }
        }
        Ok(Some(tags))
    }

    async fn read(&self, path: &str) -> Result<Option<String>> {
        match self.client.get(format!("/latest/{path}")).await {
            Ok(text) => Ok(Some(text.into())),
            Err(error) => error::read(error, path, &self.base),
        }
    }

    /// What every instance has.
    async fn required(&self, path: &str) -> Result<String> {
        self.get(path).await?.ok_or_else(|| self.missing(path))
    }

    fn missing(&self, path: &str) -> Error {
        let message = format!("{} has no {path}: this is no instance's metadata service", self.base);
        Error::new(ErrorKind::NotFound, message).during("metadata")
    }

    fn unreadable(&self, path: &str, error: impl std::error::Error + Send + Sync + 'static) -> Error {
        Error::new(ErrorKind::Corrupt, "cannot be read").during("metadata").on(path).because(error)
    }
}
