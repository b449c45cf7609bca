//! Whether a host's certificate is good.

use jiff::Timestamp;
use russh::keys::ssh_key::certificate::CertType;
use russh::keys::{Certificate, HashAlg, PublicKey};

use super::known::{Known, same};
use super::known_hosts::matches_glob;
use crate::Target;

/// Checks the certificate, or says what it does: "is not valid yet".
pub(super) fn check(
    certificate: &Certificate,
    known: &Known,
    target: &Target,
    now: Timestamp,
) -> Result<(), String> {
    let authority = PublicKey::from(certificate.signature_key().clone());
    if known.revoked.iter().any(|revoked| same(revoked, &authority)) {
        return Err("is of an authority that is marked as revoked".to_owned());
    }
    if !known.authorities.iter().any(|trusted| same(trusted, &authority)) {
        return Err(format!("is of an unknown authority, {}", authority.fingerprint(HashAlg::Sha256)));
    }
    if certificate.cert_type() != CertType::Host {
        return Err("is a user's, not a host's".to_owned());
    }
    let seconds = u64::try_from(now.as_second()).unwrap_or_default();
    if seconds < certificate.valid_after() {
        return Err("is not valid yet".to_owned());
    }
    if seconds >= certificate.valid_before() {
        return Err("has expired".to_owned());
    }
    // For a host there is no critical option that a client could understand.
    if !certificate.critical_options().is_empty() {
        return Err("has a critical option that is not understood".to_owned());
    }
    if !names(certificate, target) {
        return Err(format!(
            "is for {}, not for {}",
            certificate.valid_principals().join(", "),
            target.host()
        ));
    }
    let trusted = [certificate.signature_key().fingerprint(HashAlg::Sha256)];
    certificate.validate_at(seconds, &trusted).map_err(|_| "has a wrong signature".to_owned())
}

/// A certificate without principals is for every host of the authority.
fn names(certificate: &Certificate, target: &Target) -> bool {
    let principals = certificate.valid_principals();
    let instance = target.instance_id().map(AsRef::as_ref);
    principals.is_empty()
        || principals.iter().any(|name| {
            matches_glob(name, &target.host().to_lowercase()) || instance.is_some_and(|id: &str| id == name)
        })
}
