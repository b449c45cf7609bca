//! How the snapshots behind an image are encrypted.

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// How the snapshots behind an image are encrypted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encryption {
    /// With the account's default key. EC2 lets no other account use such an image.
    #[default]
    DefaultKey,
    /// With this KMS key: its ARN or its id. EC2 tells of keys by their ARN, so what an alias stands for could not be recognized.
    Key(String),
    /// Not at all, as an image must be that is shared with everyone.
    Off,
}

impl Encryption {
    /// Whether there is any.
    #[must_use]
    pub fn is_on(&self) -> bool {
        *self != Self::Off
    }

    /// The key, where it is a certain one.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        match self {
            Self::Key(key) => Some(key),
            Self::DefaultKey | Self::Off => None,
        }
    }

    /// Checks that a certain key is named by its ARN or its id.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid), naming the field and what to give instead.
    pub fn check(&self, field: &str) -> Result<()> {
        let Some(key) = self.key() else { return Ok(()) };
        let name = key.strip_prefix("arn:").and_then(|arn| arn.splitn(5, ':').last()).unwrap_or(key);
        if name.starts_with("alias/") {
            let why = format!(
                "{key:?} is an alias, and EC2 tells of keys by their ARN; give the key's ARN or its id, which \
                 `aws kms describe-key --key-id {key}` shows"
            );
            return Err(Error::invalid(field, why));
        }
        let is_id = |id: &str| !id.is_empty() && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        let is_key = match key.strip_prefix("arn:") {
            Some(_) => key.contains(":kms:") && name.strip_prefix("key/").is_some_and(is_id),
            None => is_id(key),
        };
        if is_key {
            Ok(())
        } else {
            Err(Error::invalid(field, format!("{key:?} is neither a key's ARN nor its id")))
        }
    }

    /// Whether something is encrypted so, of which the cloud tells by these words. With the default key means with any: which one
    /// that is, is not told.
    #[must_use]
    pub fn is_met_by(&self, encrypted: bool, key: Option<&str>) -> bool {
        match self {
            Self::Off => !encrypted,
            Self::DefaultKey => encrypted,
            Self::Key(wanted) => encrypted && key.is_some_and(|key| is_same_key(wanted, key)),
        }
    }
}

/// An id is compared with the id in an ARN; two ARNs, which also say the region and the account, as they are.
fn is_same_key(one: &str, other: &str) -> bool {
    let id = |key: &str| key.rsplit_once(":key/").map(|(_, id)| id.to_owned());
    match (id(one), id(other)) {
        (Some(one), None) => one == other,
        (None, Some(other)) => one == other,
        (None, None) | (Some(_), Some(_)) => one == other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0";
    const ARN: &str = "arn:aws:kms:eu-west-1:123456789012:key/0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0";

    #[test]
    fn an_alias_is_refused_and_the_error_says_what_to_give() {
        for alias in ["alias/shop", "arn:aws:kms:eu-west-1:123456789012:alias/shop"] {
            let error = Encryption::Key(alias.to_owned()).check("image.encryption").unwrap_err();
            assert_eq!(error.resource(), Some("image.encryption"));
            assert!(error.message().contains(&format!("describe-key --key-id {alias}")), "{error}");
        }
        let wrong = ["", "my key", "arn:aws:s3:::bucket", "arn:aws:kms:eu-west-1:123456789012:key/", "key/1"];
        for wrong in wrong {
            Encryption::Key(wrong.to_owned()).check("image.encryption").unwrap_err();
        }
        for key in [ID, ARN, "mrk-0f1e2d3c4b5a69788796a5b4c3d2e1f0"] {
            Encryption::Key(key.to_owned()).check("image.encryption").unwrap();
        }
        Encryption::DefaultKey.check("image.encryption").unwrap();
        Encryption::Off.check("image.encryption").unwrap();
    }

    #[test]
    fn a_key_is_the_same_by_its_id_and_by_its_arn() {
        let met = |wanted: &str, told| Encryption::Key(wanted.to_owned()).is_met_by(true, Some(told));
        assert!(met(ID, ARN) && met(ARN, ARN) && met(ARN, ID) && met(ID, ID));
        assert!(!met("a5b4c3d2e1f0", ARN), "the end of an id is another id");
        assert!(!met(&ARN.replace("eu-west-1", "us-east-1"), ARN), "another region's key");
        assert!(!Encryption::Key(ID.to_owned()).is_met_by(false, Some(ARN)));
        assert!(!Encryption::Key(ID.to_owned()).is_met_by(true, None));
        assert!(Encryption::DefaultKey.is_met_by(true, Some(ARN)));
        assert!(!Encryption::DefaultKey.is_met_by(false, None));
        assert!(Encryption::Off.is_met_by(false, None) && !Encryption::Off.is_met_by(true, None));
    }
}
