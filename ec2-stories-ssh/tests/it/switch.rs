//! What ends a dev deployment's machine that nobody renews, under a real systemd.

use std::time::Duration;

use ec2_stories_core::memory::MemoryCloud;
use ec2_stories_core::model::Image;
use ec2_stories_core::{Deployment, Fleet, MemoryStore};
use ec2_stories_ssh::Command;

use crate::support::{Sshd, pinned, ssh};

/// In place of a metadata service, which this machine's network must not be asked for: the first line of a file.
const CURL: &str = "mkdir -p /usr/local/bin && printf '#!/bin/sh\\nhead -n 1 /run/tag\\n' >/usr/local/bin/curl && \
                    chmod 755 /usr/local/bin/curl && echo 2099-01-01T00:00:00Z >/run/tag";
const UNIT: &str = "ec2-stories-expiry";

/// The boot hook that a deployment launches with.
async fn hook() -> String {
    let (cloud, store) = (MemoryCloud::new(), MemoryStore::new());
    cloud.boot_time(Duration::ZERO);
    cloud.shutdown_time(Duration::ZERO);
    let web = Fleet::builder().name("web").nodes(1).image(Image::public("debian-12"));
    let web = web.expires_after(Duration::from_secs(10)).build().unwrap();
    let shop = Deployment::builder().name("shop").cloud(cloud).journal(store.clone()).fleet(web);
    let running = shop.build().unwrap().start().await.unwrap();
    running.ready().await.unwrap();
    let (_, journal) = store.dump().into_iter().find(|(name, _)| name.contains("/launches/")).unwrap();
    // The first line is the record's checksum.
    let body = journal.iter().position(|byte| *byte == b'\n').unwrap();
    let record: serde_json::Value = serde_json::from_slice(&journal[body..]).unwrap();
    running.terminate().await.unwrap().assert_clean();
    let request = serde_json::from_value(record["record"]["request"].clone());
    let request: ec2_stories_core::model::LaunchRequest = request.unwrap();
    String::from_utf8(request.user_data.unwrap()).unwrap()
}

#[tokio::test]
async fn systemd_keeps_the_switch_running_and_it_powers_the_machine_off() {
    let mut server = Sshd::with_systemd();
    let hook = hook().await;
    assert!(hook.starts_with("#cloud-boothook\n#!/bin/sh\n"), "{hook}");
    let script = server.path("hook");
    std::fs::write(&script, hook).unwrap();
    let session = ssh(&server, pinned(&server)).connect(&server.target()).await.unwrap();
    let say = async |line: &str| {
        let ended = session.exec(&Command::shell(line)).await.unwrap();
        (ended.exit.is_success(), ended.stdout.text().trim().to_owned())
    };
    assert!(say(CURL).await.0);
    let boots = format!("sh {}", script.display());
    assert!(say(&boots).await.0);
    let seen = format!(
        "systemctl is-active {UNIT} && timeout 20 sh -c 'until grep -q ^20990101000000 /run/{UNIT}/seen; do sleep 0.1; done'"
    );
    assert_eq!(say(&seen).await, (true, "active".to_owned()));
    // Cloud-init runs the hook again at each boot, and one is enough.
    assert!(say(&boots).await.0);
    let watchers = format!("pgrep -c -f '^/bin/sh /run/{UNIT}/watch'");
    assert_eq!(say(&watchers).await.1, "1");
    let (_, restarts) = say(&format!("systemctl show -p Restart --value {UNIT}")).await;
    assert_eq!(restarts, "always");

    say("echo 2020-01-01T00:00:00Z >/run/tag").await;
    server.until_ended().await;
}
