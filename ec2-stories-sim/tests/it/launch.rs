//! The life of an instance.

use std::time::Duration;

use ec2_stories_sim::{Sim, State};
use tokio::time::{Instant, sleep};

use crate::form::{call, launch, states};

#[tokio::test(start_paused = true)]
async fn an_instance_lives_and_ends() {
    let sim = Sim::builder().seed(7).build();
    let ids = launch(&sim, "3", &[]).await.ok().all("instanceId");
    assert_eq!(ids.len(), 3);
    sleep(Duration::from_secs(2)).await;
    assert_eq!(states(&sim, &ids).await, ["pending"; 3]);
    sleep(Duration::from_secs(40)).await;
    assert_eq!(states(&sim, &ids).await, ["running"; 3]);
    let gone = call(&sim, "TerminateInstances", &[("InstanceId.1", &ids[0])]).await.ok();
    assert_eq!(gone.all("name"), ["shutting-down", "running"]);
    sleep(Duration::from_secs(40)).await;
    assert_eq!(sim.instance(&ids[0]).unwrap().state, State::Terminated);
    assert_eq!(sim.leaks().len(), 2);
    sleep(Duration::from_secs(50 * 60)).await;
    let reply = call(&sim, "DescribeInstances", &[("InstanceId.1", &ids[0])]).await;
    assert_eq!((reply.status, reply.code().as_str()), (400, "InvalidInstanceID.NotFound"));
}

#[tokio::test(start_paused = true)]
async fn a_day_passes_in_a_moment() {
    let sim = Sim::builder().build();
    launch(&sim, "5", &[]).await.ok();
    let start = Instant::now();
    for _ in 0..24 {
        sleep(Duration::from_secs(3600)).await;
        call(&sim, "DescribeInstances", &[]).await.ok();
    }
    assert!(start.elapsed() >= Duration::from_secs(24 * 3600));
    assert_eq!(sim.running().len(), 5);
}

#[tokio::test(start_paused = true)]
async fn one_seed_is_one_story() {
    let run = async |seed| {
        let sim = Sim::builder().seed(seed).build();
        launch(&sim, "4", &[]).await.ok();
        sleep(Duration::from_secs(60)).await;
        sim.instances()
    };
    let first = run(3).await;
    assert_eq!(first, run(3).await, "ids, addresses and boot times");
    assert_ne!(first, run(4).await);
}
