//! Addresses by which somebody without an account reads or writes one object for a while.

use std::fmt;
use std::time::Duration;

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::presigning::{PresignedRequest, PresigningConfig};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use ec2_stories_core::provider::{Expect, Version};
use ec2_stories_core::{Error, Result};
use secrecy::{ExposeSecret, SecretString};

use super::{PutOptions, key};
use crate::api::Effect;
use crate::bucket::Bucket;
use crate::error::translate;

/// What a signature may hold for at most
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-presigned-url.html>).
const LONGEST: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// A request that is signed already: whoever has it may send it until it expires.
#[derive(Clone)]
pub struct Presigned {
    /// `GET` or `PUT`.
    pub method: String,
    /// Where to. It is as good as a password.
    pub url: SecretString,
    /// Headers that must be sent along, as they are.
    pub headers: Vec<(String, String)>,
    /// For how long it holds. It ends earlier where the credentials that signed it do.
    pub expires_in: Duration,
}

impl Presigned {
    /// The address, to be handed to whom it is meant for.
    #[must_use]
    pub fn expose_url(&self) -> &str {
        self.url.expose_secret()
    }
}

impl fmt::Debug for Presigned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Presigned")
            .field("method", &self.method)
            .field("expires_in", &self.expires_in)
            .finish_non_exhaustive()
    }
}

impl Bucket {
    /// Signs a request that reads the object. It is not looked whether there is one.
    ///
    /// # Errors
    /// [`Invalid`](ec2_stories_core::ErrorKind::Invalid) for a time of less than a second or more than seven days, and
    /// the account's own.
    pub async fn presign_get(&self, key: &str, expires_in: Duration) -> Result<Presigned> {
        key::check(key)?;
        let config = self.presigning(expires_in)?;
        let get = self.s3().sdk().get_object().bucket(self.name()).key(key).presigned(config).await;
        self.presigned("presign GetObject", key, expires_in, get)
    }

    /// Signs a request that stores the object: with the media type, the metadata and the expectation of `options`.
    ///
    /// # Errors
    /// As [`presign_get`](Self::presign_get).
    pub async fn presign_put(
        &self,
        key: &str,
        expires_in: Duration,
        options: &PutOptions,
    ) -> Result<Presigned> {
        key::check(key)?;
        let config = self.presigning(expires_in)?;
        let put = self.s3().sdk().put_object().bucket(self.name()).key(key);
        let put = put.set_content_type(options.content_type.clone());
        let put = put.set_metadata(Some(options.metadata.clone().into_iter().collect()));
        let put = match &options.expect {
            Expect::Anything => put,
            Expect::Absent => put.if_none_match("*"),
            Expect::Unchanged(Version(etag)) => put.if_match(etag),
        };
        let put = put.presigned(config).await;
        self.presigned("presign PutObject", key, expires_in, put)
    }

    fn presigning(&self, expires_in: Duration) -> Result<PresigningConfig> {
        if !(Duration::from_secs(1)..=LONGEST).contains(&expires_in) {
            return Err(Error::invalid("expires_in", "one second to seven days"));
        }
        let mut config = PresigningConfig::builder().expires_in(expires_in);
        config.set_start_time(self.s3().now().map(Into::into));
        config.build().map_err(|error| Error::invalid("expires_in", error))
    }

    fn presigned<E>(
        &self,
        operation: &str,
        key: &str,
        expires_in: Duration,
        signed: Result<PresignedRequest, SdkError<E, HttpResponse>>,
    ) -> Result<Presigned>
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        let signed = signed
            .map_err(|error| translate(operation, Effect::Reads, &error).on(self.object_address(key)))?;
        Ok(Presigned {
            method: signed.method().to_owned(),
            url: signed.uri().to_owned().into(),
            headers: signed.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            expires_in,
        })
    }
}
