//! Real keys, and fingerprints as EC2 computes them.
//!
//! Source: API type KeyPairInfo, member KeyFingerprint. RSA keys that EC2 made have the SHA-1 of the private key in DER
//! (PKCS #8), imported ones the MD5 of the public key in DER; Ed25519 keys have OpenSSH's SHA-256.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use md5::Md5;
use rand::CryptoRng;
use rsa::pkcs1::EncodeRsaPrivateKey;
use rsa::pkcs8::{EncodePrivateKey, EncodePublicKey};
use rsa::{RsaPrivateKey, RsaPublicKey};
use sha1::Sha1;
use sha2::Digest;
use ssh_key::private::{Ed25519Keypair, KeypairData, RsaKeypair};
use ssh_key::public::KeyData;
use ssh_key::{HashAlg, LineEnding, PrivateKey, PublicKey};

use crate::wire::ApiError;

/// What EC2's RSA keys have.
const RSA_BITS: usize = 2048;

/// A new pair.
pub(super) struct Made {
    /// PEM.
    pub(super) private: String,
    pub(super) public: Public,
}

pub(super) struct Public {
    pub(super) key_type: &'static str,
    /// In OpenSSH's format.
    pub(super) line: String,
    pub(super) fingerprint: String,
}

pub(super) fn ed25519(rng: &mut impl CryptoRng, name: &str) -> Result<Made, ApiError> {
    let pair = KeypairData::from(Ed25519Keypair::random(rng));
    let private = PrivateKey::new(pair, name).map_err(internal)?;
    let public = Public {
        key_type: "ed25519",
        line: private.public_key().to_openssh().map_err(internal)?,
        fingerprint: openssh_fingerprint(private.public_key()),
    };
    Ok(Made { private: private.to_openssh(LineEnding::LF).map_err(internal)?.to_string(), public })
}

pub(super) fn rsa(rng: &mut impl CryptoRng, name: &str) -> Result<Made, ApiError> {
    let key = RsaPrivateKey::new(rng, RSA_BITS).map_err(internal)?;
    let pair = KeypairData::from(RsaKeypair::try_from(&key).map_err(internal)?);
    let openssh = PrivateKey::new(pair, name).map_err(internal)?;
    let public = Public {
        key_type: "rsa",
        line: openssh.public_key().to_openssh().map_err(internal)?,
        fingerprint: colons(&Sha1::digest(key.to_pkcs8_der().map_err(internal)?.as_bytes())),
    };
    Ok(Made { private: key.to_pkcs1_pem(LineEnding::LF).map_err(internal)?.to_string(), public })
}

/// A public key in OpenSSH's format, RSA of 1024, 2048 or 4096 bits or Ed25519.
///
/// Source: "Create a key pair for your Amazon EC2 instance", EC2 user guide, importing.
pub(super) fn import(text: &str) -> Result<Public, ApiError> {
    let key = PublicKey::from_openssh(text.trim()).map_err(|_| malformed())?;
    let (key_type, fingerprint) = match key.key_data() {
        KeyData::Ed25519(_) => ("ed25519", openssh_fingerprint(&key)),
        KeyData::Rsa(rsa) if [1024, 2048, 4096].contains(&rsa.key_size()) => {
            let rsa = RsaPublicKey::try_from(rsa).map_err(|_| malformed())?;
            let der = rsa.to_public_key_der().map_err(|_| malformed())?;
            ("rsa", colons(&Md5::digest(der.as_bytes())))
        }
        _ => return Err(malformed()),
    };
    Ok(Public { key_type, line: key.to_openssh().map_err(internal)?, fingerprint })
}

pub(super) fn malformed() -> ApiError {
    ApiError::new("InvalidKey.Format", "Key is not in valid OpenSSH public key format")
}

fn internal(error: impl std::fmt::Display) -> ApiError {
    ApiError::new("InternalError", format!("An internal error has occurred: {error}")).with_status(500)
}

fn openssh_fingerprint(key: &PublicKey) -> String {
    BASE64_STANDARD.encode(key.fingerprint(HashAlg::Sha256).as_bytes())
}

fn colons(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":")
}
