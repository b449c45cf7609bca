//! Waiting: noticed in time, with few calls.

use std::time::Duration;

use ec2_stories_core::model::{Instance, InstanceState};
use ec2_stories_core::provider::{Expect, Goal, InstanceDeployer, TupleStore};
use ec2_stories_core::{ErrorKind, MemoryStore};
use ec2_stories_ec2::Ec2;
use ec2_stories_sim::{Fault, Latencies, Sim};
use futures::future::join_all;

use crate::support::{World, ids, within};

const SECOND: f64 = 1.0;

/// Launches and waits for all; returns how late the latest was noticed, in seconds, and what it cost in describes.
async fn launch_and_wait(world: &World, token: &str, nodes: u32) -> (f64, u64) {
    let before = world.sim.calls().count("DescribeInstances");
    let launch = world.ec2.launch(&world.request(token, nodes)).await.unwrap();
    let waits = launch.instances.iter().map(async |instance: &Instance| {
        let seen = world.ec2.wait(&instance.id, Goal::Running, within(3_600)).await.unwrap();
        assert_eq!(seen.state, InstanceState::Running);
        let truth = world.sim.instance(instance.id.as_str()).unwrap();
        world.sim.now().duration_since(truth.since).as_secs_f64()
    });
    let late = join_all(waits).await.into_iter().fold(0.0, f64::max);
    (late, world.sim.calls().count("DescribeInstances") - before)
}

#[tokio::test(start_paused = true)]
async fn a_hundred_nodes_that_boot_in_thirty_seconds_cost_at_most_fifteen_describes() {
    for (seed, fleets) in [(0, [100, 100, 100]), (1, [3, 100, 20]), (2, [20, 300, 100])] {
        let world = World::with(Sim::builder().seed(seed).build()).await;
        for (token, nodes) in ["first", "second", "third"].into_iter().zip(fleets) {
            let (late, describes) = launch_and_wait(&world, token, nodes).await;
            assert!(late <= SECOND, "seed {seed}, {token} of {fleets:?}: {late} s");
            assert!(
                nodes < 10 || describes <= 15,
                "seed {seed}, {token} of {fleets:?}: {describes} describes"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_node_that_runs_is_noticed_within_a_second_at_any_boot_time() {
    for tenths in (1..=1_200).step_by(97) {
        let world = World::booting_in(Duration::from_millis(tenths * 100)).await;
        for round in ["first", "second"] {
            let (late, _) = launch_and_wait(&world, round, 3).await;
            assert!(late <= SECOND, "{round} boot in {} s: {late} s", tenths as f64 / 10.0);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_many_nodes_taught_late_is_known_the_next_time() {
    for seconds in [5, 16, 23, 120] {
        let world = World::booting_in(Duration::from_secs(seconds)).await;
        launch_and_wait(&world, "first", 30).await;
        let (late, _) = launch_and_wait(&world, "second", 30).await;
        assert!(late <= SECOND, "second boot in {seconds} s: {late} s");
        launch_and_wait(&world, "third", 30).await;
        let (late, describes) = launch_and_wait(&world, "fourth", 30).await;
        assert!(late <= SECOND, "fourth boot in {seconds} s: {late} s");
        assert!(describes <= 8, "fourth boot in {seconds} s: {describes} describes");
    }
}

#[tokio::test(start_paused = true)]
async fn what_one_process_learned_is_known_to_the_next() {
    let store = MemoryStore::new();
    let boot = Duration::from_secs(16);
    for (process, known) in [("first", false), ("second", true)] {
        let mut world = World::booting_in(boot).await;
        world.ec2 = Ec2::builder().config(&world.sim.sdk_config()).boot_times(store.clone()).build();
        let (late, describes) = launch_and_wait(&world, process, 100).await;
        assert_eq!(late <= SECOND, known, "{process}: {late} s");
        assert!(describes <= 8, "{process}: {describes} describes");
        // It is kept by the task that asked, which has ended once nothing else is to be done.
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn boot_times_that_cannot_be_read_cost_calls_and_nothing_else() {
    let store = MemoryStore::new();
    store.put("boot-times", b"{", Expect::Anything).await.unwrap();
    let mut world = World::booting_in(Duration::from_secs(16)).await;
    world.ec2 = Ec2::builder().config(&world.sim.sdk_config()).boot_times(store).build();
    let (late, _) = launch_and_wait(&world, "first", 3).await;
    assert!(late <= SECOND, "{late} s");
}

#[tokio::test(start_paused = true)]
async fn hundreds_share_calls_of_at_most_five_hundred_ids() {
    let world = World::booting_in(Duration::from_secs(30)).await;
    let (late, describes) = launch_and_wait(&world, "t1", 520).await;
    assert!(late <= SECOND, "{late}");
    assert!(describes <= 30, "{describes}");
    let largest = world.sim.calls_log().into_iter().filter(|call| call.operation == "DescribeInstances");
    let largest =
        largest.map(|call| call.params.iter().filter(|(key, _)| key.starts_with("InstanceId")).count()).max();
    assert_eq!(largest, Some(500));
}

#[tokio::test(start_paused = true)]
async fn another_process_waits_for_them_too() {
    let world = World::booting_in(Duration::from_secs(20)).await;
    let launch = world.ec2.launch(&world.request("t1", 2)).await.unwrap();
    let other = Ec2::from_config(&world.sim.sdk_config());
    for id in ids(&launch.instances) {
        other.wait(&id, Goal::Running, within(60)).await.unwrap();
    }
    let running = world.sim.running();
    assert!(running.iter().all(|truth| world.sim.now().duration_since(truth.since).as_secs_f64() <= SECOND));
}

#[tokio::test(start_paused = true)]
async fn a_launch_that_another_process_replays_is_as_old_as_it_is() {
    for delay in [10, 25, 100] {
        let world = World::booting_in(Duration::from_secs(30)).await;
        world.ec2.launch(&world.request("t1", 20)).await.unwrap();
        tokio::time::sleep(Duration::from_secs(delay)).await;
        let start = world.sim.now();
        let restarted = World { ec2: Ec2::from_config(&world.sim.sdk_config()), ..world };
        let (late, _) = launch_and_wait(&restarted, "t1", 20).await;
        let since = restarted.sim.now().duration_since(start).as_secs_f64();
        assert!(late.min(since) <= SECOND, "replayed after {delay} s: {late} s");
    }
}

#[tokio::test(start_paused = true)]
async fn a_launch_that_fails_late_ends_the_wait_with_the_reason() {
    let world = World::new().await;
    world
        .sim
        .faults()
        .always("RunInstances", Fault::LateLaunchFailure("Client.VolumeLimitExceeded".to_owned()));
    let launch = world.ec2.launch(&world.request("t1", 1)).await.unwrap();
    let error = world.ec2.wait(&launch.instances[0].id, Goal::Running, within(600)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Failed);
    assert!(error.message().contains("Client.VolumeLimitExceeded"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_deadline_ends_the_wait_with_a_diagnosis() {
    let world = World::booting_in(Duration::from_secs(3_000)).await;
    let launch = world.ec2.launch(&world.request("t1", 1)).await.unwrap();
    let error = world.ec2.wait(&launch.instances[0].id, Goal::Running, within(60)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(error.message().contains("state pending"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn what_a_guest_prints_is_in_the_diagnosis_and_in_no_error() {
    let world = World::booting_in(Duration::from_secs(5)).await;
    let launch = world.ec2.launch(&world.request("t1", 1)).await.unwrap();
    let id = &launch.instances[0].id;
    world.ec2.wait(id, Goal::Running, within(60)).await.unwrap();
    let tail = world.ec2.diagnose(id).await.console_tail.unwrap();
    assert!(tail.lines().any(|line| line.contains("login:")), "{tail}");
    let late = world.ec2.wait(id, Goal::Terminated, within(60)).await.unwrap_err();
    let client = aws_sdk_ec2::Client::new(&world.sim.sdk_config());
    client.stop_instances().instance_ids(id.as_str()).send().await.unwrap();
    let stopped = world.ec2.wait(id, Goal::Running, within(60)).await.unwrap_err();
    assert_eq!((late.kind(), stopped.kind()), (ErrorKind::Timeout, ErrorKind::Failed));
    for error in [late, stopped] {
        let text = format!("{error} {error:?} {}", error.chain());
        assert!(text.contains("state "), "it says what EC2 says: {text}");
        assert!(tail.lines().all(|line| !text.contains(line)), "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_watcher_that_cannot_see_does_not_say_that_the_instance_is_late() {
    let faults = [
        (Fault::Error { code: "Unavailable".to_owned(), status: 503 }, ErrorKind::Unavailable),
        (Fault::Throttle, ErrorKind::Throttled),
        (Fault::ReplyLostBefore, ErrorKind::Unavailable),
    ];
    for (fault, kind) in faults {
        let world = World::booting_in(Duration::from_secs(20)).await;
        let launch = world.ec2.launch(&world.request("t1", 1)).await.unwrap();
        world.sim.faults().always("DescribeInstances", fault.clone());
        for goal in [Goal::Running, Goal::Terminated] {
            let error = world.ec2.wait(&launch.instances[0].id, goal, within(120)).await.unwrap_err();
            assert_eq!((error.kind(), error.is_temporary()), (kind, true), "{fault:?}: {error:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_watcher_that_was_never_answered_does_not_say_that_the_instance_is_late() {
    let world = World::booting_in(Duration::from_secs(20)).await;
    let launch = world.ec2.launch(&world.request("t1", 1)).await.unwrap();
    world.sim.faults().always("DescribeInstances", Fault::Slow(Duration::from_secs(600)));
    let error = world.ec2.wait(&launch.instances[0].id, Goal::Running, within(50)).await.unwrap_err();
    assert_eq!((error.kind(), error.is_temporary()), (ErrorKind::Unavailable, true), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn a_deadline_before_the_next_call_gets_a_last_look() {
    let world = World::booting_in(Duration::from_secs(6)).await;
    let launch = world.ec2.launch(&world.request("t1", 50)).await.unwrap();
    let waits =
        launch.instances.iter().map(|instance| world.ec2.wait(&instance.id, Goal::Running, within(8)));
    assert!(join_all(waits).await.iter().all(Result::is_ok));
}

#[tokio::test(start_paused = true)]
async fn ids_that_cannot_be_seen_yet_are_waited_for() {
    let world = World::booting_in(Duration::from_secs(5)).await;
    world.sim.faults().nth("RunInstances", 1, Fault::UnknownIdFor(Duration::from_secs(12)));
    let hidden = world.ec2.launch(&world.request("t1", 1)).await.unwrap();
    let seen = world.ec2.launch(&world.request("t2", 1)).await.unwrap();
    let wait = async |instance: &Instance| world.ec2.wait(&instance.id, Goal::Running, within(60)).await;
    let start = tokio::time::Instant::now();
    let (hidden, seen) = tokio::join!(wait(&hidden.instances[0]), async {
        wait(&seen.instances[0]).await.map(|_| start.elapsed())
    });
    assert!(hidden.is_ok());
    assert!(seen.unwrap() < Duration::from_secs(7), "the other is not held up");
}

#[tokio::test(start_paused = true)]
async fn throttled_and_lost_describes_are_borne() {
    let world = World::new().await;
    world.sim.faults().sometimes("DescribeInstances", 0.3, Fault::Throttle);
    world.sim.faults().sometimes("DescribeInstances", 0.2, Fault::ReplyLostBefore);
    let launch = world.ec2.launch(&world.request("t1", 20)).await.unwrap();
    let waits =
        launch.instances.iter().map(|instance| world.ec2.wait(&instance.id, Goal::Running, within(300)));
    assert!(join_all(waits).await.iter().all(Result::is_ok));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_ends_every_wait() {
    let world = World::new().await;
    let launch = world.ec2.launch(&world.request("t1", 3)).await.unwrap();
    world.sim.deny("ec2:DescribeInstances");
    let waits =
        launch.instances.iter().map(|instance| world.ec2.wait(&instance.id, Goal::Running, within(300)));
    for outcome in join_all(waits).await {
        assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Forbidden);
    }
}

#[tokio::test(start_paused = true)]
async fn one_who_stops_waiting_hurts_nobody_and_nobody_waiting_costs_nothing() {
    let world = World::booting_in(Duration::from_secs(30)).await;
    let launch = world.ec2.launch(&world.request("t1", 2)).await.unwrap();
    let [one, two] = [0, 1].map(|index| launch.instances[index].id.clone());
    let impatient =
        tokio::time::timeout(Duration::from_secs(3), world.ec2.wait(&one, Goal::Running, within(60)));
    let (gone, seen) = tokio::join!(impatient, world.ec2.wait(&two, Goal::Running, within(60)));
    assert!(gone.is_err());
    assert!(seen.is_ok());
    let calls = world.sim.calls().total();
    tokio::time::sleep(Duration::from_secs(3_600)).await;
    assert_eq!(world.sim.calls().total(), calls);
}

#[test]
fn a_runtime_that_ends_takes_nobody_elses_wait_with_it() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let latency = Latencies::builder().boot(Duration::from_millis(1_500)).jitter(0.0).build();
    let (first, second) = (runtime(), runtime());
    let world = first.block_on(World::with(Sim::builder().latency(latency).build()));
    let launch = first.block_on(world.ec2.launch(&world.request("t1", 2))).unwrap();
    let [one, two] = [0, 1].map(|index| launch.instances[index].id.clone());
    let ec2 = world.ec2.clone();
    let waiting = first.spawn(async move { ec2.wait(&one, Goal::Running, within(60)).await });
    first.block_on(tokio::task::yield_now());
    let ec2 = world.ec2.clone();
    let other = std::thread::spawn(move || {
        second.block_on(async { ec2.wait(&two, Goal::Running, within(60)).await })
    });
    first.block_on(async { tokio::time::sleep(Duration::from_millis(300)).await });
    drop(waiting);
    drop(first);
    assert!(other.join().unwrap().is_ok());
}
