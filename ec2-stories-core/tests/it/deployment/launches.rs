//! Launching: places, partial launches, late failures, limits, user data.

use ec2_stories_core::attributes::Template;
use ec2_stories_core::deployment::DeploymentBuilder;
use ec2_stories_core::deployment::machine::Phase;
use ec2_stories_core::memory::{Fault, Operation};
use ec2_stories_core::model::{Expiry, InstanceState, Limits, UserData};
use ec2_stories_core::{Deployment, Error, ErrorKind};

use super::world::{World, debian};

const ZONES: [&str; 2] = ["eu-west-1a", "eu-west-1b"];

#[tokio::test(start_paused = true)]
async fn capacity_leads_to_the_next_type_and_zone_and_a_partial_launch_is_completed_there() {
    let world = World::new();
    world.cloud.capacity("t3.small", "eu-west-1a", 2);
    world.cloud.capacity("t3.small", "eu-west-1b", 0);
    let web = debian("web", 3).instance_types(["t3.small", "t3a.small"]).zones(ZONES).build().unwrap();
    let running = world.shop([web]).start().await.unwrap();
    running.ready().await.unwrap();
    let mut at: Vec<String> = world
        .cloud
        .instances()
        .iter()
        .map(|instance| format!("{} {} {}", instance.node().unwrap(), instance.instance_type, instance.zone))
        .collect();
    at.sort();
    let expected = ["web/0 t3.small eu-west-1a", "web/1 t3.small eu-west-1a", "web/2 t3a.small eu-west-1a"];
    assert_eq!(at, expected);
    // Two of three, none, none of the other zone, one of the other type.
    assert_eq!(world.cloud.script().count(Operation::Launch), 4);
    running.terminate().await.unwrap().assert_clean();
}

#[tokio::test(start_paused = true)]
async fn without_room_the_start_fails_unless_enough_nodes_live() {
    for (at_least, expected) in [(3, Err(ErrorKind::Capacity)), (2, Ok(()))] {
        let world = World::new();
        world.cloud.capacity("t3.micro", "eu-west-1a", 2);
        let web = debian("web", 3).at_least(at_least).zones(["eu-west-1a"]).build().unwrap();
        let running = world.shop([web]).start().await.unwrap();
        assert_eq!(running.ready().await.map_err(|error| error.kind()), expected);
        let report = running.terminate().await.unwrap();
        report.assert_clean();
        assert!(!report.nodes()[2].problems.is_empty(), "{report}");
        world.assert_nothing_is_left();
    }
}

#[tokio::test(start_paused = true)]
async fn a_late_failure_is_replaced_by_the_next_generation() {
    let world = World::new();
    world.cloud.fail_boot("Server.InternalError", "Internal error on launch");
    let running = world.shop([debian("web", 2).build().unwrap()]).start().await.unwrap();
    running.ready().await.unwrap();
    let nodes = running.nodes();
    assert_eq!([nodes[0].generation.0, nodes[1].generation.0], [2, 1]);
    let report = running.terminate().await.unwrap();
    assert!(report.nodes()[0].problems[0].contains("server.internalerror"), "{report}");
    world.assert_nothing_is_left();
}

#[tokio::test(start_paused = true)]
async fn a_throttled_launch_is_repeated_and_a_refused_one_is_not() {
    let world = World::new();
    world.cloud.fail(Operation::Launch, Fault::Error(Error::new(ErrorKind::Throttled, "slow down")));
    let running = world.shop([debian("web", 2).build().unwrap()]).start().await.unwrap();
    running.ready().await.unwrap();
    assert_eq!(world.cloud.script().count(Operation::Launch), 2);
    running.terminate().await.unwrap().assert_clean();

    let refused = Error::new(ErrorKind::Forbidden, "not yours").code("UnauthorizedOperation");
    world.cloud.fail(Operation::Launch, Fault::Error(refused));
    let running = world.shop([debian("web", 2).build().unwrap()]).start().await.unwrap();
    assert_eq!(running.ready().await.unwrap_err().kind(), ErrorKind::Forbidden);
    assert_eq!(world.cloud.script().count(Operation::Launch), 3);
    running.terminate().await.unwrap().assert_clean();
}

fn limited(world: &World, limits: Limits, nodes: u32) -> Deployment {
    limited_fleets(world, limits, [debian("web", nodes).build().unwrap()])
}

fn limited_fleets(
    world: &World,
    limits: Limits,
    fleets: impl IntoIterator<Item = ec2_stories_core::Fleet>,
) -> Deployment {
    let builder =
        Deployment::builder().name("shop").limits(limits).clock(std::sync::Arc::new(world.cloud.clock()));
    let builder = builder.cloud(world.cloud.clone()).journal(world.store.clone());
    fleets.into_iter().fold(builder, DeploymentBuilder::fleet).build().unwrap()
}

#[tokio::test(start_paused = true)]
async fn no_limit_is_exceeded_even_across_restarts() {
    let world = World::new();
    let hourly = Limits { launches_per_hour: 5, launches: 8, ..Limits::default() };
    let up_and_down = async || {
        let running = limited(&world, hourly, 3).start().await.unwrap();
        let outcome = running.ready().await;
        running.terminate().await.unwrap().assert_clean();
        outcome.map_err(|error| error.to_string())
    };
    up_and_down().await.unwrap();
    assert!(up_and_down().await.unwrap_err().contains("limits.launches_per_hour"));
    tokio::time::advance(std::time::Duration::from_secs(3600)).await;
    up_and_down().await.unwrap();
    tokio::time::advance(std::time::Duration::from_secs(3600)).await;
    assert!(
        up_and_down().await.unwrap_err().contains("limits.launches:"),
        "six were launched, eight are allowed"
    );
    assert_eq!(world.cloud.instances().len(), 6);
}

#[tokio::test(start_paused = true)]
async fn adopted_nodes_count_in_the_limit() {
    let mut world = World { mode: ec2_stories_core::model::Mode::Production, ..World::new() };
    let limits = Limits { nodes: 5, ..Limits::default() };
    let running = limited(&world, limits, 3).start().await.unwrap();
    running.ready().await.unwrap();
    running.kill().await;
    world.store = Default::default();
    let fewer = [debian("web", 2).build().unwrap(), debian("db", 3).build().unwrap()];
    let running = limited_fleets(&world, limits, fewer).start().await.unwrap();
    assert_eq!(running.ready().await.unwrap_err().kind(), ErrorKind::Limit);
    assert_eq!(world.cloud.live(), 3, "web/2 is one too many and lives");
    running.terminate().await.unwrap().assert_clean();
}

#[tokio::test(start_paused = true)]
async fn a_fleet_that_grew_beyond_the_hours_limit_gets_its_nodes_when_the_hour_is_over() {
    let world = World { mode: ec2_stories_core::model::Mode::Production, ..World::new() };
    let limits = Limits { launches_per_hour: 3, ..Limits::default() };
    let running = limited(&world, limits, 2).start().await.unwrap();
    running.ready().await.unwrap();
    running.scale(&"web".parse().unwrap(), 4).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_secs(600)).await;
    assert!(world.cloud.live() < 4);
    tokio::time::sleep(std::time::Duration::from_secs(3600)).await;
    assert_eq!(world.cloud.live(), 4);
    running.terminate().await.unwrap().assert_clean();
}

#[tokio::test(start_paused = true)]
async fn what_ended_before_anybody_saw_it_counts_in_the_limit() {
    let world = World::new();
    let limits = Limits { launches: 1, launches_per_hour: 1, ..Limits::default() };
    world.cloud.fail(Operation::Launch, Fault::After);
    let running = limited(&world, limits, 1).start().await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    world.cloud.kill(&world.cloud.instances()[0].id, "Server.SpotInstanceTermination", "gone");
    assert_eq!(running.ready().await.unwrap_err().kind(), ErrorKind::Limit);
    assert_eq!(world.cloud.instances().len(), 1);
    running.terminate().await.unwrap().assert_clean();
}

#[tokio::test(start_paused = true)]
async fn user_data_reads_attributes_late_and_a_replay_says_the_same() {
    let world = World::new();
    let text = Template::new("db = \"${db/0.private_ip}\" # ${deployment}/${fleet}").unwrap();
    let lasting = |fleet, nodes| debian(fleet, nodes).expires_after(Expiry::Never);
    let web = lasting("web", 2).after("db").user_data(text).build().unwrap();
    let shop = world.shop([lasting("db", 1).build().unwrap(), web]);
    world.cloud.fail(Operation::Launch, Fault::Before);
    world.cloud.fail(Operation::Launch, Fault::After);
    let running = shop.start().await.unwrap();
    running.ready().await.unwrap();
    let db = world.cloud.instances().into_iter().find(|i| i.node().unwrap().fleet.as_str() == "db").unwrap();
    let expected = format!("db = \"{}\" # shop/web", db.private_ip.unwrap());
    let journal = world.store.dump().into_iter().filter(|(name, _)| name.contains("/launches/"));
    let launches: Vec<serde_json::Value> = journal
        .map(|(_, bytes)| {
            serde_json::from_slice(&bytes[bytes.iter().position(|b| *b == b'\n').unwrap()..]).unwrap()
        })
        .collect();
    let data = launches.iter().find_map(|launch| launch["record"]["request"]["user_data"].as_str()).unwrap();
    let byte = |at: usize| u8::from_str_radix(&data[at..at + 2], 16).unwrap();
    let data: Vec<u8> = (0..data.len()).step_by(2).map(byte).collect();
    assert_eq!(String::from_utf8(data).unwrap(), expected);
    assert_eq!(world.cloud.instances().len(), 3);
    running.terminate().await.unwrap().assert_clean();
}

#[tokio::test(start_paused = true)]
async fn the_plan_says_what_is_wrong_before_anything_is_spent() {
    let world = World::new();
    let long = UserData::new(Template::literal("x".repeat(UserData::MAX + 1)));
    let web = debian("web", 2).user_data(long.clone()).build().unwrap();
    let shop = world.shop([web]);
    let plan = shop.plan().await.unwrap();
    assert!(!plan.is_sound());
    assert_eq!(plan.findings()[0].field, "fleet.web.user_data");
    assert!(plan.to_string().contains("gzip"), "{plan}");
    let error = shop.start().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.to_string().contains("fleet.web.user_data"), "{error}");
    let left: Vec<String> = world.store.dump().into_iter().map(|(name, _)| name).collect();
    assert_eq!(left, ["deployments/shop/lease"], "a refused start leaves no journal");

    let small = world.shop([debian("web", 2).user_data(long.gzip()).build().unwrap()]);
    assert!(small.plan().await.unwrap().is_sound());

    let nowhere = ec2_stories_core::Fleet::builder().name("web").nodes(1);
    let nowhere = nowhere.image(ec2_stories_core::model::Image::id("ami-0")).build().unwrap();
    let plan = world.shop([nowhere]).plan().await.unwrap();
    assert_eq!(plan.findings()[0].field, "fleet.web.image");
    assert_eq!(world.cloud.script().count(Operation::Launch), 0);
}

#[tokio::test(start_paused = true)]
async fn what_ended_while_nobody_looked_is_launched_again() {
    let world = World { mode: ec2_stories_core::model::Mode::Production, ..World::new() };
    let shop = world.shop([debian("web", 3).build().unwrap()]);
    let running = shop.start().await.unwrap();
    running.ready().await.unwrap();
    running.detach().await.unwrap().assert_clean();
    let lost = world.cloud.instances()[1].id.clone();
    world.cloud.kill(&lost, "Server.SpotInstanceTermination", "spot");
    let again = shop.start().await.unwrap();
    again.ready().await.unwrap();
    let ages: Vec<u32> = again.nodes().iter().map(|node| node.generation.0).collect();
    assert_eq!(ages, [1, 2, 1]);
    assert!(again.nodes().iter().all(|node| node.phase == Phase::Live));
    let running = |state| state == InstanceState::Running;
    assert_eq!(world.cloud.instances().iter().filter(|instance| running(instance.state)).count(), 3);
    again.terminate().await.unwrap().assert_clean();
}

#[tokio::test(start_paused = true)]
async fn a_larger_fleet_gets_what_is_missing_and_a_smaller_one_keeps_its_surplus_until_the_end() {
    let world = World { mode: ec2_stories_core::model::Mode::Production, ..World::new() };
    for (nodes, there) in [(2, 2), (4, 4), (1, 4)] {
        let shop = world.shop([debian("web", nodes).build().unwrap()]);
        let running = shop.start().await.unwrap();
        running.ready().await.unwrap();
        assert_eq!(world.cloud.live(), there);
        running.detach().await.unwrap().assert_clean();
    }
    let small = world.shop([debian("web", 1).build().unwrap()]);
    assert_eq!(small.plan().await.unwrap().surplus.len(), 3);
    let other = world.shop([debian("api", 1).instance_types(["m5.large"]).build().unwrap()]);
    assert_eq!(other.plan().await.unwrap().surplus.len(), 4, "a fleet that is described no more");
    let changed = world.shop([debian("web", 4).instance_types(["m5.large"]).build().unwrap()]);
    let plan = changed.plan().await.unwrap();
    assert!(plan.is_sound() && plan.to_string().contains("differs, and is not replaced"), "{plan}");
    other.terminate().await.unwrap().assert_clean();
    world.assert_nothing_is_left();
}

#[tokio::test(start_paused = true)]
async fn a_watcher_that_is_sick_ends_no_instance_that_runs() {
    for describe_fails in [false, true] {
        let world = World::new();
        world.cloud.boot_time(std::time::Duration::ZERO);
        for _ in 0..200 {
            let hung = Error::new(ErrorKind::Timeout, "the poller hung");
            world.cloud.fail(Operation::Wait, Fault::Error(hung));
        }
        if describe_fails {
            world.cloud.fail(Operation::Describe, Fault::Before);
        }
        let running = world.shop([debian("web", 1).build().unwrap()]).start().await.unwrap();
        let expected = if describe_fails { Err(ErrorKind::Unavailable) } else { Ok(()) };
        assert_eq!(running.ready().await.map_err(|error| error.kind()), expected);
        assert_eq!((world.cloud.live(), world.cloud.instances().len()), (1, 1));
        world.cloud.script().heal();
        running.terminate().await.unwrap().assert_clean();
    }
}

#[tokio::test(start_paused = true)]
async fn a_place_that_cannot_be_used_is_noted_and_passed_over_while_there_is_another() {
    let world = World::new();
    let web = debian("web", 2).zones(["eu-west-1x", "eu-west-1b"]).build().unwrap();
    let shop = world.shop([web]);
    let plan = shop.plan().await.unwrap();
    assert!(plan.is_sound(), "{plan}");
    assert!(plan.to_string().contains("in eu-west-1x is passed over"), "{plan}");
    let running = shop.start().await.unwrap();
    running.ready().await.unwrap();
    assert!(world.cloud.instances().iter().all(|instance| instance.zone.as_str() == "eu-west-1b"));
    assert_eq!(
        world.cloud.script().count(Operation::Launch),
        1,
        "nothing was tried where nothing can be had"
    );
    running.terminate().await.unwrap().assert_clean();

    let nowhere = debian("web", 2).zones(["eu-west-1x", "eu-west-1y"]).build().unwrap();
    assert!(!world.shop([nowhere]).plan().await.unwrap().is_sound());
}
