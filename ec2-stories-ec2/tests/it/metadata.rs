//! The metadata reader against the simulated service, in process and on loopback.

use std::sync::Arc;
use std::time::Duration;

use ec2_stories_core::model::{Expiry, HostKeys, Image, LoginSpec, NodeAddress};
use ec2_stories_core::provider::InstanceDeployer;
use ec2_stories_core::{Attributes, Deployment, ErrorKind, Fleet, MemoryStore};
use ec2_stories_ec2::{Ec2, Metadata};
use ec2_stories_sim::{Fault, Latencies, Sim};

use crate::support::World;

/// A reader in process: the address is loopback, and never asked.
fn reader(service: &ec2_stories_sim::Metadata, sim: &Sim) -> Metadata {
    let http = service.http_client();
    Metadata::builder().base_url("http://127.0.0.1:1").http_client(http).clock(sim.clock()).build().unwrap()
}

async fn launched(world: &World, change: impl FnOnce(&mut ec2_stories_core::model::LaunchRequest)) -> String {
    let mut request = world.request("t", 1);
    change(&mut request);
    let id = world.ec2.launch(&request).await.unwrap().instances[0].id.to_string();
    tokio::time::sleep(Duration::from_secs(60)).await;
    id
}

#[tokio::test(start_paused = true)]
async fn an_instance_reads_what_a_describe_shows() {
    let world = World::new().await;
    let bytes = vec![0x1f, 0x8b, 0, 0xff];
    let id = launched(&world, |request| {
        request.user_data = Some(bytes.clone());
        request.metadata.tags = true;
    })
    .await;
    let (seen, reader) = (world.sim.instance(&id).unwrap(), reader(&world.sim.metadata(&id), &world.sim));
    let me = reader.instance().await.unwrap();
    assert_eq!(me.instance_id.as_str(), id);
    assert_eq!(me.availability_zone.as_str(), seen.zone);
    assert_eq!(me.public_ipv4, seen.public_ip.map(|ip| ip.to_string()));
    assert_eq!(reader.user_data().await.unwrap(), Some(bytes));
    assert_eq!(reader.tags().await.unwrap().unwrap(), seen.tags);
    assert_eq!(reader.identity().await.unwrap().account_id, "123456789012");
    assert_eq!(reader.get("spot/instance-action").await.unwrap(), None);

    let (node, mut attributes) = ("web/0".parse::<NodeAddress>().unwrap(), Attributes::new());
    reader.publish(&node, &mut attributes).await.unwrap();
    let value = |path: &str| attributes.get(&path.parse().unwrap());
    assert_eq!(value("web/0.metadata.instance_id"), Some(&*id));
    assert_eq!(value("web/0.metadata.placement.availability_zone"), Some(&*seen.zone));
    assert_eq!(value("web/0.metadata.tags.ec2-stories:deployment"), Some("shop"));
    assert_eq!(value("web/0.metadata.identity.account_id"), Some("123456789012"));
    assert_eq!(value("web/0.metadata.user_data"), None);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_never_arrives_is_explained_by_the_hop_limit() {
    let world = World::new().await;
    let id = launched(&world, |request| request.metadata.hop_limit = 1).await;
    let container = reader(&world.sim.metadata(&id).hops(2), &world.sim);
    let error = container.get("instance-id").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error:?}");
    assert!(error.to_string().contains("hop limit"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn throttling_is_retried_and_silence_is_named() {
    let world = World::new().await;
    let id = launched(&world, |_| {}).await;
    let ours = reader(&world.sim.metadata(&id), &world.sim);
    world.sim.faults().nth("imds", 1, Fault::Throttle).nth("imds", 3, Fault::Throttle);
    assert_eq!(ours.get("instance-id").await.unwrap(), Some(id));
    let nobody = reader(&world.sim.metadata("i-00000000000000000"), &world.sim);
    let error = nobody.get("instance-id").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn a_token_is_renewed_before_it_expires() {
    let world = World::new().await;
    let id = launched(&world, |_| {}).await;
    let ours = reader(&world.sim.metadata(&id), &world.sim);
    for _ in 0..8 {
        assert_eq!(ours.get("instance-id").await.unwrap().as_deref(), Some(&*id));
        tokio::time::sleep(Duration::from_secs(3600)).await;
    }
}

#[tokio::test]
async fn it_reads_on_loopback_too() {
    let world = World::with(Sim::builder().latency(Latencies::none()).build()).await;
    let id = world.ec2.launch(&world.request("t", 1)).await.unwrap().instances[0].id.to_string();
    let listener = world.sim.metadata(&id).listen().await.unwrap();
    let clock = world.sim.clock();
    let reader = Metadata::builder().base_url(listener.url()).clock(clock).build().unwrap();
    assert_eq!(reader.instance().await.unwrap().instance_id.as_str(), id);
    assert_eq!(reader.user_data().await.unwrap(), None);
    drop(listener);
    let error =
        Metadata::builder().base_url("http://127.0.0.1:1").build().unwrap().instance().await.unwrap_err();
    assert!(error.to_string().contains("nobody answers"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn an_injected_host_key_reaches_the_node_and_no_journal() {
    let (sim, store, folder) =
        (Sim::builder().seed(7).build(), MemoryStore::new(), tempfile::tempdir().unwrap());
    let file = folder.path().join("host-key");
    let login = LoginSpec { host_keys: Some(HostKeys::Injected(file.clone())), ..LoginSpec::default() };
    let web = Fleet::builder().name("web").nodes(1).image(Image::public("debian-12")).login(login);
    let web = web.expires_after(Expiry::Never);
    let builder = Deployment::builder().name("shop").clock(Arc::clone(&sim.clock())).journal(store.clone());
    let ec2 = Ec2::from_config(&sim.sdk_config());
    let shop = builder.cloud(ec2).fleet(web.build().unwrap()).build().unwrap();
    // The reply is lost after the effect: the same launch, to the byte, is said again.
    sim.faults().nth("RunInstances", 2, Fault::ReplyLostAfter);
    let running = shop.start().await.unwrap();
    running.ready().await.unwrap();
    let [instance] = &sim.running()[..] else { panic!("one instance") };
    let data = reader(&sim.metadata(&instance.id), &sim).user_data().await.unwrap().unwrap();
    let data = String::from_utf8(data).unwrap();
    let read = |path| std::fs::read_to_string(path).unwrap();
    let public = read(file.with_added_extension("pub"));
    assert!(data.starts_with("#cloud-config\nssh_keys:\n") && data.contains(public.trim()), "{data}");
    let secret = read(file).lines().nth(3).unwrap().to_owned();
    assert!(data.contains(&secret));
    for (name, bytes) in store.dump() {
        // The journal writes bytes in hexadecimal digits.
        let (text, hidden) = (String::from_utf8_lossy(&bytes).into_owned(), hex::encode(&secret));
        assert!(!text.contains(&secret) && !text.contains(&hidden), "{name} holds the key");
    }
    running.terminate().await.unwrap().assert_clean();
}
