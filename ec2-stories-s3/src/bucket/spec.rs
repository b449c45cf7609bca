//! What a bucket is to be.

use std::time::Duration;

use bon::bon;
use ec2_stories_core::model::{Name, Ownership, Tags};
use ec2_stories_core::{Error, Result};
use serde::{Deserialize, Serialize};

/// How long a bucket lives.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lifetime {
    /// Until somebody removes it.
    #[default]
    Persistent,
    /// As long as this deployment: it carries the deployment's tag, and
    /// [`remove_buckets`](crate::S3::remove_buckets) removes it with all that is in it.
    Transient(Name),
}

/// How objects are encrypted that say nothing of it themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encryption {
    /// By keys that S3 keeps.
    #[default]
    S3,
    /// By this key of AWS KMS: its id, ARN or alias.
    Kms(String),
    /// As the server does when nobody tells it, for servers that hold no keys.
    AsServerDoes,
}

/// A bucket to create. Access is always private: the owner owns every object, and public access is blocked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BucketSpec {
    /// Its name, unique among all of S3's.
    pub name: String,
    /// How long it lives.
    #[serde(default)]
    pub lifetime: Lifetime,
    /// How objects are encrypted.
    #[serde(default)]
    pub encryption: Encryption,
    /// After how many days S3 removes the parts of an upload that was never completed; they are billed till then.
    #[serde(default = "week")]
    pub abort_incomplete_after_days: u16,
    /// Its tags.
    #[serde(default)]
    pub tags: Tags,
}

fn week() -> u16 {
    7
}

#[bon]
impl BucketSpec {
    /// Describes a bucket.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](ec2_stories_core::ErrorKind::Invalid), naming the field.
    #[builder(start_fn = builder, finish_fn = build)]
    pub fn new(
        /// Its name, unique among all of S3's.
        #[builder(into)]
        name: String,
        /// How long it lives; until it is removed, by default.
        #[builder(default)]
        lifetime: Lifetime,
        /// How objects are encrypted; by keys that S3 keeps, by default.
        #[builder(default)]
        encryption: Encryption,
        /// After how long S3 removes parts of uploads that were never completed, in whole days; seven by default.
        #[builder(default = Duration::from_secs(7 * DAY))]
        abort_incomplete_after: Duration,
        /// Its tags.
        #[builder(default)]
        tags: Tags,
    ) -> Result<Self> {
        let days = abort_incomplete_after.as_secs().div_ceil(DAY);
        let abort_incomplete_after_days = u16::try_from(days)
            .map_err(|_| Error::invalid("bucket.abort_incomplete_after", "at most 65,535 days"))?;
        let spec = Self { name, lifetime, encryption, abort_incomplete_after_days, tags };
        spec.check()?;
        Ok(spec)
    }

    /// Checks what S3 would refuse, or take for something else.
    pub(super) fn check(&self) -> Result<()> {
        check_name(&self.name)?;
        if self.abort_incomplete_after_days == 0 {
            return Err(Error::invalid("bucket.abort_incomplete_after", "at least one day"));
        }
        self.tags.check("bucket.tags")
    }

    /// Its own tags and those that say whose it is.
    pub(super) fn all_tags(&self) -> Tags {
        match &self.lifetime {
            Lifetime::Persistent => self.tags.clone(),
            Lifetime::Transient(deployment) => {
                self.tags.clone().merged(&Ownership::shared_tags(deployment, None))
            }
        }
    }
}

const DAY: u64 = 24 * 60 * 60;

/// S3's rules for names (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html>).
pub(crate) fn check_name(name: &str) -> Result<()> {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'.' || b == b'-';
    let ends = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let bytes = name.as_bytes();
    let why = if !(3..=63).contains(&bytes.len()) {
        "has 3 to 63 characters"
    } else if !bytes.iter().copied().all(allowed) {
        "is made of a-z, 0-9, '.' and '-'"
    } else if !ends(bytes.first()) || !ends(bytes.last()) {
        "begins and ends with a letter or a digit"
    } else if name.contains("..") {
        "has no two dots in a row"
    } else if name.parse::<std::net::Ipv4Addr>().is_ok() {
        "is not formed like an IP address"
    } else {
        return Ok(());
    };
    Err(Error::invalid("bucket.name", format!("{name:?}: a bucket's name {why}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_s3_would_refuse_is_refused_with_the_reason() {
        for good in ["abc", "my-bucket.example", "0-9"] {
            assert!(check_name(good).is_ok(), "{good}");
        }
        let long = "a".repeat(64);
        for bad in ["ab", "Upper", "a_b", "-abc", "abc.", "a..b", "192.168.0.1", &long] {
            let error = check_name(bad).unwrap_err();
            assert_eq!(error.resource(), Some("bucket.name"), "{bad}");
        }
    }

    #[test]
    fn a_transient_bucket_carries_its_deployments_tag() {
        let shop = Name::new("shop").unwrap();
        let spec = BucketSpec::builder().name("shop-data").lifetime(Lifetime::Transient(shop)).build();
        assert_eq!(spec.unwrap().all_tags().get("ec2-stories:deployment"), Some("shop"));
    }

    #[test]
    fn a_rule_of_no_days_is_refused() {
        let spec = BucketSpec::builder().name("data").abort_incomplete_after(Duration::ZERO).build();
        assert_eq!(spec.unwrap_err().resource(), Some("bucket.abort_incomplete_after"));
    }
}
