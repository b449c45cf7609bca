use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use aws_credential_types::provider::ProvideCredentials;
use ec2_stories_core::account::{Environment, StaticAccount};
use ec2_stories_core::aws::{AccountCredentials, sdk_config, sdk_config_with_clock};
use ec2_stories_core::model::{Credentials, Region};
use ec2_stories_core::provider::AccountProvider;
use ec2_stories_core::{Clock, ErrorKind, Result, TokioClock};

fn clock() -> Arc<dyn Clock> {
    Arc::new(TokioClock::starting_at("2026-01-01T00:00:00Z".parse().unwrap()))
}

fn keys(expires_at: Option<&str>) -> StaticAccount {
    let credentials = Credentials {
        access_key_id: "AKIA1".to_owned(),
        secret_access_key: "secret".into(),
        session_token: None,
        expires_at: expires_at.map(|at| at.parse().unwrap()),
    };
    StaticAccount::of(credentials, "eu-west-1")
}

async fn asked_again_after(account: StaticAccount) -> Duration {
    let clock = clock();
    let credentials =
        AccountCredentials::new(Arc::new(account), clock.clone()).provide_credentials().await.unwrap();
    credentials.expiry().unwrap().duration_since(SystemTime::from(clock.now())).unwrap()
}

#[tokio::test(start_paused = true)]
async fn the_sdk_keeps_credentials_until_a_minute_before_they_expire_or_for_a_minute() {
    assert_eq!(asked_again_after(keys(None)).await, Duration::from_secs(60));
    assert_eq!(asked_again_after(keys(Some("2026-01-01T01:00:00Z"))).await, Duration::from_secs(59 * 60));
}

#[tokio::test(start_paused = true)]
async fn the_configuration_has_what_virtual_time_and_rotation_need() {
    let config = sdk_config_with_clock(Arc::new(keys(None)), clock()).await.unwrap();
    assert_eq!(config.region().unwrap().as_ref(), "eu-west-1");
    assert!(
        config.http_client().is_some() && config.identity_cache().is_some() && config.sleep_impl().is_some()
    );
    let time = config.time_source().unwrap();
    assert_eq!(time.now(), SystemTime::from("2026-01-01T00:00:00Z".parse::<jiff::Timestamp>().unwrap()));
    tokio::time::sleep(Duration::from_secs(3600)).await;
    assert_eq!(time.now(), SystemTime::from("2026-01-01T01:00:00Z".parse::<jiff::Timestamp>().unwrap()));
    assert!(config.timeout_config().unwrap().connect_timeout().is_some());
    assert!(config.stalled_stream_protection().unwrap().download_enabled());
}

#[tokio::test]
async fn an_account_without_a_region_is_refused_before_anything_is_done() {
    let error = sdk_config(Arc::new(Environment::from_lookup(|_| None))).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Credentials);
}

#[derive(Debug)]
struct Failing(bool);

#[async_trait]
impl AccountProvider for Failing {
    async fn credentials(&self) -> Result<Credentials> {
        let error = ec2_stories_core::Error::new(ErrorKind::Credentials, "vault is sealed");
        Err(if self.0 { error.status(ec2_stories_core::Status::Temporary) } else { error })
    }

    async fn region(&self) -> Result<Region> {
        Ok("eu-west-1".into())
    }

    fn origin(&self) -> String {
        "vault".to_owned()
    }
}

#[tokio::test]
async fn the_sdk_is_told_whether_an_error_lasts() {
    use aws_credential_types::provider::error::CredentialsError::{CredentialsNotLoaded, ProviderError};
    let ask = async |temporary| {
        let credentials = AccountCredentials::new(Arc::new(Failing(temporary)), clock());
        credentials.provide_credentials().await.unwrap_err()
    };
    assert!(matches!(ask(true).await, ProviderError(_)));
    assert!(matches!(ask(false).await, CredentialsNotLoaded(_)));
}
