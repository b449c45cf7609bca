//! Credentials that the program has.

use async_trait::async_trait;
use secrecy::SecretString;

use crate::Result;
use crate::model::{Credentials, Region};
use crate::provider::AccountProvider;

/// Credentials that the program got from elsewhere, and that never change.
#[derive(Clone, Debug)]
pub struct StaticAccount {
    credentials: Credentials,
    region: Region,
}

impl StaticAccount {
    /// A long-lived access key.
    pub fn new(
        access_key_id: impl Into<String>,
        secret_access_key: impl Into<SecretString>,
        region: impl Into<Region>,
    ) -> Self {
        let credentials = Credentials {
            access_key_id: access_key_id.into(),
            secret_access_key: secret_access_key.into(),
            session_token: None,
            expires_at: None,
        };
        Self::of(credentials, region)
    }

    /// These very credentials.
    pub fn of(credentials: Credentials, region: impl Into<Region>) -> Self {
        Self { credentials, region: region.into() }
    }

    /// Adds the session token of temporary credentials.
    #[must_use]
    pub fn session_token(mut self, token: impl Into<SecretString>) -> Self {
        self.credentials.session_token = Some(token.into());
        self
    }
}

#[async_trait]
impl AccountProvider for StaticAccount {
    async fn credentials(&self) -> Result<Credentials> {
        Ok(self.credentials.clone())
    }

    async fn region(&self) -> Result<Region> {
        Ok(self.region.clone())
    }

    fn origin(&self) -> String {
        format!("access key {}", self.credentials.access_key_id)
    }
}
