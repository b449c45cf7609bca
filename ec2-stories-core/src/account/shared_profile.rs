//! Credentials from the files that the AWS command line shares.

use std::path::PathBuf;

use async_trait::async_trait;
use aws_config::environment::EnvironmentVariableRegionProvider;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::{ProfileFileCredentialsProvider, ProfileFileRegionProvider};
use aws_credential_types::provider::ProvideCredentials;
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};

use super::missing;
use crate::Result;
use crate::aws::{from_sdk, provider_config};
use crate::model::{Credentials, Region};
use crate::provider::AccountProvider;

/// A profile of `~/.aws/config` and `~/.aws/credentials`, with all that aws-config resolves there: keys, SSO, web
/// identity, roles over other profiles, an external process, the roles of instances and containers.
///
/// The region is the one set here, else the profile's, else `AWS_REGION`: what the program names comes before what the environment
/// happens to say. The files are read at each use.
#[derive(Clone, Debug, Default)]
pub struct SharedProfile {
    name: Option<String>,
    region: Option<Region>,
    config: Option<PathBuf>,
    credentials: Option<PathBuf>,
}

impl SharedProfile {
    /// The profile of this name.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..Self::default() }
    }

    /// Sets the region.
    #[must_use]
    pub fn region(self, region: impl Into<Region>) -> Self {
        Self { region: Some(region.into()), ..self }
    }

    /// Reads this file instead of `~/.aws/config` or `AWS_CONFIG_FILE`.
    #[must_use]
    pub fn config_file(self, path: impl Into<PathBuf>) -> Self {
        Self { config: Some(path.into()), ..self }
    }

    /// Reads this file instead of `~/.aws/credentials` or `AWS_SHARED_CREDENTIALS_FILE`.
    #[must_use]
    pub fn credentials_file(self, path: impl Into<PathBuf>) -> Self {
        Self { credentials: Some(path.into()), ..self }
    }

    fn files(&self) -> EnvConfigFiles {
        let add =
            |files: aws_runtime::env_config::file::Builder, kind, path: &PathBuf| files.with_file(kind, path);
        let files = EnvConfigFiles::builder();
        let files = match &self.config {
            Some(path) => add(files, EnvConfigFileKind::Config, path),
            None => files.include_default_config_file(true),
        };
        let files = match &self.credentials {
            Some(path) => add(files, EnvConfigFileKind::Credentials, path),
            None => files.include_default_credentials_file(true),
        };
        files.build()
    }
}

#[async_trait]
impl AccountProvider for SharedProfile {
    async fn credentials(&self) -> Result<Credentials> {
        // A provider keeps what it read for good: a new one at each use picks up rotated keys.
        let config = provider_config(self.region().await.ok().as_ref());
        let mut profile =
            ProfileFileCredentialsProvider::builder().configure(&config).profile_files(self.files());
        if let Some(name) = &self.name {
            profile = profile.profile_name(name);
        }
        from_sdk(profile.build().provide_credentials().await, &self.origin())
    }

    async fn region(&self) -> Result<Region> {
        if let Some(region) = &self.region {
            return Ok(region.clone());
        }
        let mut profile = ProfileFileRegionProvider::builder()
            .configure(&provider_config(None))
            .profile_files(self.files());
        if let Some(name) = &self.name {
            profile = profile.profile_name(name);
        }
        let chain =
            RegionProviderChain::first_try(profile.build()).or_else(EnvironmentVariableRegionProvider::new());
        let region = chain.region().await.map(|region| Region::new(region.as_ref()));
        region.ok_or_else(|| missing("neither the profile nor AWS_REGION has a region").on(self.origin()))
    }

    fn origin(&self) -> String {
        match &self.name {
            Some(name) => format!("profile {name}"),
            None => "the default profile".to_owned(),
        }
    }
}
