//! Creating a bucket.

use std::time::Duration;

use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration, ObjectOwnership, Tag};
use ec2_stories_core::model::Tags;
use ec2_stories_core::{Error, ErrorKind, Result};
use tokio::time::sleep;

use super::{Bucket, BucketSpec, Lifetime};
use crate::S3;
use crate::api::Call;

/// Between two looks for a bucket of this very moment; doubled each time, up to the second: eight seconds in all.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(4);

/// A bucket that is there now.
#[derive(Clone, Debug)]
pub struct Created {
    /// The bucket.
    pub bucket: Bucket,
    /// Settings that the server does not know. Always empty on AWS, where that is an error.
    pub not_applied: Vec<NotApplied>,
}

/// A setting that a server does not know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotApplied {
    /// The setting.
    pub setting: &'static str,
    /// What the server said.
    pub why: String,
}

impl S3 {
    /// Creates a bucket and closes it: the owner owns every object, public access is blocked, objects are encrypted, and
    /// parts of uploads that were never completed are removed.
    ///
    /// Again for the same bucket it is a success. Settings that are there already are left as they are: encryption, other
    /// lifecycle rules and other tags.
    ///
    /// # Errors
    /// [`Conflict`](ErrorKind::Conflict) for a name that another account has, and for a transient bucket that exists
    /// and is not the deployment's; [`Unsupported`](ErrorKind::Unsupported) from AWS; the service's own.
    pub async fn create_bucket(&self, spec: &BucketSpec) -> Result<Created> {
        spec.check()?;
        let bucket = self.bucket(&spec.name);
        // The first region of AWS does not say that a bucket was there.
        let transient = spec.lifetime != Lifetime::Persistent;
        let seen = transient && self.find_bucket(&spec.name).await?.is_some();
        let existed = bucket.create(spec).await? || seen;
        let mut pause = FIRST_PAUSE;
        loop {
            match bucket.set_up(spec, existed).await {
                // It is not known everywhere yet.
                Err(error) if error.api_code() == Some("NoSuchBucket") && pause <= LONGEST_PAUSE => {
                    sleep(pause).await;
                    pause *= 2;
                }
                Err(error) => return Err(error),
                Ok(not_applied) => return Ok(Created { bucket, not_applied }),
            }
        }
    }
}

impl Bucket {
    /// Makes it, and says whether it was there.
    async fn create(&self, spec: &BucketSpec) -> Result<bool> {
        let request = self
            .s3
            .sdk()
            .create_bucket()
            .bucket(self.name())
            .object_ownership(ObjectOwnership::BucketOwnerEnforced)
            .set_create_bucket_configuration(self.configuration(&spec.all_tags()));
        match self.s3.api().call(Call::changing("CreateBucket", self.address()), request.send()).await {
            Ok(_) => Ok(false),
            Err(error) if error.api_code() == Some("BucketAlreadyOwnedByYou") => Ok(true),
            Err(error) if error.api_code() == Some("BucketAlreadyExists") => {
                let why = "another account has a bucket of this name: choose another";
                Err(Error::new(ErrorKind::Conflict, why)
                    .during("CreateBucket")
                    .on(self.address())
                    .code("BucketAlreadyExists"))
            }
            Err(error) => Err(error),
        }
    }

    fn configuration(&self, tags: &Tags) -> Option<CreateBucketConfiguration> {
        // The API's first region has no name for itself here.
        let elsewhere = Some(self.s3.region()).filter(|region| *region != "us-east-1");
        // Other servers read no tags here, and some refuse what they do not know.
        let tags = Some(tags).filter(|tags| self.s3.is_aws() && !tags.is_empty());
        if elsewhere.is_none() && tags.is_none() {
            return None;
        }
        let configuration = CreateBucketConfiguration::builder()
            .set_location_constraint(elsewhere.map(BucketLocationConstraint::from))
            .set_tags(tags.map(sdk_tags));
        Some(configuration.build())
    }

    /// Makes it what was described, and says which settings the server does not know.
    async fn set_up(&self, spec: &BucketSpec, existed: bool) -> Result<Vec<NotApplied>> {
        let missing = self.own(spec, existed).await?;
        let not_applied = self.close(spec).await?;
        Ok(missing.into_iter().chain(not_applied).collect())
    }

    /// Sees to it that the bucket carries its tags, and that a transient one is nobody else's.
    async fn own(&self, spec: &BucketSpec, existed: bool) -> Result<Option<NotApplied>> {
        let wanted = spec.all_tags();
        if wanted.is_empty() {
            return Ok(None);
        }
        let there = match self.tags().await {
            Err(error) if self.lacks(&error) => return Ok(Some(NotApplied::new("tags", &error))),
            there => there?,
        };
        if wanted.iter().all(|(key, value)| there.get(key) == Some(value)) {
            return Ok(None);
        }
        if let Lifetime::Transient(deployment) = &spec.lifetime
            && (existed || !there.is_empty())
        {
            let why =
                format!("exists already and is not the deployment {deployment}'s, which would remove it");
            return Err(Error::new(ErrorKind::Conflict, why).during("CreateBucket").on(self.address()));
        }
        self.set_tags(&there.merged(&wanted)).await?;
        Ok(None)
    }

    /// Whether this says that the server, not being AWS, does not know the call.
    pub(super) fn lacks(&self, error: &Error) -> bool {
        error.kind() == ErrorKind::Unsupported && !self.s3.is_aws()
    }
}

impl NotApplied {
    pub(super) fn new(setting: &'static str, error: &Error) -> Self {
        Self { setting, why: error.to_string() }
    }
}

pub(super) fn sdk_tags(tags: &Tags) -> Vec<Tag> {
    let tag = |(key, value)| Tag::builder().key(key).value(value).build().expect("key and value are set");
    tags.iter().map(tag).collect()
}
