//! Waiting until an image is available.

use std::time::Duration;

use aws_sdk_ec2::types as sdk;
use aws_sdk_ec2::types::ImageState;
use ec2_stories_core::model::{ImageId, RegisteredImage};
use ec2_stories_core::{Error, ErrorKind, Result};

use super::{find, pace::Pace};
use crate::api::Api;
use crate::convert;

/// For how long an image that was just made may be unknown.
const UNSEEN: Duration = Duration::from_secs(60);
/// A copy of a terabyte to another continent takes hours; nothing takes a day.
const PATIENCE: Duration = Duration::from_secs(24 * 3600);

/// The image, as soon as it is available.
pub(super) async fn available(api: &Api, id: &ImageId) -> Result<RegisteredImage> {
    let pace = Pace::new();
    loop {
        let failed =
            |kind, why: String| Err(Error::new(kind, why).during("wait for the image").on(id.as_str()));
        let Some(image) = find::by_id(api, id).await? else {
            if pace.elapsed() > UNSEEN {
                return failed(ErrorKind::NotFound, "does not exist".to_owned());
            }
            pace.pause(None).await;
            continue;
        };
        match image.state() {
            Some(ImageState::Available) => {
                return convert::image(&image)
                    .ok_or_else(|| Error::new(ErrorKind::Unexpected, "has no id").on(id.as_str()));
            }
            Some(ImageState::Pending | ImageState::Transient) | None => {}
            Some(state) => {
                return failed(ErrorKind::Failed, format!("is {}: {}", state.as_str(), reason(&image)));
            }
        }
        if pace.elapsed() > PATIENCE {
            return failed(
                ErrorKind::Timeout,
                format!("is still pending after {} h", PATIENCE.as_secs() / 3600),
            );
        }
        pace.pause(None).await;
    }
}

/// Why it is in its state, in EC2's words.
pub(super) fn reason(image: &sdk::Image) -> &str {
    image.state_reason().and_then(sdk::StateReason::message).unwrap_or("no reason is told")
}
