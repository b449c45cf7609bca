//! Whom to trust, and the handshake.

use std::sync::Arc;

use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::ring;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::verify::{Any, Pinned};
use super::{Certificates, Pin, Time};
use crate::probe::broken;
use crate::provider::Liveness;

/// Whose certificate is good.
#[derive(Clone, Copy, Debug)]
pub(in crate::probe) enum Trust<'a> {
    /// Of whom this machine trusts.
    Machine,
    /// Of these authorities and of nobody else.
    Authorities(&'a Certificates),
    /// This very certificate.
    Pinned(Pin),
    /// Whichever: the certificate is looked at, and nothing is said to the node.
    Any,
}

/// TLS as these are trusted. Sessions are not resumed: that would not look at the certificate again.
pub(in crate::probe) fn client_config(trust: Trust<'_>, time: &Time) -> Result<Arc<ClientConfig>, String> {
    let provider = Arc::new(ring::default_provider());
    let config = ClientConfig::builder_with_details(Arc::clone(&provider), Arc::new(time.clone()));
    let config = config.with_safe_default_protocol_versions().map_err(|error| error.to_string())?;
    let special = |verifier: Arc<dyn ServerCertVerifier>| {
        config.clone().dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth()
    };
    let mut config = match trust {
        Trust::Machine => config.clone().with_root_certificates(machine()?).with_no_client_auth(),
        Trust::Authorities(authorities) => {
            let mut roots = RootCertStore::empty();
            for authority in &authorities.der {
                roots.add(authority.clone()).map_err(|error| format!("ca: {error}"))?;
            }
            config.clone().with_root_certificates(roots).with_no_client_auth()
        }
        Trust::Pinned(pin) => special(Arc::new(Pinned::new(pin, &provider))),
        Trust::Any => special(Arc::new(Any::new(&provider))),
    };
    config.resumption = rustls::client::Resumption::disabled();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// Those that cannot be read, or are of a kind that rustls does not know, are some roots less.
fn machine() -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        return Err("this machine has no root certificates: name a ca or a pinned certificate".to_owned());
    }
    Ok(roots)
}

/// Shakes hands under this name.
pub(in crate::probe) async fn shake_hands(
    config: Arc<ClientConfig>,
    name: &str,
    stream: TcpStream,
) -> Result<TlsStream<TcpStream>, Liveness> {
    let name = ServerName::try_from(name.to_owned());
    let name = name.map_err(|error| Liveness::Unknown(format!("no name for TLS: {error}")))?;
    TlsConnector::from(config).connect(name, stream).await.map_err(|error| {
        match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            Some(refused) => Liveness::Failing(refused.to_string()),
            None => broken(&error),
        }
    })
}
