//! The SDK's configuration.

use std::sync::Arc;
use std::time::Duration;

use aws_config::identity::IdentityCache;
use aws_config::provider_config::ProviderConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, SdkConfig};
use aws_smithy_async::rt::sleep::TokioSleep;

use super::{AccountCredentials, ClockTimeSource, http_client};
use crate::model::Region;
use crate::provider::AccountProvider;
use crate::{Clock, Result, SystemClock};

/// A host that does not answer a connect within this is not going to.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// No single reply of the APIs in use takes longer to begin; a launch of 500 instances takes some 20 s.
const READ_TIMEOUT: Duration = Duration::from_secs(60);

/// A configuration for AWS service clients that act for this account.
///
/// Credentials are asked of the provider as [`AccountCredentials`] says. Endpoints come from `AWS_ENDPOINT_URL_<SERVICE>` and
/// `AWS_ENDPOINT_URL`, plain `http://` ones included, retries from `AWS_MAX_ATTEMPTS` and `AWS_RETRY_MODE` (three attempts,
/// standard, where not set). Sleeps are tokio's.
///
/// # Errors
/// The provider's, where it has no region.
pub async fn sdk_config(provider: Arc<dyn AccountProvider>) -> Result<SdkConfig> {
    sdk_config_with_clock(provider, Arc::new(SystemClock)).await
}

/// As [`sdk_config`], with requests signed, and credentials expired, by this clock.
///
/// # Errors
/// The provider's, where it has no region.
pub async fn sdk_config_with_clock(
    provider: Arc<dyn AccountProvider>,
    clock: Arc<dyn Clock>,
) -> Result<SdkConfig> {
    let region = provider.region().await?;
    Ok(sdk_config_in(&region, provider, clock).await)
}

/// As [`sdk_config_with_clock`], for a region of the caller's choice.
pub(crate) async fn sdk_config_in(
    region: &Region,
    provider: Arc<dyn AccountProvider>,
    clock: Arc<dyn Clock>,
) -> SdkConfig {
    let config = aws_config::defaults(BehaviorVersion::latest())
        .region(sdk_region(region))
        .credentials_provider(AccountCredentials::new(provider, clock.clone()))
        .identity_cache(IdentityCache::lazy().build())
        .http_client(http_client())
        .sleep_impl(TokioSleep::new())
        .time_source(ClockTimeSource(clock))
        .timeout_config(timeouts())
        .stalled_stream_protection(StalledStreamProtectionConfig::enabled().build())
        .app_name(
            AppName::new(concat!("ec2-stories-", env!("CARGO_PKG_VERSION"))).expect("allowed characters"),
        );
    config.load().await
}

/// A configuration for the SDK's own credentials providers.
pub(crate) fn provider_config(region: Option<&Region>) -> ProviderConfig {
    ProviderConfig::without_region()
        .with_behavior_version(Some(BehaviorVersion::latest()))
        .with_region(region.map(sdk_region))
        .with_http_client(http_client())
        .with_sleep_impl(TokioSleep::new())
        .with_time_source(ClockTimeSource(Arc::new(SystemClock)))
        .with_timeout_config(timeouts())
}

fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder().connect_timeout(CONNECT_TIMEOUT).read_timeout(READ_TIMEOUT).build()
}

fn sdk_region(region: &Region) -> aws_config::Region {
    aws_config::Region::new(region.as_str().to_owned())
}
