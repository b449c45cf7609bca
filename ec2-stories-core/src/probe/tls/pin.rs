//! The certificate that a node must show.

use std::fmt;

use rustls::pki_types::CertificateDer;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Certificates;
use crate::{Error, Result};

const SHA256: &str = "sha256:";

/// The fingerprint of a certificate: `sha256:` and 64 hexadecimal digits, over its DER form, as
/// `openssl x509 -fingerprint -sha256` shows it.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pin([u8; 32]);

impl Pin {
    /// Reads a fingerprint, or takes it of a certificate in PEM. Colons between the digits are taken too.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) for what is neither.
    pub fn new(text: &str) -> Result<Self> {
        if text.contains("BEGIN CERTIFICATE") {
            let certificates =
                Certificates::pem(text).map_err(|error| Error::invalid("pinned", error.message()))?;
            return Ok(Self::of(&certificates.der[0]));
        }
        let wrong = || {
            Error::invalid("pinned", "is neither sha256: and 64 hexadecimal digits nor a certificate in PEM")
        };
        let digits = text.trim().strip_prefix(SHA256).ok_or_else(wrong)?.replace(':', "");
        let mut hash = [0; 32];
        hex::decode_to_slice(digits, &mut hash).map_err(|_| wrong())?;
        Ok(Self(hash))
    }

    pub(super) fn of(certificate: &CertificateDer<'_>) -> Self {
        Self(Sha256::digest(certificate).into())
    }
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SHA256}{}", hex::encode(self.0))
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl TryFrom<String> for Pin {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        Self::new(&text)
    }
}

impl From<Pin> for String {
    fn from(pin: Pin) -> Self {
        pin.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_read_as_openssl_shows_it() {
        let digits = "AB:".repeat(31) + "CD";
        let pin = Pin::new(&format!("sha256:{digits}")).unwrap();
        assert_eq!(pin.to_string(), format!("sha256:{}cd", "ab".repeat(31)));
        assert_eq!(Pin::new(&pin.to_string()).unwrap(), pin);
        for wrong in ["", "ab", "sha256:ab", "md5:00"] {
            assert_eq!(Pin::new(wrong).unwrap_err().resource(), Some("pinned"), "{wrong}");
        }
    }
}
