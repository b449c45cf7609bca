//! Certificates as data.

use std::fmt;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// One or more certificates, in PEM.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Certificates {
    text: String,
    pub(super) der: Vec<CertificateDer<'static>>,
}

impl Certificates {
    /// Reads them.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) where there is none.
    pub fn pem(text: impl Into<String>) -> Result<Self> {
        let text = text.into();
        let wrong = |why: String| Error::invalid("ca", format!("is not a certificate in PEM: {why}"));
        let read = CertificateDer::pem_slice_iter(text.as_bytes()).collect::<Result<Vec<_>, _>>();
        let der = read.map_err(|error| wrong(error.to_string()))?;
        if der.is_empty() {
            return Err(wrong("there is no BEGIN CERTIFICATE".to_owned()));
        }
        Ok(Self { text, der })
    }
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} certificates", self.der.len())
    }
}

impl TryFrom<String> for Certificates {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        Self::pem(text)
    }
}

impl From<Certificates> for String {
    fn from(certificates: Certificates) -> Self {
        certificates.text
    }
}
