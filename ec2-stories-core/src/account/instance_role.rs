//! The role of the instance that the program runs on.

use async_trait::async_trait;
use aws_config::imds::credentials::ImdsCredentialsProvider;
use aws_config::imds::region::ImdsRegionProvider;
use aws_credential_types::provider::ProvideCredentials;

use super::missing;
use crate::Result;
use crate::aws::{from_sdk, provider_config};
use crate::model::{Credentials, Region};
use crate::provider::AccountProvider;

/// The role of the instance profile of the instance that the program runs on, from its metadata service; the region is
/// the instance's own unless another is set.
#[derive(Clone, Debug, Default)]
pub struct InstanceRole {
    region: Option<Region>,
}

impl InstanceRole {
    /// The instance's role and region.
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
impl AccountProvider for InstanceRole {
    async fn credentials(&self) -> Result<Credentials> {
        let role = ImdsCredentialsProvider::builder().configure(&provider_config(None)).build();
        from_sdk(role.provide_credentials().await, &self.origin())
    }

    async fn region(&self) -> Result<Region> {
        if let Some(region) = &self.region {
            return Ok(region.clone());
        }
        let region = ImdsRegionProvider::builder().configure(&provider_config(None)).build().region().await;
        let region = region.map(|region| Region::new(region.as_ref()));
        region.ok_or_else(|| missing("the metadata service does not say the region").on(self.origin()))
    }

    fn origin(&self) -> String {
        "instance role".to_owned()
    }
}
