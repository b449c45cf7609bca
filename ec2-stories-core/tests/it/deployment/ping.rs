//! Shallow and deep ping, by the controller and by another process.

use std::time::Duration;

use ec2_stories_core::Clock;
use ec2_stories_core::deployment::Ping;
use ec2_stories_core::deployment::machine::Phase;
use ec2_stories_core::memory::{MemoryCustomizer, Operation, ScriptedProbe};
use ec2_stories_core::model::{Mode, NodeAddress};
use ec2_stories_core::probe::probe_fn;
use ec2_stories_core::provider::{Hold, Liveness};
use tokio::time::sleep;

use super::world::{World, debian};

fn second() -> NodeAddress {
    "web/1".parse().unwrap()
}

fn answers(ping: &Ping) -> Vec<&Liveness> {
    ping.nodes.iter().map(|pinged| &pinged.answer).collect()
}

#[tokio::test(start_paused = true)]
async fn a_shallow_ping_asks_the_cloud_once_and_a_deep_one_asks_the_nodes() {
    let (world, probe) = (World::new(), ScriptedProbe::new());
    probe.always(&second(), Liveness::Failing("503".to_owned()));
    let running = world.shop([debian("web", 2).probe(probe.clone()).build().unwrap()]).start().await.unwrap();
    running.ready().await.unwrap();

    let (calls, asked) = (world.cloud.script().count(Operation::Describe), probe.asked(&second()));
    let ping = running.ping().await;
    assert!(ping.passed() && !ping.deep, "{ping}");
    assert_eq!(world.cloud.script().count(Operation::Describe), calls + 1);
    assert_eq!(probe.asked(&second()), asked);

    let ping = running.ping_deep().await;
    assert!(!ping.passed() && ping.deep, "{ping}");
    assert_eq!(answers(&ping), [&Liveness::Live, &Liveness::Failing("503".to_owned())]);
    assert!(ping.to_string().contains("503"), "{ping}");
    running.terminate().await.unwrap().assert_clean();
}

#[tokio::test(start_paused = true)]
async fn a_ping_passes_before_the_start_has_finished() {
    let (world, probe) = (World::new(), ScriptedProbe::new());
    probe.always(&second(), Liveness::Failing("503".to_owned()));
    let slow = MemoryCustomizer::new("packages", ["install"]);
    let web = debian("web", 2).probe(probe.clone()).customize(slow).build().unwrap();
    let running = world.shop([web]).start().await.unwrap();
    for ping in [running.ping().await, running.ping_deep().await] {
        assert!(ping.passed(), "{ping}");
    }
    assert_eq!(probe.asked(&second()), 0, "a node that is not live yet is not asked");
    running.terminate().await.unwrap().assert_clean();
}

#[tokio::test(start_paused = true)]
async fn what_the_cloud_has_ended_is_dead_to_both() {
    let world = World::new();
    let running = world.shop([debian("web", 2).build().unwrap()]).start().await.unwrap();
    running.ready().await.unwrap();
    let lost = running.nodes()[0].instance.clone().unwrap().id;
    world.cloud.kill(&lost, "Server.Gone", "gone");
    for ping in [running.ping().await, running.ping_deep().await] {
        assert!(matches!(answers(&ping)[..], [Liveness::DeclaredDead(_), Liveness::Live]), "{ping}");
        assert!(ping.to_string().contains("Server.Gone"), "{ping}");
    }
    running.terminate().await.unwrap().assert_clean();
}

#[tokio::test(start_paused = true)]
async fn another_process_pings_what_was_left() {
    let (world, probe) = (World { mode: Mode::Production, ..World::new() }, ScriptedProbe::new());
    let shop = || world.shop([debian("web", 2).probe(probe.clone()).build().unwrap()]);
    assert!(!shop().ping().await.unwrap().passed(), "nothing is there");
    let running = shop().start().await.unwrap();
    running.ready().await.unwrap();
    let _ = running.detach().await.unwrap();

    assert!(shop().ping().await.unwrap().passed());
    assert!(shop().ping_deep().await.unwrap().passed());
    probe.always(&second(), Liveness::Failing("503".to_owned()));
    assert!(shop().ping().await.unwrap().passed());
    let ping = shop().ping_deep().await.unwrap();
    assert!(matches!(answers(&ping)[..], [Liveness::Live, Liveness::Failing(_)]), "{ping}");

    shop().terminate().await.unwrap().assert_clean();
    let ping = shop().ping().await.unwrap();
    assert!(!ping.passed(), "{ping}");
}

#[tokio::test(start_paused = true)]
async fn a_node_that_operators_set_aside_is_said_to_be_and_fails_no_ping() {
    let (world, probe) = (World { mode: Mode::Production, ..World::new() }, ScriptedProbe::new());
    let shop = || world.shop([debian("web", 2).probe(probe.clone()).build().unwrap()]);
    let running = shop().start().await.unwrap();
    running.ready().await.unwrap();
    probe.always(&second(), Liveness::Failing("503".to_owned()));
    let until = world.cloud.clock().now() + Duration::from_secs(60);
    let hold = Hold { owner: "ada".to_owned(), reason: "a look".to_owned(), until };
    running.hold(&second(), hold).await.unwrap();
    let _ = running.detach().await.unwrap();
    let ping = shop().ping_deep().await.unwrap();
    assert!(ping.passed() && matches!(answers(&ping)[1], Liveness::Failing(_)), "{ping}");
    let row = ping.to_string().lines().find(|line| line.starts_with("web/1")).unwrap().to_owned();
    assert!(
        row.contains("set aside") && row.contains("held by ada") && row.contains("a look (503)"),
        "{row}"
    );
    sleep(Duration::from_secs(60)).await;
    let ping = shop().ping_deep().await.unwrap();
    assert!(!ping.passed() && !ping.to_string().contains("ada"), "a hold that is over says nothing: {ping}");

    let running = shop().start().await.unwrap();
    running.quarantine(&second(), "odd").await.unwrap();
    while !running.nodes().iter().any(|node| node.phase == Phase::Quarantined) {
        sleep(Duration::from_secs(1)).await;
    }
    let here = running.ping_deep().await;
    let _ = running.detach().await.unwrap();
    for ping in [here, shop().ping().await.unwrap(), shop().ping_deep().await.unwrap()] {
        assert!(ping.passed(), "{ping}");
        let shown = ping.to_string();
        assert!(shown.contains("set aside") && shown.contains("in quarantine by order since"), "{shown}");
        assert!(shown.contains("odd (it is quarantined"), "{shown}");
    }
    shop().terminate().await.unwrap().assert_clean();
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_panics_says_nothing_of_the_node() {
    let world = World::new();
    let panics = probe_fn("panics", async |_| panic!("no reason"));
    let running = world.shop([debian("web", 1).probe(panics).build().unwrap()]).start().await.unwrap();
    running.ready().await.unwrap();
    let ping = running.ping_deep().await;
    assert!(matches!(answers(&ping)[..], [Liveness::Unknown(_)]), "{ping}");
    running.terminate().await.unwrap().assert_clean();
}
