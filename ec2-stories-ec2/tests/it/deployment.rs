//! Whole deployments, from the core's machine down to the wire.

use std::time::Duration;

use ec2_stories_core::model::{AvailabilityZone, FirewallPolicy, Image, KeyPairSpec, Mode, Source};
use ec2_stories_core::store::MemoryStore;
use ec2_stories_core::{Deployment, Fleet};
use ec2_stories_sim::Fault;

use crate::support::World;

const PUBLIC_KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILuIvnBgnOpKaE0Fw5gCC3uEmIy7VSYPkhaymwsNRi+A test";

fn shop(world: &World, nodes: u32) -> Deployment {
    let open = FirewallPolicy::builder().tcp(443, Source::Anywhere).build();
    let inner = FirewallPolicy::builder().tcp(5432, Source::Fleet("web".parse().unwrap())).build();
    let web = Fleet::builder()
        .name("web")
        .nodes(nodes)
        .image(Image::public("debian-12"))
        .after("db")
        .firewall(open)
        .key(KeyPairSpec::PublicKey(PUBLIC_KEY.to_owned()))
        .build()
        .unwrap();
    let db = Fleet::builder()
        .name("db")
        .nodes(1)
        .image(Image::public("debian-12"))
        .firewall(inner)
        .build()
        .unwrap();
    Deployment::builder()
        .name("shop")
        .cloud(world.ec2.clone())
        .journal(MemoryStore::new())
        .clock(world.sim.clock())
        .fleet(web)
        .fleet(db)
        .build()
        .unwrap()
}

#[tokio::test(start_paused = true)]
async fn two_fleets_that_know_each_other_come_and_go() {
    let world = World::new().await;
    let running = shop(&world, 3).start().await.unwrap();
    running.ready().await.unwrap();
    assert_eq!(world.sim.running().len(), 4);
    let calls = world.sim.calls();
    assert_eq!(
        (calls.count("RunInstances"), calls.count("CreateTags")),
        (4, 0),
        "two dry runs, two launches: {calls}"
    );
    running.terminate().await.unwrap().assert_clean();
    world.sim.assert_clean();
}

#[tokio::test(start_paused = true)]
async fn a_hundred_nodes_are_one_launch_and_at_most_fifteen_describes_of_waiting() {
    let world = World::new().await;
    let web = Fleet::builder().name("web").nodes(100).image(Image::public("debian-12")).build().unwrap();
    let deployment = Deployment::builder()
        .name("shop")
        .cloud(world.ec2.clone())
        .journal(MemoryStore::new())
        .clock(world.sim.clock())
        .fleet(web)
        .build()
        .unwrap();
    let running = deployment.start().await.unwrap();
    let before = world.sim.calls().count("DescribeInstances");
    running.ready().await.unwrap();
    let calls = world.sim.calls();
    assert!(calls.count("DescribeInstances") - before <= 15, "{calls}");
    assert_eq!(calls.count("RunInstances"), 2, "a dry run and a launch: {calls}");
    running.terminate().await.unwrap().assert_clean();
    world.sim.assert_clean();
}

#[tokio::test(start_paused = true)]
async fn a_subnet_without_a_free_address_is_passed_over() {
    let world = World::new().await;
    let web = Fleet::builder()
        .name("web")
        .nodes(1)
        .image(Image::public("debian-12"))
        .zones(["us-east-1a", "us-east-1b"].map(AvailabilityZone::new))
        .build()
        .unwrap();
    let deployment = Deployment::builder()
        .name("shop")
        .cloud(world.ec2.clone())
        .journal(MemoryStore::new())
        .clock(world.sim.clock())
        .fleet(web)
        .build()
        .unwrap();
    let running = deployment.start().await.unwrap();
    let full = Fault::Error { code: "InsufficientFreeAddressesInSubnet".to_owned(), status: 400 };
    world.sim.faults().nth("RunInstances", 1, full);
    running.ready().await.unwrap();
    running.terminate().await.unwrap().assert_clean();
    world.sim.assert_clean();
}

#[tokio::test(start_paused = true)]
async fn lost_replies_and_throttling_leave_nothing_behind() {
    for (operation, fault) in [
        ("RunInstances", Fault::ReplyLostAfter),
        ("RunInstances", Fault::ReplyLostBefore),
        ("CreateSecurityGroup", Fault::ReplyLostAfter),
        ("ImportKeyPair", Fault::ReplyLostAfter),
        ("TerminateInstances", Fault::ReplyLostAfter),
        ("DeleteSecurityGroup", Fault::ReplyLostAfter),
    ] {
        let world = World::new().await;
        world.sim.faults().nth(operation, 1, fault.clone()).nth(operation, 2, Fault::Throttle);
        let running = shop(&world, 2).start().await.unwrap();
        running.ready().await.unwrap();
        assert_eq!(world.sim.running().len(), 3, "{operation} {fault:?}");
        running.terminate().await.unwrap().assert_clean();
        world.sim.assert_clean();
    }
}

#[tokio::test(start_paused = true)]
async fn three_calls_that_fail_in_a_row_anywhere_on_the_way_leave_nothing_behind() {
    let calls = {
        let world = World::new().await;
        let running = shop(&world, 2).start().await.unwrap();
        running.ready().await.unwrap();
        running.terminate().await.unwrap().assert_clean();
        world.sim.calls().total()
    };
    for fault in [Fault::ReplyLostAfter, Fault::ReplyLostBefore] {
        for first in (2..=calls).step_by(3) {
            let world = World::new().await;
            // As many as the SDK repeats a call: the last failure gets through to us.
            for call in first..first + 3 {
                world.sim.faults().at_call(call, fault.clone());
            }
            let shop = shop(&world, 2);
            let outcome = match shop.start().await {
                Ok(running) => {
                    let ready = running.ready().await;
                    let report = running.terminate().await;
                    ready.and(report.map(|_| ()))
                }
                Err(error) => Err(error),
            };
            let last = shop.terminate().await;
            let left = world.sim.leaks();
            assert!(left.is_empty(), "{fault:?} at {first} of {calls}: {left:?}, {outcome:?}, {last:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_plan_says_that_a_stopped_node_will_be_replaced() {
    let world = World::new().await;
    let web = Fleet::builder().name("web").nodes(1).image(Image::public("debian-12")).build().unwrap();
    let shop = Deployment::builder().name("shop").mode(Mode::Production).cloud(world.ec2.clone());
    let shop = shop.journal(MemoryStore::new()).clock(world.sim.clock()).fleet(web).build().unwrap();
    let running = shop.start().await.unwrap();
    running.ready().await.unwrap();
    let id = running.nodes()[0].instance.as_ref().unwrap().id.to_string();
    running.detach().await.unwrap().assert_clean();
    let client = aws_sdk_ec2::Client::new(&world.sim.sdk_config());
    client.stop_instances().instance_ids(&id).send().await.unwrap();
    tokio::time::sleep(Duration::from_secs(120)).await;
    let plan = shop.plan().await.unwrap();
    assert!(plan.is_sound());
    assert!(plan.to_string().contains("web/0 is stopped; it will be terminated and replaced"), "{plan}");
    let running = shop.start().await.unwrap();
    running.ready().await.unwrap();
    assert_eq!(world.sim.running().len(), 1);
    running.terminate().await.unwrap().assert_clean();
}
