//! An account's credentials, in the SDK's form.

use std::sync::Arc;
use std::time::Duration;

use aws_credential_types::Credentials as SdkCredentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, future};
use secrecy::ExposeSecret;

use crate::model::Credentials;
use crate::provider::AccountProvider;
use crate::{Clock, Error};

/// For how long the SDK keeps credentials that do not say when they expire.
const KEPT_WITHOUT_EXPIRY: Duration = Duration::from_secs(60);

/// How long before they expire the SDK asks for others: no call lasts longer, retries included, but a slow one that is signed again.
const RENEWED_BEFORE: Duration = Duration::from_secs(60);

/// Asks an [`AccountProvider`] whenever the SDK's cache wants credentials.
///
/// The cache keeps them until a minute before they expire, or for a minute where they do not say when: credentials
/// that were rotated are picked up within that time.
#[derive(Clone, Debug)]
pub struct AccountCredentials {
    provider: Arc<dyn AccountProvider>,
    clock: Arc<dyn Clock>,
}

impl AccountCredentials {
    /// The credentials of `provider`; `clock` must be the one that the SDK's time source reads.
    #[must_use]
    pub fn new(provider: Arc<dyn AccountProvider>, clock: Arc<dyn Clock>) -> Self {
        Self { provider, clock }
    }

    async fn load(&self) -> Result<SdkCredentials, CredentialsError> {
        let Credentials { access_key_id, secret_access_key, session_token, expires_at } =
            self.provider.credentials().await.map_err(to_sdk)?;
        let ask_again_at = match expires_at {
            Some(at) => at - RENEWED_BEFORE,
            None => self.clock.now() + KEPT_WITHOUT_EXPIRY,
        };
        let mut credentials = SdkCredentials::builder()
            .access_key_id(access_key_id)
            .secret_access_key(secret_access_key.expose_secret())
            .expiry(ask_again_at.into())
            .provider_name("ec2-stories");
        credentials.set_session_token(session_token.map(|token| token.expose_secret().to_owned()));
        Ok(credentials.build())
    }
}

impl ProvideCredentials for AccountCredentials {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.load())
    }
}

fn to_sdk(error: Error) -> CredentialsError {
    if error.is_permanent() {
        CredentialsError::not_loaded(error)
    } else {
        CredentialsError::provider_error(error)
    }
}
