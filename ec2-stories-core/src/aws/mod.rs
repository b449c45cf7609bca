//! The bridge from an [`AccountProvider`](crate::provider::AccountProvider) to the AWS SDK.

mod clock;
mod config;
mod credentials;
mod error;
mod http;
pub mod service;

pub use clock::ClockTimeSource;
pub use config::{sdk_config, sdk_config_with_clock};
pub use credentials::AccountCredentials;
pub use http::http_client;

pub(crate) use config::{provider_config, sdk_config_in};
pub(crate) use error::{from_sdk, from_sdk_else};
