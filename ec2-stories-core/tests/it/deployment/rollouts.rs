//! Rolling updates beside deaths, orders and deaths of the controller: the budgets are one for all of it.

use std::collections::BTreeMap;
use std::time::Duration;

use ec2_stories_core::deployment::machine::Phase;
use ec2_stories_core::model::{Health, Image, InstanceState, Name, NodeAddress, Share};
use ec2_stories_core::{Deployment, Fleet, Running};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use tokio::time::{Instant, sleep};

use super::replacement::{is_live, node, until};
use super::world::{World, debian};

const NODES: u32 = 20;
/// Two of twenty at a time, and one of each zone.
const AT_ONCE: Share = Share::Percent(10);

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn from(world: &World, image: &str, nodes: u32) -> Deployment {
    let health = Health { max_in_flight: AT_ONCE, ..Health::default() };
    let web = Fleet::builder().name("web").nodes(nodes).image(Image::public(image)).health(health);
    world.shop([web.build().unwrap()])
}

/// A cloud that has to use its three zones.
fn world() -> World {
    let world = World::new();
    for zone in ["eu-west-1a", "eu-west-1b", "eu-west-1c"] {
        world.cloud.capacity("t3.micro", zone, NODES.div_ceil(3) + 1);
    }
    world
}

/// What of a fleet is out of service, and how many may be.
#[derive(Debug, Default)]
struct Witness {
    /// Where each node lived last.
    zones: BTreeMap<NodeAddress, String>,
    /// The most that were seen at a time.
    most: usize,
}

impl Witness {
    /// Looks at every node; more than may be are out of service at no time.
    fn look(&mut self, running: &Running, seed: u64) {
        let nodes = running.nodes();
        let mut out: BTreeMap<String, usize> = BTreeMap::new();
        for node in &nodes {
            if let (Phase::Live, Some(instance)) = (node.phase, &node.instance) {
                self.zones.insert(node.address.clone(), instance.zone.to_string());
            } else {
                *out.entry(self.zones[&node.address].clone()).or_default() += 1;
            }
        }
        let all: usize = out.values().sum();
        self.most = self.most.max(all);
        let most = AT_ONCE.of(NODES) as usize;
        let phases =
            || nodes.iter().filter(|node| node.phase != Phase::Live).map(|node| (&node.address, node.phase));
        assert!(all <= most, "seed {seed}: {all} of {most}: {:?}", phases().collect::<Vec<_>>());
        for (zone, out) in &out {
            let its = self.zones.values().filter(|its| *its == zone).count();
            let most = AT_ONCE.of(u32::try_from(its).unwrap()).max(1) as usize;
            assert!(
                *out <= most,
                "seed {seed}: {out} of {most} in {zone}: {:?}",
                phases().collect::<Vec<_>>()
            );
        }
    }

    async fn look_for(&mut self, running: &Running, seed: u64, time: Duration) {
        let end = Instant::now() + time;
        while Instant::now() < end {
            self.look(running, seed);
            sleep(seconds(1)).await;
        }
    }
}

/// Ends an instance of a node that lives, behind everybody's back.
fn kill_one(world: &World, running: &Running, random: &mut StdRng) {
    let live: Vec<_> = running.nodes().into_iter().filter(|node| node.phase == Phase::Live).collect();
    let node = live.choose(random).expect("most of them live");
    world.cloud.kill(&node.instance.as_ref().unwrap().id, "Server.InternalError", "host lost");
}

fn on(world: &World, image: &str) -> usize {
    let newest = world.cloud.instances().into_iter().filter(|one| one.state == InstanceState::Running);
    newest.filter(|instance| instance.image.as_str() == image).count()
}

/// The image of a node that lives.
fn image(running: &Running, address: &str) -> String {
    node(running, address).instance.unwrap().image.to_string()
}

async fn deaths_beside_a_rollout(seed: u64) {
    let mut random = StdRng::seed_from_u64(seed);
    let world = world();
    let mut running = from(&world, "debian-12", NODES).start().await.unwrap();
    running.ready().await.unwrap();
    let old = image(&running, "web/0");
    let mut witness = Witness::default();
    witness.look(&running, seed);
    running.update(&from(&world, "debian-13", NODES)).await.unwrap();
    until(&running, "web/19", |node| node.phase == Phase::Live).await;
    for _ in 0..random.random_range(2..8) {
        let pause = seconds(random.random_range(1..200));
        witness.look_for(&running, seed, pause).await;
        kill_one(&world, &running, &mut random);
    }
    let mut again = 0;
    while on(&world, &old) > 0 {
        if running.ready().await.is_err() {
            // A replaced node was among the dead: whoever sees that orders it anew.
            again += 1;
            assert!(again < 20, "seed {seed}: {:?}", running.nodes());
            witness.look_for(&running, seed, seconds(300)).await;
            running.update(&from(&world, "debian-13", NODES)).await.unwrap();
            until(&running, "web/19", |node| node.phase == Phase::Live).await;
        }
        witness.look_for(&running, seed, seconds(60)).await;
    }
    witness.look_for(&running, seed, seconds(600)).await;
    assert_eq!(witness.most, AT_ONCE.of(NODES) as usize, "seed {seed}: no more than one at a time");
    world.assert_no_doubles();
    running.terminate().await.unwrap().assert_clean();
    world.assert_nothing_is_left();
}

#[tokio::test(start_paused = true)]
async fn deaths_beside_a_rollout_never_exceed_the_budgets_of_fleet_and_zones() {
    for seed in 0..12 {
        deaths_beside_a_rollout(seed).await;
    }
}

/// Web nodes of which one may be out of service.
async fn a_few(world: &World) -> Running {
    let running = from(world, "debian-12", 3).start().await.unwrap();
    running.ready().await.unwrap();
    running
}

/// Sees that no two are out of service, until `node` lives in its second generation.
async fn one_at_a_time_until(running: &Running, address: &str) {
    while !is_live(2)(&node(running, address)) {
        let out: Vec<_> = running.nodes().into_iter().filter(|node| node.phase != Phase::Live).collect();
        assert!(out.len() <= 1, "{out:?}");
        sleep(Duration::from_millis(250)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_death_waits_for_a_node_that_is_drained_by_order() {
    let world = World::new();
    let running = a_few(&world).await;
    let id = node(&running, "web/1").instance.unwrap().id;
    world.cloud.kill(&id, "Server.InternalError", "host lost");
    running.replace(&"web/0".parse().unwrap(), "the test asks for it").await.unwrap();
    one_at_a_time_until(&running, "web/1").await;
    assert!(is_live(2)(&node(&running, "web/0")));
    running.terminate().await.unwrap().assert_clean();
}

#[tokio::test(start_paused = true)]
async fn a_death_waits_for_a_node_whose_replacement_an_earlier_controller_began() {
    for after in [5, 35, 50, 80] {
        let world = World::new();
        let running = a_few(&world).await;
        running.replace(&"web/0".parse().unwrap(), "the test asks for it").await.unwrap();
        sleep(seconds(after)).await;
        let id = node(&running, "web/1").instance.unwrap().id;
        running.kill().await;
        let running = from(&world, "debian-12", 3).start().await.unwrap();
        until(&running, "web/1", |node| node.phase == Phase::Live).await;
        until(&running, "web/2", |node| node.phase == Phase::Live).await;
        world.cloud.kill(&id, "Server.InternalError", "host lost");
        one_at_a_time_until(&running, "web/1").await;
        assert!(is_live(2)(&node(&running, "web/0")));
        running.terminate().await.unwrap().assert_clean();
    }
}

#[tokio::test(start_paused = true)]
async fn nodes_that_are_one_too_many_keep_no_other_from_being_replaced() {
    let world = World::new();
    let health = Health { drain: seconds(600), ..Health::default() };
    let running = world.shop([debian("web", 3).health(health).build().unwrap()]).start().await.unwrap();
    running.ready().await.unwrap();
    running.scale(&Name::new("web").unwrap(), 2).await.unwrap();
    let id = node(&running, "web/0").instance.unwrap().id;
    world.cloud.kill(&id, "Server.InternalError", "host lost");
    until(&running, "web/0", |node| node.phase == Phase::Resting).await;
    assert!(node(&running, "web/2").phase.is_leaving(), "it is drained still: {:?}", node(&running, "web/2"));
    until(&running, "web/0", is_live(2)).await;
    running.terminate().await.unwrap().assert_clean();
}

#[tokio::test(start_paused = true)]
async fn a_rollout_that_halted_stays_so_until_somebody_orders_it_again() {
    let world = World::new();
    let mut running = a_few(&world).await;
    world.cloud.fail_boot("Server.InternalError", "Internal error on launch");
    running.update(&from(&world, "debian-13", 3)).await.unwrap();
    assert!(running.ready().await.unwrap_err().to_string().contains("halts"));
    until(&running, "web/0", |node| node.phase == Phase::Live && node.generation.0 > 1).await;
    running.kill().await;

    let shop = from(&world, "debian-13", 3);
    let plan = shop.plan().await.unwrap();
    assert!(plan.to_string().contains("halts: "), "{plan}");
    let running = shop.start().await.unwrap();
    running.ready().await.unwrap();
    let launched = world.cloud.instances().len();
    sleep(seconds(3600)).await;
    assert_eq!(world.cloud.instances().len(), launched, "nothing more is replaced");
    let status = shop.status().await.unwrap();
    assert!(status.to_string().contains("only an update goes on with it"), "{status}");
    let halted = status.rollouts[&Name::new("web").unwrap()].clone().unwrap();
    assert!(halted.contains("halts: "), "{halted}");

    running.kill().await;
    let running = shop.start_updating().await.unwrap();
    running.ready().await.unwrap();
    assert_eq!(on(&world, &image(&running, "web/0")), 3);
    assert!(shop.status().await.unwrap().rollouts.is_empty());
    running.terminate().await.unwrap().assert_clean();
}
