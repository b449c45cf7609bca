//! A role, taken on with another provider's credentials.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_config::sts::AssumeRoleProvider;
use aws_credential_types::provider::ProvideCredentials;
use aws_types::origin::Origin;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::aws::{from_sdk, sdk_config_in};
use crate::model::{Credentials, Region};
use crate::provider::AccountProvider;
use crate::{Clock, Result, SystemClock};

/// Temporary credentials are renewed this long before they expire.
const RENEWED_BEFORE: Duration = Duration::from_secs(5 * 60);

/// A session serves those who ask within this time: clients that begin together share one. Whoever asks later has lost
/// his, or it was refused: it may have been revoked.
const SHARED_FOR: Duration = Duration::from_secs(60);

/// A role that is assumed with the credentials of another provider, through STS of that provider's region, or of the
/// one set here where that provider has none.
///
/// The role's credentials are kept for a minute, and not within five minutes of their end; then the other provider is
/// asked anew. A session that was revoked is thus replaced as soon as a client, which keeps its own for longer, asks again.
/// `AWS_ENDPOINT_URL_STS` and `AWS_ENDPOINT_URL` are heeded.
#[derive(Debug)]
pub struct AssumedRole {
    base: Arc<dyn AccountProvider>,
    arn: String,
    session_name: String,
    external_id: Option<String>,
    duration: Option<Duration>,
    region: Option<Region>,
    endpoint: Option<String>,
    clock: Arc<dyn Clock>,
    current: Mutex<Option<Session>>,
}

#[derive(Debug)]
struct Session {
    credentials: Credentials,
    since: Instant,
}

impl AssumedRole {
    /// The role `arn`, assumed with the credentials of `base`, in a session that is named `ec2-stories`.
    pub fn new(base: Arc<dyn AccountProvider>, arn: impl Into<String>) -> Self {
        Self {
            base,
            arn: arn.into(),
            session_name: "ec2-stories".to_owned(),
            external_id: None,
            duration: None,
            region: None,
            endpoint: None,
            clock: Arc::new(SystemClock),
            current: Mutex::new(None),
        }
    }

    /// Names the session, as the account's log will show it.
    #[must_use]
    pub fn session_name(self, name: impl Into<String>) -> Self {
        Self { session_name: name.into(), ..self }
    }

    /// Sets the external id that the role's owner asks for.
    #[must_use]
    pub fn external_id(self, id: impl Into<String>) -> Self {
        Self { external_id: Some(id.into()), ..self }
    }

    /// Sets how long a session lasts: 15 minutes to the role's maximum; an hour where not set.
    #[must_use]
    pub fn duration(self, duration: Duration) -> Self {
        Self { duration: Some(duration), ..self }
    }

    /// Sets the region of the resources; the other provider's where not set.
    #[must_use]
    pub fn region(self, region: impl Into<Region>) -> Self {
        Self { region: Some(region.into()), ..self }
    }

    /// Asks this STS endpoint, whatever the environment says.
    #[must_use]
    pub fn endpoint_url(self, url: impl Into<String>) -> Self {
        Self { endpoint: Some(url.into()), ..self }
    }

    /// Reads the time, for signing and expiry, from this clock.
    #[must_use]
    pub fn clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }

    async fn assume(&self) -> Result<Credentials> {
        let region = match (self.base.region().await, &self.region) {
            (Err(_), Some(region)) => region.clone(),
            (region, _) => region?,
        };
        let mut config = sdk_config_in(&region, self.base.clone(), self.clock.clone()).await;
        if let Some(url) = &self.endpoint {
            let mut builder = config.into_builder().endpoint_url(url);
            // Without an origin of its own it would give way to the environment's.
            builder.insert_origin("endpoint_url", Origin::shared_config());
            config = builder.build();
        }
        let mut role =
            AssumeRoleProvider::builder(&self.arn).session_name(&self.session_name).configure(&config);
        if let Some(id) = &self.external_id {
            role = role.external_id(id);
        }
        if let Some(duration) = self.duration {
            role = role.session_length(duration);
        }
        from_sdk(role.build().await.provide_credentials().await, &self.origin())
    }
}

#[async_trait]
impl AccountProvider for AssumedRole {
    async fn credentials(&self) -> Result<Credentials> {
        let mut current = self.current.lock().await;
        let soon = self.clock.now() + RENEWED_BEFORE;
        if let Some(Session { credentials, since }) = &*current
            && since.elapsed() < SHARED_FOR
            && credentials.expires_at.is_some_and(|at| at > soon)
        {
            return Ok(credentials.clone());
        }
        let credentials = self.assume().await?;
        *current = Some(Session { credentials: credentials.clone(), since: Instant::now() });
        Ok(credentials)
    }

    async fn region(&self) -> Result<Region> {
        match &self.region {
            Some(region) => Ok(region.clone()),
            None => self.base.region().await,
        }
    }

    fn origin(&self) -> String {
        format!("role {} through {}", self.arn, self.base.origin())
    }
}
