//! The end: once, in order, whatever fails.

use std::time::Duration;

use ec2_stories_core::deployment::{Ending, EventKind};
use ec2_stories_core::memory::{Fault, Operation};
use ec2_stories_core::{Error, ErrorKind, Result};
use futures::StreamExt;

use super::world::{World, debian};

fn forbidden() -> Fault {
    Fault::Error(Error::new(ErrorKind::Forbidden, "not yours").code("UnauthorizedOperation"))
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_terminated_is_reported_as_a_leak_and_can_be_ended_later() {
    let world = World::new();
    let web = debian("web", 2).after("db").build().unwrap();
    let shop = world.shop([debian("db", 1).build().unwrap(), web]);
    let running = shop.start().await.unwrap();
    running.ready().await.unwrap();
    for _ in 0..4 {
        world.cloud.fail(Operation::Terminate, forbidden());
    }
    let report = running.terminate().await.unwrap();
    assert!(!report.is_clean());
    assert_eq!(report.leaks().iter().filter(|leak| leak.resource.starts_with("i-")).count(), 3, "{report}");
    assert!(report.to_string().contains("LEAK: i-"), "{report}");
    world.cloud.script().heal();
    shop.terminate().await.unwrap().assert_clean();
    world.assert_nothing_is_left();
}

#[tokio::test(start_paused = true)]
async fn one_failing_cleanup_does_not_keep_the_others_from_being_tried() {
    let world = World::new();
    let running = world.shop([debian("web", 2).build().unwrap()]).start().await.unwrap();
    running.ready().await.unwrap();
    world.cloud.fail(Operation::RemoveGroups, forbidden());
    let report = running.terminate().await.unwrap();
    assert_eq!(report.leaks().len(), 1, "{report}");
    assert_eq!(report.leaks()[0].resource, "security groups of shop");
    assert_eq!(world.cloud.script().count(Operation::RemoveKeys), 1);
    assert_eq!(world.cloud.live(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_end_in_the_middle_of_the_start_takes_everything_down() {
    for after in [0, 1, 15, 31, 45, 70] {
        let world = World::new();
        let web = debian("web", 2).after("db").build().unwrap();
        let running = world.shop([debian("db", 1).build().unwrap(), web]).start().await.unwrap();
        tokio::time::sleep(Duration::from_secs(after)).await;
        let report = running.terminate().await.unwrap();
        assert!(report.is_clean(), "after {after} s: {report}");
        assert_eq!(world.cloud.live(), 0, "after {after} s");
        world.assert_nothing_is_left();
    }
}

#[tokio::test(start_paused = true)]
async fn a_scope_ends_what_it_started_whatever_happens_in_it() {
    let world = World::new();
    let shop = world.shop([debian("web", 2).build().unwrap()]);
    let (nodes, report) =
        shop.run(async |running| running.ready().await.map(|()| running.nodes())).await.unwrap();
    assert_eq!(nodes.len(), 2);
    report.assert_clean();
    world.assert_nothing_is_left();

    let failed: Result<((), _)> =
        shop.run(async |_| Err(Error::new(ErrorKind::Canceled, "changed my mind"))).await;
    assert_eq!(failed.unwrap_err().kind(), ErrorKind::Canceled);
    world.assert_nothing_is_left();

    let task = tokio::spawn(async move {
        let _ =
            shop.run(async |running| -> Result<()> { panic!("on {} nodes", running.nodes().len()) }).await;
    });
    assert!(task.await.unwrap_err().is_panic());
    world.assert_nothing_is_left();
}

#[tokio::test(start_paused = true)]
async fn the_first_cause_is_reported() {
    let world = World::new();
    let shop = world.shop([debian("web", 1).build().unwrap()]);
    let running = shop.start().await.unwrap();
    running.ready().await.unwrap();
    let (first, second) = tokio::join!(running.terminate(), running.terminate());
    assert_eq!(first.unwrap().nodes(), second.unwrap().nodes());
    assert_eq!(world.cloud.script().count(Operation::Terminate), 1);
}

#[tokio::test(start_paused = true)]
async fn a_controller_that_another_has_replaced_touches_nothing() {
    let world = World::new();
    let shop = world.shop([debian("web", 2).build().unwrap()]);
    let former = shop.start().await.unwrap();
    former.ready().await.unwrap();
    let current = shop.start().await.unwrap();
    current.ready().await.unwrap();
    let report = former.terminate().await.unwrap();
    assert_eq!(report.ending, Ending::Detached, "{report}");
    assert!(report.problems[0].contains("another process"), "{report}");
    assert_eq!(world.cloud.live(), 2);
    current.terminate().await.unwrap().assert_clean();
    world.assert_nothing_is_left();
}

#[tokio::test(start_paused = true)]
async fn a_journal_that_cannot_be_written_does_not_keep_nodes_alive() {
    let world = World::new();
    let running = world.shop([debian("web", 2).build().unwrap()]).start().await.unwrap();
    running.ready().await.unwrap();
    let calls = world.store.script().calls().len();
    for index in calls..calls + 50 {
        world.store.fail(index, Fault::Error(Error::new(ErrorKind::Io, "disk full")));
    }
    let report = running.terminate().await.unwrap();
    report.assert_clean();
    assert!(report.problems.iter().any(|problem| problem.contains("disk full")), "{report}");
    world.assert_nothing_is_left();
}

#[tokio::test(start_paused = true)]
async fn a_begun_end_is_finished_before_a_new_start() {
    let world = World::new();
    let shop = world.shop([debian("web", 2).build().unwrap()]);
    let running = shop.start().await.unwrap();
    running.ready().await.unwrap();
    world.cloud.fail(Operation::Terminate, Fault::StallAfter);
    tokio::select! {
        _ = running.terminate() => unreachable!("the call is stalled"),
        () = world.cloud.script().stalled() => {}
    }
    running.kill().await;
    assert_eq!(shop.status().await.unwrap().stage, "terminating");
    let again = shop.start().await.unwrap();
    again.ready().await.unwrap();
    assert_eq!((world.cloud.live(), world.cloud.instances().len()), (2, 4));
    again.terminate().await.unwrap().assert_clean();
}

#[tokio::test(start_paused = true)]
async fn the_first_reader_of_events_misses_none() {
    let world = World::new();
    let running = world.shop([debian("web", 2).build().unwrap()]).start().await.unwrap();
    running.ready().await.unwrap();
    let events = running.events();
    running.terminate().await.unwrap().assert_clean();
    let kinds: Vec<EventKind> = events.map(|event| event.kind).collect().await;
    assert!(matches!(kinds[0], EventKind::Prepared { .. }), "{kinds:?}");
    assert!(kinds.contains(&EventKind::Ready));
    assert_eq!(kinds.last(), Some(&EventKind::Terminated));
}

#[tokio::test(start_paused = true)]
async fn a_throttled_launch_is_not_repeated_after_the_end_began() {
    let world = World::new();
    let throttled = Error::new(ErrorKind::Throttled, "Request limit exceeded.");
    world.cloud.fail(Operation::Launch, Fault::Error(throttled));
    let running = world.shop([debian("web", 3).build().unwrap()]).start().await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(world.cloud.script().count(Operation::Launch), 1);
    running.terminate().await.unwrap().assert_clean();
    assert_eq!(world.cloud.instances().len(), 0);
}
