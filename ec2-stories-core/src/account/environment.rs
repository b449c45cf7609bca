//! Credentials from environment variables.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use super::missing;
use crate::Result;
use crate::model::{Credentials, Region};
use crate::provider::AccountProvider;

/// Credentials from `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`, the region from `AWS_REGION` or
/// `AWS_DEFAULT_REGION`, read at each use. A variable that is set to nothing counts as not set.
#[derive(Clone)]
pub struct Environment(Arc<Lookup>);

type Lookup = dyn Fn(&str) -> Option<String> + Send + Sync;

impl Environment {
    /// The environment of this process.
    #[must_use]
    pub fn new() -> Self {
        Self::from_lookup(|name| std::env::var(name).ok())
    }

    /// Variables from elsewhere: a test, or a loader of `.env` files.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(lookup))
    }

    fn get(&self, name: &str) -> Option<String> {
        (self.0)(name).filter(|value| !value.is_empty())
    }

    fn require(&self, name: &str) -> Result<String> {
        self.get(name).ok_or_else(|| missing(format!("{name} is not set")))
    }
}

impl Default for Environment {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Environment")
    }
}

#[async_trait]
impl AccountProvider for Environment {
    async fn credentials(&self) -> Result<Credentials> {
        Ok(Credentials {
            access_key_id: self.require("AWS_ACCESS_KEY_ID")?,
            secret_access_key: self.require("AWS_SECRET_ACCESS_KEY")?.into(),
            session_token: self.get("AWS_SESSION_TOKEN").map(Into::into),
            expires_at: None,
        })
    }

    async fn region(&self) -> Result<Region> {
        let region = self.get("AWS_REGION").or_else(|| self.get("AWS_DEFAULT_REGION"));
        region.map(Region::new).ok_or_else(|| missing("neither AWS_REGION nor AWS_DEFAULT_REGION is set"))
    }

    fn origin(&self) -> String {
        "environment".to_owned()
    }
}
