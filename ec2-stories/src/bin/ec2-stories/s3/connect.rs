//! The way to the server.

use std::sync::Arc;

use ec2_stories::account::DefaultChain;
use ec2_stories::s3::{Bucket, S3};

use super::address::Address;
use super::args::At;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::live;

/// Connects, unless the server is beyond this machine and that was not allowed.
pub(super) async fn connect(at: &At) -> Result<S3, Failure> {
    if let Some(endpoint) = &at.endpoint
        && !["http://", "https://"].iter().any(|scheme| endpoint.starts_with(scheme))
    {
        let why = format!("--endpoint {endpoint} is no URL, such as http://127.0.0.1:9000");
        return Err(Failure::new(Exit::Usage, why));
    }
    live::allow(&["S3"], |name| match (name, &at.endpoint) {
        ("AWS_ENDPOINT_URL_S3", Some(endpoint)) => Some(endpoint.clone()),
        // What the command line says is no configured endpoint.
        ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", Some(_)) => None,
        _ => std::env::var(name).ok(),
    })?;
    let account = match &at.region {
        Some(region) => DefaultChain::new().region(region.as_str()),
        None => DefaultChain::new(),
    };
    let config = ec2_stories::aws::sdk_config(Arc::new(account)).await?;
    Ok(S3::builder().config(&config).maybe_endpoint_url(at.endpoint.clone()).build())
}

/// The bucket of an address, on the server.
pub(super) async fn bucket(at: &At, address: &Address) -> Result<Bucket, Failure> {
    Ok(connect(at).await?.bucket(&address.bucket))
}

/// An address that must name an object, not only a bucket.
pub(super) fn object(address: &Address) -> Result<(), Failure> {
    if address.key.is_empty() {
        return Err(Failure::new(
            Exit::Usage,
            format!("{address} names no object, but a whole bucket: add a key"),
        ));
    }
    Ok(())
}
