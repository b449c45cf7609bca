//! The public address of the program that deploys.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, OrchestratorError};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SdkConfig;
use ec2_stories_core::{Error, ErrorKind, Result, Status};

/// Finds the address that the cloud sees this program under.
#[async_trait]
pub trait PublicAddress: fmt::Debug + Send + Sync {
    /// The address now.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] where it cannot be found out.
    async fn find(&self) -> Result<IpAddr>;
}

/// Says the address where nothing needs to be asked.
const VARIABLE: &str = "EC2_STORIES_MY_ADDRESS";

/// AWS's own service for it: the answer is the address and a line feed.
const SERVICE: &str = "https://checkip.amazonaws.com";

/// What the environment says, else what the service says over the configuration's own HTTP client.
pub(crate) fn default_public_address(config: &SdkConfig) -> Arc<dyn PublicAddress> {
    Arc::new(Asked { config: config.clone() })
}

struct Asked {
    config: SdkConfig,
}

impl fmt::Debug for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asked").field("service", &SERVICE).finish()
    }
}

#[async_trait]
impl PublicAddress for Asked {
    async fn find(&self) -> Result<IpAddr> {
        match std::env::var(VARIABLE) {
            Ok(text) => {
                text.parse().map_err(|_| Error::invalid(VARIABLE, format!("{text:?} is not an address")))
            }
            Err(_) => self.ask().await,
        }
    }
}

impl Asked {
    async fn ask(&self) -> Result<IpAddr> {
        let failed = |why: String| {
            let message =
                format!("the own address cannot be found out: {why}; {VARIABLE} says it without asking");
            Error::new(ErrorKind::Unavailable, message).status(Status::Temporary).during("checkip")
        };
        let (Some(client), Some(sleep), Some(time)) =
            (self.config.http_client(), self.config.sleep_impl(), self.config.time_source())
        else {
            return Err(failed("the configuration has no HTTP client".to_owned()));
        };
        let operation = Operation::builder()
            .service_name("checkip")
            .operation_name("GetAddress")
            .http_client(client)
            .sleep_impl(sleep)
            .time_source(time)
            .endpoint_url(SERVICE)
            .no_auth()
            .standard_retry(&RetryConfig::standard())
            .timeout_config(TimeoutConfig::builder().operation_timeout(Duration::from_secs(15)).build())
            .serializer(|()| {
                let mut request = HttpRequest::new(SdkBody::empty());
                request
                    .set_method("GET")
                    .and_then(|_| request.set_uri("/"))
                    .map_err(|error| error.to_string())?;
                Ok(request)
            })
            .deserializer::<String, std::convert::Infallible>(|response| {
                let body = response.body().bytes().unwrap_or_default();
                match response.status().as_u16() {
                    200 => Ok(String::from_utf8_lossy(body).trim().to_owned()),
                    status => Err(OrchestratorError::other(format!("status {status}"))),
                }
            })
            .build();
        let text = operation.invoke(()).await.map_err(|error| failed(error.to_string()))?;
        text.parse().map_err(|_| failed("the answer is no address".to_owned()))
    }
}
