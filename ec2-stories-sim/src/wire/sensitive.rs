//! What the model marks as sensitive: user data, private keys, secret access keys.

use std::fmt;
use std::ops::Deref;

/// A text that `Debug` does not show.
#[derive(Clone, Default, PartialEq)]
pub(crate) struct Sensitive(String);

impl From<String> for Sensitive {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl Deref for Sensitive {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Sensitive {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("[redacted]")
    }
}
