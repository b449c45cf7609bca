//! Deploys an application by copy: version 1 with the nodes, version 2 beside it, and a version 3 that does not work and is
//! rolled back.
//!
//! The nodes are real OpenSSH servers on loopback addresses of this machine, which needs `openssh-server` and Linux.
//!
//! ```sh
//! cargo run --example deploy_by_copy
//! ```
//!
//! Ends with: nothing is left

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use ec2_stories::model::{HostKeys, LoginSpec};
use ec2_stories::prelude::*;
use ec2_stories::provider::{Node, StepOutcome};
use ec2_stories::sim::{Hosts, SshdOptions};
use ec2_stories::ssh::bundle::Bundle;
use ec2_stories::ssh::step::Nodes;
use ec2_stories::ssh::{Command, FanOut};
use ec2_stories::terminal::{self, Progress, say};

const MANIFEST: &str = r#"
name = "shop"
version = "VERSION"
start = ["bin/shop"]
stop_within = "2s"

[environment]
ME = "${fleet}/${index}"
FIRST = "${web/0.private_ip}"

[health]
command = ["grep", "-q", "sells", "/srv/answer"]
within = "5s"
"#;

/// What a shop does: it says who it is, and stays.
const SELLS: &str = "echo \"$ME sells, version VERSION, with $FIRST\" >/srv/answer\nexec sleep 3600";
const BREAKS: &str = "rm /srv/answer\necho 'nothing to sell' >&2\nexec sleep 3600";

#[tokio::main]
async fn main() -> Result<()> {
    let sim = Sim::builder().hosts(Hosts::sshd(SshdOptions::default())?).latency(Latencies::none()).build();
    let ec2 = Ec2::from_config(&sim.sdk_config());
    let folder = tempfile::tempdir().map_err(io)?;
    let store = Arc::new(MemoryStore::new());
    let nodes = Nodes::new().remembered_in(store.clone());
    let bundle = |version: &str, program: &str| -> Result<Bundle> {
        Ok(Bundle::open(write(folder.path(), version, program).map_err(io)?)?.over(nodes.clone()))
    };

    let web = Fleet::builder()
        .name("web")
        .nodes(2)
        .image(Image::public("debian-12"))
        .key(KeyPairSpec::Generated(folder.path().join("web")))
        .login(LoginSpec {
            port: Some(sim.ssh_port()),
            host_keys: Some(HostKeys::Injected(folder.path().join("web-host"))),
            ..LoginSpec::default()
        })
        .customize(bundle("1", SELLS)?)
        .build()?;
    let login = LoginSpec::of(web.spec());
    let shop = Deployment::builder()
        .name("copied")
        .cloud(ec2)
        .journal(store)
        .clock(sim.clock())
        .fleet(web)
        .build()?;
    let running = shop.start().await?;
    let progress = Progress::follow(&running);
    running.ready().await?;
    progress.finish().await;
    say(terminal::nodes(&running.nodes()));

    let attributes = running.attributes();
    let all: Vec<Node> = running
        .nodes()
        .into_iter()
        .filter_map(|NodeStatus { address, instance, .. }| {
            let (deployment, instance) = (Name::new("copied").ok()?, instance?);
            Some(Node { deployment, address, instance, attributes: attributes.clone(), login: login.clone() })
        })
        .collect();
    assert_eq!(answers(&nodes, &all).await?, "version 1");

    let second = bundle("2", SELLS)?;
    roll_out(&second, &all, |outcome| *outcome == StepOutcome::Changed).await?;
    assert_eq!(answers(&nodes, &all).await?, "version 2");
    roll_out(&second, &all, |outcome| *outcome == StepOutcome::Unchanged).await?;

    let back = |outcome: &StepOutcome| match outcome {
        StepOutcome::Failed(why) => why.ends_with("version 2 runs again"),
        _ => true,
    };
    roll_out(&bundle("3", BREAKS)?, &all, back).await?;
    assert_eq!(answers(&nodes, &all).await?, "version 2");

    running.terminate().await?.assert_clean();
    sim.assert_clean();
    say("nothing is left");
    Ok(())
}

/// Brings all nodes to a bundle at once, and looks at how each step ended.
async fn roll_out(bundle: &Bundle, all: &[Node], good: impl Fn(&StepOutcome) -> bool) -> Result<()> {
    let deploy = |node: Node| async move { bundle.customize(&node).await };
    let outcomes = FanOut::at_once(10).run(all.to_vec(), deploy).await;
    for (node, reports) in outcomes.at_least(all.len())? {
        for report in reports {
            say(format_args!("{}: {}: {:?}", node.address, report.step, report.outcome));
            assert!(good(&report.outcome), "{report:?}");
        }
    }
    Ok(())
}

/// The version that all nodes say they sell.
async fn answers(nodes: &Nodes, all: &[Node]) -> Result<String> {
    let mut versions = Vec::new();
    for node in all {
        let session = nodes.session(node).await?;
        let said = session.exec(&Command::new("cat").arg("/srv/answer")).await?.stdout.text();
        session.close().await;
        say(said.trim());
        versions.extend(said.split(", ").nth(1).map(str::to_owned));
    }
    versions.dedup();
    Ok(versions.join(" and "))
}

/// A bundle is a folder: a manifest, and what it runs.
fn write(folder: &Path, version: &str, program: &str) -> std::io::Result<PathBuf> {
    let folder = folder.join(format!("shop-{version}"));
    std::fs::create_dir_all(folder.join("bin"))?;
    std::fs::write(folder.join("bundle.toml"), MANIFEST.replace("VERSION", version))?;
    let program = format!("#!/bin/sh\n{}\n", program.replace("VERSION", version));
    std::fs::write(folder.join("bin/shop"), program)?;
    std::fs::set_permissions(folder.join("bin/shop"), std::fs::Permissions::from_mode(0o755))?;
    Ok(folder)
}

fn io(error: std::io::Error) -> Error {
    Error::new(ErrorKind::Io, "no folder for the example").because(error)
}
