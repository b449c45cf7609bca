//! Headers that are sent along.

use std::collections::BTreeMap;

use http::{HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Headers of a request, as data; their values are shown in no answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "BTreeMap<String, String>", into = "BTreeMap<String, String>")]
pub(super) struct Headers(pub(super) HeaderMap);

impl Headers {
    pub(super) fn add(&mut self, name: &str, value: &str, secret: bool) -> Result<()> {
        let field = format!("headers.{name}");
        let name =
            HeaderName::try_from(name).map_err(|_| Error::invalid(&field, "is not a header's name"))?;
        let value = HeaderValue::try_from(value);
        let mut value = value.map_err(|_| Error::invalid(&field, "is not a header's value"))?;
        value.set_sensitive(secret);
        self.0.insert(name, value);
        Ok(())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl TryFrom<BTreeMap<String, String>> for Headers {
    type Error = Error;

    fn try_from(written: BTreeMap<String, String>) -> Result<Self> {
        let mut headers = Self::default();
        for (name, value) in &written {
            headers.add(name, value, false)?;
        }
        Ok(headers)
    }
}

impl From<Headers> for BTreeMap<String, String> {
    fn from(headers: Headers) -> Self {
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        headers.0.iter().map(|(name, value)| (name.to_string(), text(value))).collect()
    }
}
