//! TLS towards nodes.

mod certificates;
mod expiry;
mod host_name;
mod pin;
mod time;
mod trust;
mod validity;
mod verify;

pub use certificates::Certificates;
pub use expiry::TlsExpiry;
pub use host_name::HostName;
pub use pin::Pin;

pub(super) use time::Time;
pub(super) use trust::{Trust, client_config, shake_hands};
