//! Where an upload is.

use ec2_stories_core::{Error, Result};

/// An object in S3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Object {
    pub(super) bucket: String,
    pub(super) key: String,
}

impl Object {
    /// Reads `s3://bucket/key`.
    pub(super) fn parse(location: &str) -> Result<Self> {
        let parts = location.strip_prefix("s3://").and_then(|rest| rest.split_once('/'));
        match parts {
            Some((bucket, key)) if !bucket.is_empty() && !key.is_empty() => {
                Ok(Self { bucket: bucket.to_owned(), key: key.to_owned() })
            }
            _ => Err(Error::invalid("uploaded.location", format!("{location:?} is not s3://bucket/key"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_may_have_slashes() {
        let object = Object::parse("s3://images/ec2/ab/cd.raw").unwrap();
        assert_eq!((object.bucket.as_str(), object.key.as_str()), ("images", "ec2/ab/cd.raw"));
        for wrong in ["s3://images", "s3:///key", "s3://images/", "https://x/y"] {
            Object::parse(wrong).unwrap_err();
        }
    }
}
