//! The first of several providers.

use std::sync::Arc;

use async_trait::async_trait;

use super::missing;
use crate::model::{Credentials, Region};
use crate::provider::AccountProvider;
use crate::{Error, ErrorKind, Result};

/// The first provider that has credentials, chosen anew at each use.
///
/// One that has none for good is passed over. One that fails for the moment, or that has some which cannot be used, such as a
/// [`SecretFile`](super::SecretFile) that others may read, is not: its error is the chain's, since going on would deploy into
/// another account than the one that is meant. The region is that of the provider that has the credentials, or
/// the first that another one knows.
#[derive(Clone, Debug, Default)]
pub struct Chain(Vec<Arc<dyn AccountProvider>>);

impl Chain {
    /// A chain without providers.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a provider at the end.
    #[must_use]
    pub fn or(self, provider: impl AccountProvider + 'static) -> Self {
        self.or_shared(Arc::new(provider))
    }

    /// Adds a shared provider at the end.
    #[must_use]
    pub fn or_shared(mut self, provider: Arc<dyn AccountProvider>) -> Self {
        self.0.push(provider);
        self
    }

    /// The first that has credentials, with its place in the chain.
    async fn first(&self) -> Result<(usize, Credentials)> {
        let mut reasons = Vec::new();
        for (place, provider) in self.0.iter().enumerate() {
            match provider.credentials().await {
                Ok(credentials) => return Ok((place, credentials)),
                Err(error) if has_none(&error) => {
                    reasons.push(format!("{}: {}", provider.origin(), error.chain()));
                }
                Err(error) => return Err(error),
            }
        }
        Err(missing(format!("no provider has credentials ({})", reasons.join("; "))))
    }
}

fn has_none(error: &Error) -> bool {
    error.kind() == ErrorKind::Credentials && error.is_permanent()
}

#[async_trait]
impl AccountProvider for Chain {
    async fn credentials(&self) -> Result<Credentials> {
        Ok(self.first().await?.1)
    }

    async fn region(&self) -> Result<Region> {
        let (chosen, _) = self.first().await?;
        let others =
            self.0.iter().enumerate().filter(|(place, _)| *place != chosen).map(|(_, provider)| provider);
        let mut reasons = Vec::new();
        for provider in std::iter::once(&self.0[chosen]).chain(others) {
            match provider.region().await {
                Ok(region) => return Ok(region),
                Err(error) if has_none(&error) => {
                    reasons.push(format!("{}: {}", provider.origin(), error.chain()));
                }
                Err(error) => return Err(error),
            }
        }
        Err(missing(format!("no provider has a region ({})", reasons.join("; "))))
    }

    fn origin(&self) -> String {
        let origins: Vec<String> = self.0.iter().map(|provider| provider.origin()).collect();
        origins.join(", else ")
    }
}
