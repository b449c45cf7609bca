//! A bucket's settings: looked at first, and changed where they are not as wanted.

use aws_sdk_s3::error::BuildError;
use aws_sdk_s3::types::{
    AbortIncompleteMultipartUpload, BucketLifecycleConfiguration, ExpirationStatus, LifecycleRule,
    LifecycleRuleFilter, ObjectOwnership, OwnershipControls, OwnershipControlsRule,
    PublicAccessBlockConfiguration, ServerSideEncryption, ServerSideEncryptionByDefault,
    ServerSideEncryptionConfiguration, ServerSideEncryptionRule, Tagging,
};
use ec2_stories_core::model::Tags;
use ec2_stories_core::{Error, ErrorKind, Result};

use super::create::sdk_tags;
use super::{Bucket, BucketSpec, Encryption, NotApplied};
use crate::api::Call;

/// The name of our rule among the bucket's.
const ABORT_RULE: &str = "ec2-stories: remove incomplete uploads";

impl Bucket {
    /// Applies every setting, and says which the server does not know.
    pub(super) async fn close(&self, spec: &BucketSpec) -> Result<Vec<NotApplied>> {
        let settings = [
            ("ownership", self.enforce_ownership().await),
            ("public access block", self.block_public_access().await),
            ("encryption", self.encrypt(&spec.encryption).await),
            ("removal of incomplete uploads", self.expire_incomplete(spec.abort_incomplete_after_days).await),
        ];
        let mut not_applied = Vec::new();
        for (setting, outcome) in settings {
            match outcome {
                Err(error) if self.lacks(&error) => not_applied.push(NotApplied::new(setting, &error)),
                outcome => outcome?,
            }
        }
        Ok(not_applied)
    }

    async fn enforce_ownership(&self) -> Result<()> {
        let look = self.s3.sdk().get_bucket_ownership_controls().bucket(self.name());
        let there = self.s3.api().call(self.look("GetBucketOwnershipControls"), look.send()).await;
        let there = found(there)?.and_then(|reply| reply.ownership_controls);
        let enforced =
            |rule: &OwnershipControlsRule| *rule.object_ownership() == ObjectOwnership::BucketOwnerEnforced;
        if there.is_some_and(|controls| controls.rules().iter().any(enforced)) {
            return Ok(());
        }
        let rule = OwnershipControlsRule::builder().object_ownership(ObjectOwnership::BucketOwnerEnforced);
        let controls = OwnershipControls::builder().rules(rule.build().map_err(incomplete)?);
        let controls = controls.build().map_err(incomplete)?;
        let put = self.s3.sdk().put_bucket_ownership_controls().bucket(self.name());
        let put = put.ownership_controls(controls).send();
        self.s3.api().call(self.change("PutBucketOwnershipControls"), put).await.map(drop)
    }

    async fn block_public_access(&self) -> Result<()> {
        let wanted = PublicAccessBlockConfiguration::builder()
            .block_public_acls(true)
            .ignore_public_acls(true)
            .block_public_policy(true)
            .restrict_public_buckets(true)
            .build();
        let look = self.s3.sdk().get_public_access_block().bucket(self.name());
        let there = self.s3.api().call(self.look("GetPublicAccessBlock"), look.send()).await;
        if found(there)?.and_then(|reply| reply.public_access_block_configuration).as_ref() == Some(&wanted) {
            return Ok(());
        }
        let put = self.s3.sdk().put_public_access_block().bucket(self.name());
        let put = put.public_access_block_configuration(wanted).send();
        self.s3.api().call(self.change("PutPublicAccessBlock"), put).await.map(drop)
    }

    async fn encrypt(&self, encryption: &Encryption) -> Result<()> {
        let (algorithm, key) = match encryption {
            Encryption::AsServerDoes => return Ok(()),
            Encryption::S3 => (ServerSideEncryption::Aes256, None),
            Encryption::Kms(key) => (ServerSideEncryption::AwsKms, Some(key.clone())),
        };
        let look = self.s3.sdk().get_bucket_encryption().bucket(self.name());
        let there = self.s3.api().call(self.look("GetBucketEncryption"), look.send()).await;
        let rules = found(there)?.and_then(|reply| reply.server_side_encryption_configuration);
        let enough = |rule: &ServerSideEncryptionRule| {
            rule.apply_server_side_encryption_by_default().is_some_and(|default| match &key {
                // A key of the owner's choice is more than was asked for.
                None => true,
                Some(key) => default.kms_master_key_id() == Some(key),
            })
        };
        if rules.is_some_and(|configuration| configuration.rules().iter().any(enough)) {
            return Ok(());
        }
        let default = ServerSideEncryptionByDefault::builder()
            .sse_algorithm(algorithm)
            .set_kms_master_key_id(key)
            .build()
            .map_err(incomplete)?;
        let rule = ServerSideEncryptionRule::builder().apply_server_side_encryption_by_default(default);
        let configuration = ServerSideEncryptionConfiguration::builder().rules(rule.build());
        let configuration = configuration.build().map_err(incomplete)?;
        let put = self.s3.sdk().put_bucket_encryption().bucket(self.name());
        let put = put.server_side_encryption_configuration(configuration).send();
        self.s3.api().call(self.change("PutBucketEncryption"), put).await.map(drop)
    }

    async fn expire_incomplete(&self, days: u16) -> Result<()> {
        let look = self.s3.sdk().get_bucket_lifecycle_configuration().bucket(self.name());
        let there = self.s3.api().call(self.look("GetBucketLifecycleConfiguration"), look.send()).await;
        let mut rules = found(there)?.and_then(|reply| reply.rules).unwrap_or_default();
        if rules.iter().any(aborts_everywhere) {
            return Ok(());
        }
        rules.retain(|rule| rule.id() != Some(ABORT_RULE));
        let abort = AbortIncompleteMultipartUpload::builder().days_after_initiation(days.into()).build();
        let rule = LifecycleRule::builder()
            .id(ABORT_RULE)
            .status(ExpirationStatus::Enabled)
            .filter(LifecycleRuleFilter::builder().prefix("").build())
            .abort_incomplete_multipart_upload(abort);
        rules.push(rule.build().map_err(incomplete)?);
        let rules = BucketLifecycleConfiguration::builder().set_rules(Some(rules));
        let put = self.s3.sdk().put_bucket_lifecycle_configuration().bucket(self.name());
        let put = put.lifecycle_configuration(rules.build().map_err(incomplete)?).send();
        self.s3.api().call(self.change("PutBucketLifecycleConfiguration"), put).await.map(drop)
    }

    /// Its tags.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) where there is no such bucket, and the service's own.
    pub async fn tags(&self) -> Result<Tags> {
        let look = self.s3.sdk().get_bucket_tagging().bucket(self.name());
        let there = self.s3.api().call(self.look("GetBucketTagging"), look.send()).await;
        let tags = found(there)?.map(|reply| reply.tag_set).unwrap_or_default();
        Ok(tags.into_iter().map(|tag| (tag.key, tag.value)).collect())
    }

    pub(super) async fn set_tags(&self, tags: &Tags) -> Result<()> {
        let tagging = Tagging::builder().set_tag_set(Some(sdk_tags(tags))).build().map_err(incomplete)?;
        let put = self.s3.sdk().put_bucket_tagging().bucket(self.name()).tagging(tagging);
        self.s3.api().call(self.change("PutBucketTagging"), put.send()).await.map(drop)
    }

    pub(super) fn look(&self, operation: &'static str) -> Call {
        Call::reading(operation, self.address())
    }

    pub(super) fn change(&self, operation: &'static str) -> Call {
        Call::changing(operation, self.address())
    }
}

/// Whether the rule is at work, and for every key.
fn aborts_everywhere(rule: &LifecycleRule) -> bool {
    // S3 takes no rule of this kind with a tag or a size.
    let prefix = rule.filter().and_then(|filter| filter.prefix().or_else(|| filter.and()?.prefix()));
    #[expect(deprecated, reason = "rules of older tools have it still")]
    let prefix = prefix.or(rule.prefix());
    *rule.status() == ExpirationStatus::Enabled
        && rule.abort_incomplete_multipart_upload().is_some()
        && prefix.is_none_or(str::is_empty)
}

/// The setting, or `None` where the bucket has none. Each setting has a code of its own for that.
fn found<T>(answer: Result<T>) -> Result<Option<T>> {
    match answer {
        Ok(there) => Ok(Some(there)),
        Err(error) if error.kind() == ErrorKind::NotFound && error.api_code() != Some("NoSuchBucket") => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn incomplete(error: BuildError) -> Error {
    Error::new(ErrorKind::Unexpected, "a setting is incomplete").because(error)
}
