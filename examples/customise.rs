//! Customizes three nodes over SSH, the web servers with the database's address, and shows that a second run changes nothing.
//!
//! The nodes are real OpenSSH servers on loopback addresses of this machine, which needs `openssh-server` and Linux.
//!
//! ```sh
//! cargo run --example customise
//! ```
//!
//! Ends with: nothing is left

use ec2_stories::model::{HostKeys, LoginSpec};
use ec2_stories::prelude::*;
use ec2_stories::provider::{Node, StepOutcome};
use ec2_stories::sim::{Hosts, SshdOptions};
use ec2_stories::ssh::step::{File, Nodes};
use ec2_stories::terminal::{self, Progress, say};

#[tokio::main]
async fn main() -> Result<()> {
    let sim = Sim::builder().hosts(Hosts::sshd(SshdOptions::default())?).latency(Latencies::none()).build();
    let ec2 = Ec2::from_config(&sim.sdk_config());
    let keys = tempfile::tempdir()
        .map_err(|error| Error::new(ErrorKind::Io, "no folder for keys").because(error))?;
    // The deployment makes each node's host key and puts it into user data; at the first login it is replaced, and the new
    // one is remembered in the journal's store.
    let store = Arc::new(MemoryStore::new());
    let nodes = Nodes::new().remembered_in(store.clone());
    let login = |fleet: &str| LoginSpec {
        port: Some(sim.ssh_port()),
        host_keys: Some(HostKeys::Injected(keys.path().join(format!("{fleet}-host")))),
        ..LoginSpec::default()
    };

    let address = Template::new("db = \"${db/0.private_ip}\"\nme = \"${fleet}/${index}\"\n")?;
    let steps = Steps::new([File::template("/etc/shop/shop.toml", address).mode(0o640)])
        .then(Run::new(["cp", "/etc/shop/shop.toml", "/srv/seen.toml"]).creates("/srv/seen.toml"))
        .then(Run::shell(Template::literal("test -s /srv/seen.toml")).named("check"))
        .over(nodes);
    let db = Fleet::builder()
        .name("db")
        .nodes(1)
        .image(Image::public("debian-12"))
        .key(KeyPairSpec::Generated(keys.path().join("db")))
        .login(login("db"))
        .build()?;
    let web = Fleet::builder()
        .name("web")
        .nodes(2)
        .after("db")
        .image(Image::public("debian-12"))
        .key(KeyPairSpec::Generated(keys.path().join("web")))
        .login(login("web"))
        .customize(steps.clone())
        .build()?;
    let how = LoginSpec::of(web.spec());
    let shop = Deployment::builder()
        .name("customise")
        .cloud(ec2)
        .journal(store)
        .clock(sim.clock())
        .fleet(db)
        .fleet(web)
        .build()?;
    say(shop.plan().await?);

    let running = shop.start().await?;
    let progress = Progress::follow(&running);
    running.ready().await?;
    progress.finish().await;
    say(terminal::nodes(&running.nodes()));

    let web = running.nodes().into_iter().filter(|status| status.address.fleet.as_str() == "web");
    for NodeStatus { address, instance, .. } in web {
        let Some(instance) = instance else { continue };
        let attributes = running.attributes();
        let node =
            Node { deployment: Name::new("customise")?, address, instance, attributes, login: how.clone() };
        for report in steps.customize(&node).await? {
            say(format_args!("{}: {}: {:?}", node.address, report.step, report.outcome));
            assert_eq!(report.outcome, StepOutcome::Unchanged, "a second run changes nothing");
        }
    }

    running.terminate().await?.assert_clean();
    sim.assert_clean();
    say("nothing is left");
    Ok(())
}
