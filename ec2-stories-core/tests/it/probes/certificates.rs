//! Certificates that a test makes.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::TlsAcceptor;

pub(crate) const NAME: &str = "shop.example.org";

/// A server's certificate, and that of the authority that signed it, in PEM.
pub(crate) struct Shown {
    pub(crate) acceptor: TlsAcceptor,
    pub(crate) authority: String,
    pub(crate) own: String,
    pub(crate) key: String,
}

/// Good from 2020 to the end of `year`.
pub(crate) fn until(year: i32) -> Shown {
    let authority_key = KeyPair::generate().unwrap();
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.not_before = date_time_ymd(2020, 1, 1);
    authority.not_after = date_time_ymd(4000, 1, 1);
    let authority_pem = authority.self_signed(&authority_key).unwrap().pem();
    let issuer = Issuer::new(authority, authority_key);

    let key = KeyPair::generate().unwrap();
    let mut own = CertificateParams::new(vec![NAME.to_owned()]).unwrap();
    own.not_before = date_time_ymd(2020, 1, 1);
    own.not_after = date_time_ymd(year, 12, 31);
    let own = own.signed_by(&key, &issuer).unwrap();
    let private = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![own.der().clone()], private)
        .unwrap();
    Shown {
        acceptor: TlsAcceptor::from(Arc::new(config)),
        authority: authority_pem,
        own: own.pem(),
        key: key.serialize_pem(),
    }
}
