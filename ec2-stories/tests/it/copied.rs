//! An application that is deployed by copy to a machine with the distribution's own init. For root, on Linux.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use ec2_stories::model::{HostKeys, LoginSpec};
use ec2_stories::prelude::*;
use ec2_stories::provider::{Node, StepOutcome};
use ec2_stories::sim::{HostState, Hosts};
use ec2_stories::ssh::Command;
use ec2_stories::ssh::bundle::Bundle;
use ec2_stories::ssh::step::Nodes;

use crate::customized::Inside;

/// On a machine with much else to do.
const PATIENCE: Duration = Duration::from_secs(120);
const MANIFEST: &str = r#"
name = "shop"
version = "VERSION"
start = ["bin/shop"]

[health]
command = ["grep", "-q", "sells", "/run/answer"]
within = "10s"
"#;
const SELLS: &str = "echo 'sells VERSION' >/run/answer\nexec sleep 3600";
const BREAKS: &str = "rm /run/answer\nexec sleep 3600";

/// A bundle is a folder: a manifest, and what it runs.
fn bundle(folder: &Path, version: &str, program: &str) -> Bundle {
    let folder = folder.join(version);
    std::fs::create_dir_all(folder.join("bin")).unwrap();
    std::fs::write(folder.join("bundle.toml"), MANIFEST.replace("VERSION", version)).unwrap();
    let program = format!("#!/bin/sh\n{}\n", program.replace("VERSION", version));
    std::fs::write(folder.join("bin/shop"), program).unwrap();
    std::fs::set_permissions(folder.join("bin/shop"), std::fs::Permissions::from_mode(0o755)).unwrap();
    Bundle::open(folder).unwrap()
}

async fn say(nodes: &Nodes, node: &Node, script: &str) -> String {
    let session = nodes.session(node).await.unwrap_or_else(|error| panic!("{error:?}"));
    let output = session.exec(&Command::shell(script).as_root()).await.unwrap();
    session.close().await;
    output.stdout.text()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_is_the_services_of_the_distributions_init_and_outlives_a_reboot() {
    let hosts = Hosts::namespace().await.unwrap_or_else(|error| panic!("{error:?}"));
    let sim = Sim::builder().latency(Latencies::none()).hosts(hosts).build();
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(MemoryStore::new());
    let nodes = Nodes::new().remembered_in(store.clone()).connect_by(Inside(sim.vpc().unwrap()));
    let login =
        LoginSpec { host_keys: Some(HostKeys::Injected(folder.path().join("host"))), ..LoginSpec::default() };
    let web = Fleet::builder()
        .name("web")
        .nodes(1)
        .image(Image::public("debian-12"))
        .key(KeyPairSpec::Generated(folder.path().join("id")))
        .login(login)
        .customize(bundle(folder.path(), "1", SELLS).over(nodes.clone()))
        .build()
        .unwrap();
    let how = LoginSpec::of(web.spec());
    let ec2 = Ec2::from_config(&sim.sdk_config());
    let shop = Deployment::builder().name("shop").cloud(ec2).journal(store).clock(sim.clock()).fleet(web);
    let running = shop.build().unwrap().start().await.unwrap();
    let ready = tokio::time::timeout(PATIENCE, running.ready()).await.expect("in time");
    ready.unwrap_or_else(|error| panic!("{error:?}"));
    let status = running.nodes().remove(0);
    let node = Node {
        deployment: Name::new("shop").unwrap(),
        address: status.address,
        instance: status.instance.unwrap(),
        attributes: running.attributes(),
        login: how,
    };
    let id = node.instance.id.as_str();
    let look = "systemctl is-active shop; systemctl is-enabled shop; cat /run/answer";
    assert_eq!(say(&nodes, &node, look).await, "active\nenabled\nsells 1\n");

    // What it wrote is gone with the machine's memory: it must have been started again.
    say(&nodes, &node, "systemd-run --quiet sh -c 'sleep 1; reboot'").await;
    let again = async {
        while sim.host(id).is_none_or(|host| host.boots < 2 || host.state != HostState::Up) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, again).await.expect("in time");
    let look = format!("systemctl is-system-running --wait; {look}");
    assert_eq!(say(&nodes, &node, &look).await, "running\nactive\nenabled\nsells 1\n");

    let broken = bundle(folder.path(), "2", BREAKS).over(nodes.clone()).customize(&node).await.unwrap();
    let failed = broken.iter().find_map(|report| match &report.outcome {
        StepOutcome::Failed(why) => Some(why),
        _ => None,
    });
    assert!(failed.is_some_and(|why| why.ends_with("version 1 runs again")), "{broken:?}");
    assert_eq!(say(&nodes, &node, &look).await, "running\nactive\nenabled\nsells 1\n");
    running.terminate().await.unwrap().assert_clean();
    sim.assert_clean();
}
