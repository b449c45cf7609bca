//! Rotated credentials reach a client of the SDK that is in use.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use aws_types::origin::Origin;
use ec2_stories_core::Clock;
use ec2_stories_core::account::SecretFile;
use ec2_stories_core::aws::sdk_config_with_clock;
use jiff::Timestamp;
use tempfile::TempDir;

use super::sts;

/// Virtual time would fire the time-outs of a socket: this clock moves when the test says so.
#[derive(Debug)]
struct Hands(AtomicI64);

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(self.0.load(Ordering::Relaxed)).unwrap()
    }
}

#[tokio::test]
async fn a_client_signs_with_rotated_credentials_a_minute_later_at_most() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("account.toml");
    let write = |key: &str| {
        let text = format!("access_key_id = {key:?}\nsecret_access_key = \"s\"\nregion = \"eu-west-1\"");
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    };
    write("AKIAFIRST");
    let sts = sts::identifying().await;
    let clock = Arc::new(Hands(AtomicI64::new(1_767_225_600)));
    let config = sdk_config_with_clock(Arc::new(SecretFile::at(&path)), clock.clone()).await.unwrap();
    let mut builder = config.into_builder().endpoint_url(&sts.url);
    builder.insert_origin("endpoint_url", Origin::shared_config());
    let client = aws_sdk_sts::Client::new(&builder.build());

    let signed_with = async || {
        client.get_caller_identity().send().await.unwrap();
        let request = sts.requests().pop().unwrap();
        let key = request.split_once("Credential=").unwrap().1;
        key.split_once('/').unwrap().0.to_owned()
    };
    assert_eq!(signed_with().await, "AKIAFIRST");
    write("AKIASECOND");
    assert_eq!(signed_with().await, "AKIAFIRST", "kept for a while");
    clock.0.fetch_add(61, Ordering::Relaxed);
    assert_eq!(signed_with().await, "AKIASECOND");
}
