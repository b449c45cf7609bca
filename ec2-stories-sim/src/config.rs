//! What an SDK client needs to talk to the simulation.

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_smithy_types::retry::RetryConfig;
use aws_types::SdkConfig;
use aws_types::region::Region;

use crate::http::client::InProcess;
use crate::sim::Sim;

/// The key of [`Sim::sdk_config`].
pub const ACCESS_KEY_ID: &str = "AKIASIMULATED0000001";
/// Its secret, for clients of a listener. S3 checks signatures by it.
pub const SECRET_ACCESS_KEY: &str = "simulated-secret-access-key";

impl Sim {
    /// A configuration whose clients call this simulation in process, in its home region.
    ///
    /// It has the simulation's time, so that the SDK's waiters, retries and credentials live in virtual time, and the
    /// SDK's own defaults for everything else: standard retries, random idempotency tokens.
    ///
    /// The SDK's *retry quota* is not part of a configuration: clients of one service and region share one in a
    /// process. A client that many tests build sets a `RetryPartition` of its own.
    #[must_use]
    pub fn sdk_config(&self) -> SdkConfig {
        let home = self.world().home().to_owned();
        self.sdk_config_in(&home)
    }

    /// As [`sdk_config`](Self::sdk_config), in another region.
    #[must_use]
    pub fn sdk_config_in(&self, region: &str) -> SdkConfig {
        let credentials = Credentials::new(ACCESS_KEY_ID, SECRET_ACCESS_KEY, None, None, "ec2-stories-sim");
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(region.to_owned()))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .http_client(InProcess(self.clone()))
            .time_source(self.clock)
            .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
            .retry_config(RetryConfig::standard())
            .build()
    }
}
