//! From an `[account]` table to the provider that it describes.

use std::sync::Arc;

use async_trait::async_trait;
use ec2_stories_core::Result;
use ec2_stories_core::account::{AssumedRole, DefaultChain, Environment, SecretFile, SharedProfile};
use ec2_stories_core::model::{Credentials, Region};
use ec2_stories_core::provider::AccountProvider;

use super::{AccountSource, AccountSpec};

impl AccountSpec {
    /// The provider that it describes.
    #[must_use]
    pub fn provider(&self) -> Arc<dyn AccountProvider> {
        let source: Arc<dyn AccountProvider> = match (self.provider, &self.profile, &self.path) {
            (AccountSource::Environment, ..) => Arc::new(Environment::new()),
            (AccountSource::Profile, Some(name), _) => Arc::new(SharedProfile::named(name)),
            (AccountSource::SecretFile, _, Some(path)) => Arc::new(SecretFile::at(path)),
            _ => Arc::new(DefaultChain::new()),
        };
        let source: Arc<dyn AccountProvider> = match &self.region {
            Some(region) => Arc::new(InRegion { source, region: region.as_str().into() }),
            None => source,
        };
        match (&self.role, &self.external_id) {
            (Some(role), Some(id)) => Arc::new(AssumedRole::new(source, role).external_id(id)),
            (Some(role), None) => Arc::new(AssumedRole::new(source, role)),
            (None, _) => source,
        }
    }
}

/// Another provider's credentials, in the region that the story says.
#[derive(Debug)]
struct InRegion {
    source: Arc<dyn AccountProvider>,
    region: Region,
}

#[async_trait]
impl AccountProvider for InRegion {
    async fn credentials(&self) -> Result<Credentials> {
        self.source.credentials().await
    }

    async fn region(&self) -> Result<Region> {
        Ok(self.region.clone())
    }

    fn origin(&self) -> String {
        self.source.origin()
    }
}
