//! Console output, and what it proves of a host that is logged in to.

use std::sync::Arc;

use ec2_stories_core::model::{KeyPairSpec, Name};
use ec2_stories_core::provider::{InstanceDeployer, KeyPairs};
use ec2_stories_sim::{Hosts, Latencies, Sim, SshdOptions};
use ec2_stories_ssh::{CloudConsole, Command, HostKeys, Identity, Readiness, Ssh, Target, code};

use crate::support::World;

#[tokio::test]
async fn a_host_is_known_by_the_keys_that_its_own_console_shows() {
    let hosts = Hosts::sshd(SshdOptions::default()).unwrap();
    let world = World::with(Sim::builder().latency(Latencies::none()).hosts(hosts).build()).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shop.pem");
    let (shop, web) = (Name::new("shop").unwrap(), Name::new("web").unwrap());
    let key = world.ec2.ensure_key(&shop, &web, &KeyPairSpec::Generated(file.clone())).await.unwrap();
    let mut request = world.request("t", 2);
    request.key = Some(key.name);
    let launch = world.ec2.launch(&request).await.unwrap();
    let [one, other] = &launch.instances[..] else { panic!("two instances") };

    let console = CloudConsole::of(Arc::new(world.ec2.clone()));
    let ssh = Ssh::builder()
        .user("admin")
        .identity(Identity::key_file(&file))
        .host_keys(HostKeys::console(Arc::new(console)))
        .build()
        .unwrap();
    let address = world.sim.host_up(one.id.as_str()).await.unwrap().to_string();
    let at_it = |id: &str| Target::new(address.clone(), world.sim.ssh_port()).instance(id);
    let readiness = Readiness::builder().build().unwrap();
    let session = readiness.wait(&ssh, &at_it(one.id.as_str())).await.unwrap();
    assert!(session.exec(&Command::new("true")).await.unwrap().exit.is_success());

    world.sim.host_up(other.id.as_str()).await.unwrap();
    let Err(error) = readiness.wait(&ssh, &at_it(other.id.as_str())).await else {
        panic!("it is another host")
    };
    assert_eq!(error.api_code(), Some(code::HOST_KEY_CHANGED), "{error}");
}
