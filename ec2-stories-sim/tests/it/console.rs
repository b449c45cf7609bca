//! GetConsoleOutput.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ec2_stories_sim::Sim;

use crate::form::{call, launch, until_running};

#[tokio::test(start_paused = true)]
async fn the_console_shows_host_keys_once_the_instance_has_run() {
    let sim = Sim::builder().build();
    let id = launch(&sim, "1", &[]).await.ok().one("instanceId");
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    let early = call(&sim, "GetConsoleOutput", &[("InstanceId", &id)]).await.ok();
    assert!(early.all("output").concat().is_empty());
    until_running().await;
    let read = async || {
        let reply = call(&sim, "GetConsoleOutput", &[("InstanceId", &id)]).await.ok();
        String::from_utf8(BASE64_STANDARD.decode(reply.one("output")).unwrap()).unwrap()
    };
    let text = read().await;
    let keys = text.split("-----BEGIN SSH HOST KEY FINGERPRINTS-----").nth(1).unwrap();
    assert_eq!(keys.matches("SHA256:").count(), 3);
    assert_eq!(read().await, text);
}
