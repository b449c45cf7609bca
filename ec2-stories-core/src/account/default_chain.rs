//! Where the AWS command line would find credentials.

use async_trait::async_trait;
use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::environment::EnvironmentVariableRegionProvider;
use aws_config::imds::region::ImdsRegionProvider;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::ProfileFileRegionProvider;
use aws_credential_types::provider::ProvideCredentials;

use super::missing;
use crate::Result;
use crate::aws::{from_sdk_else, provider_config};
use crate::model::{Credentials, Region};
use crate::provider::AccountProvider;

const WHAT_TO_DO: &str = ": set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a source in a story's [account]";

const NO_REGION: &str = "neither the environment, nor a profile, nor an instance has a region: \
     set AWS_REGION, say --region where a command takes it, or region in a story's [account]";

/// The order of the AWS command line: environment, shared profile, web identity, container role, instance role.
///
/// Handy on a developer's machine. A program that must hit one account names its provider instead.
#[derive(Clone, Debug, Default)]
pub struct DefaultChain {
    region: Option<Region>,
}

impl DefaultChain {
    /// The chain.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the region.
    #[must_use]
    pub fn region(self, region: impl Into<Region>) -> Self {
        Self { region: Some(region.into()) }
    }
}

#[async_trait]
impl AccountProvider for DefaultChain {
    async fn credentials(&self) -> Result<Credentials> {
        // A chain keeps what it read for good: a new one at each use picks up rotated keys.
        let config = provider_config(self.region().await.ok().as_ref());
        let chain = DefaultCredentialsChain::builder().configure(config).build().await;
        from_sdk_else(chain.provide_credentials().await, &self.origin(), WHAT_TO_DO)
    }

    async fn region(&self) -> Result<Region> {
        if let Some(region) = &self.region {
            return Ok(region.clone());
        }
        let config = provider_config(None);
        let chain = RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new())
            .or_else(ProfileFileRegionProvider::builder().configure(&config).build())
            .or_else(ImdsRegionProvider::builder().configure(&config).build());
        let region = chain.region().await.map(|region| Region::new(region.as_ref()));
        region.ok_or_else(|| missing(NO_REGION))
    }

    fn origin(&self) -> String {
        "the default chain".to_owned()
    }
}
