//! `s3://bucket/key`

use std::fmt;
use std::str::FromStr;

/// A bucket and a key, or the beginning of keys, in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) bucket: String,
    /// Empty where only a bucket is named.
    pub(super) key: String,
}

impl Address {
    /// The last of the key's segments.
    pub(super) fn name(&self) -> &str {
        self.key.rsplit('/').next().unwrap_or_default()
    }
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is not an address such as s3://bucket/key");
        let rest = text.strip_prefix("s3://").ok_or_else(wrong)?;
        let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
        if bucket.is_empty() {
            return Err(wrong());
        }
        Ok(Self { bucket: bucket.to_owned(), key: key.to_owned() })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_bucket_and_a_key() {
        let address: Address = "s3://images/a/b c?.raw".parse().unwrap();
        assert_eq!(
            (address.bucket.as_str(), address.key.as_str(), address.name()),
            ("images", "a/b c?.raw", "b c?.raw")
        );
        assert_eq!("s3://images".parse::<Address>().unwrap().key, "");
        for wrong in ["images/a", "s3:///a", "s3://", "https://images/a"] {
            assert!(wrong.parse::<Address>().is_err(), "{wrong}");
        }
    }
}
