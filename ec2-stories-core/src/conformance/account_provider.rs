//! The suite for account providers.

use futures::future::join_all;
use secrecy::ExposeSecret;

use super::{demand, succeeds};
use crate::model::Credentials;
use crate::provider::AccountProvider;
use crate::{Clock, ErrorKind};

/// Checks an [`AccountProvider`] that has credentials and a region. `clock` is the one by which its credentials expire.
///
/// # Panics
/// With the contract's bullet that was broken.
pub async fn account_provider(provider: &dyn AccountProvider, clock: &dyn Clock) {
    const VALID: &str = "credentials returns credentials that are valid now";
    const TASKS: &str = "callable from many tasks at once";
    const SECRET: &str = "a secret is in no Debug or Display of an implementation";

    let credentials = succeeds(provider.credentials().await, VALID);
    demand(!credentials.access_key_id.is_empty(), VALID, "no access key");
    demand(!credentials.secret_access_key.expose_secret().is_empty(), VALID, "no secret");
    demand(credentials.expires_at.is_none_or(|at| at > clock.now()), VALID, credentials.expires_at);
    let region = succeeds(provider.region().await, "there is a region");
    demand(!region.as_str().is_empty(), "there is a region", "no name");
    for result in join_all((0..16).map(|_| provider.credentials())).await {
        demand(!succeeds(result, TASKS).access_key_id.is_empty(), TASKS, "no access key");
    }
    let shown = format!("{provider:?} {provider:#?} {} {credentials:?}", provider.origin());
    for secret in secrets(&credentials) {
        // The shown text is the secret's hiding place: it is not repeated in the panic.
        demand(!shown.contains(secret), SECRET, "one of them shows it");
    }
}

/// Checks an [`AccountProvider`] that has no credentials for good.
///
/// # Panics
/// With the contract's bullet that was broken.
pub async fn account_provider_without_credentials(provider: &dyn AccountProvider) {
    const BULLET: &str = "without credentials the error is Credentials, and permanent";
    let error = super::fails(provider.credentials().await, ErrorKind::Credentials, BULLET);
    demand(error.is_permanent(), BULLET, &error);
}

fn secrets(credentials: &Credentials) -> impl Iterator<Item = &str> {
    let token = credentials.session_token.as_ref().map(ExposeSecret::expose_secret);
    std::iter::once(credentials.secret_access_key.expose_secret()).chain(token)
}
