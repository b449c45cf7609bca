//! Letting others use an image, and telling them not to.

use aws_sdk_ec2::types as sdk;
use aws_smithy_types::DateTime;
use ec2_stories_core::model::ImageId;
use ec2_stories_core::{Error, ErrorKind, Result};
use jiff::Timestamp;

use super::find;
use crate::api::{Api, Call};
use crate::convert;

/// Lets the accounts launch the image, and make volumes of its snapshots, which a copy needs.
pub(super) async fn share(api: &Api, id: &ImageId, accounts: &[String]) -> Result<()> {
    if let Some(wrong) = accounts.iter().find(|account| !is_account(account)) {
        return Err(Error::invalid("accounts", format!("{wrong:?} is not an account id of 12 digits")));
    }
    let Some(image) = find::by_id(api, id).await?.as_ref().and_then(convert::image) else {
        return Err(Error::new(ErrorKind::NotFound, "does not exist").during("share").on(id.as_str()));
    };
    if accounts.is_empty() {
        return Ok(());
    }
    for snapshot in &image.snapshots {
        let added =
            accounts.iter().map(|account| sdk::CreateVolumePermission::builder().user_id(account).build());
        let permissions =
            sdk::CreateVolumePermissionModifications::builder().set_add(Some(added.collect())).build();
        let request = api
            .client
            .modify_snapshot_attribute()
            .snapshot_id(snapshot.as_str())
            .attribute(sdk::SnapshotAttributeName::CreateVolumePermission)
            .create_volume_permission(permissions);
        let answer = api.call(Call::changing("ModifySnapshotAttribute"), request.send()).await;
        answer.map_err(|error| with_fix(error, snapshot.as_str()))?;
    }
    let added = accounts.iter().map(|account| sdk::LaunchPermission::builder().user_id(account).build());
    let permissions = sdk::LaunchPermissionModifications::builder().set_add(Some(added.collect())).build();
    let request = api
        .client
        .modify_image_attribute()
        .image_id(id.as_str())
        .attribute("launchPermission")
        .launch_permission(permissions);
    let answer = api.call(Call::changing("ModifyImageAttribute"), request.send()).await;
    answer.map(drop).map_err(|error| with_fix(error, id.as_str()))
}

/// Whether it is formed like an account id.
pub(crate) fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// EC2 shares nothing that is encrypted with the account's default key.
fn with_fix(error: Error, resource: &str) -> Error {
    if !error.message().to_lowercase().contains("encrypted") {
        return error.on(resource);
    }
    let fix = "publish it with Encryption::Key, a key that those accounts may use, or with Encryption::Off";
    let message = format!("{}; {fix}", error.message());
    Error::new(ErrorKind::Invalid, message).during("share").on(resource)
}

/// Says from when on the image is not to be used any more.
pub(super) async fn deprecate(api: &Api, id: &ImageId, at: Timestamp) -> Result<()> {
    let at = DateTime::from_secs(at.as_second());
    let request = api.client.enable_image_deprecation().image_id(id.as_str()).deprecate_at(at);
    let answer = api.call(Call::changing("EnableImageDeprecation"), request.send()).await;
    answer.map(drop).map_err(|error| error.on(id.as_str()))
}
