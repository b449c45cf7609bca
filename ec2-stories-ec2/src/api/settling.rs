//! Repeating what fails because a resource that was just made cannot be seen yet.

use std::future::Future;
use std::time::Duration;

use ec2_stories_core::{ErrorKind, Result};
use tokio::time::sleep;

/// EC2 speaks of seconds (<https://docs.aws.amazon.com/ec2/latest/devguide/eventual-consistency.html>).
const PAUSES: [Duration; 4] =
    [Duration::from_millis(500), Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4)];

/// Security groups and key pairs are made just before the calls that name them.
const MADE_JUST_BEFORE: [&str; 3] =
    ["InvalidGroup.NotFound", "InvalidGroupId.NotFound", "InvalidKeyPair.NotFound"];

/// Calls again, a few times, while a group or a key pair is not found. What is not found is not done, so this is safe
/// for every call.
pub(crate) async fn settling<T, F>(mut call: impl FnMut() -> F) -> Result<T>
where
    F: Future<Output = Result<T>>,
{
    for pause in PAUSES {
        match call().await {
            Err(error)
                if error.kind() == ErrorKind::NotFound
                    && error.api_code().is_some_and(|code| MADE_JUST_BEFORE.contains(&code)) =>
            {
                sleep(pause).await;
            }
            answer => return answer,
        }
    }
    call().await
}
