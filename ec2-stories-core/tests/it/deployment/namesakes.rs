//! Two deployments of one name in one account, each with a journal of its own; and one deployment whose journal was lost.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use ec2_stories_core::deployment::EventKind;
use ec2_stories_core::model::{InstanceId, InstanceState, Mode};
use ec2_stories_core::provider::Severity;
use ec2_stories_core::{Deployment, MemoryStore, Running};
use futures::StreamExt;
use tokio::time::sleep;

use super::world::{World, debian};

/// Two worlds of one cloud, whose deployments began before either had launched anything.
struct Both {
    ours: World,
    theirs: World,
    running: Running,
    others: Running,
}

impl Both {
    async fn new() -> Self {
        let ours = World { mode: Mode::Production, ..World::new() };
        let theirs = beside(&ours);
        let (shop, other) = (shop(&ours), shop(&theirs));
        let (running, others) = tokio::join!(shop.start(), other.start());
        let (running, others) = (running.unwrap(), others.unwrap());
        running.ready().await.unwrap();
        others.ready().await.unwrap();
        assert_eq!(ours.cloud.live(), 4);
        Self { ours, theirs, running, others }
    }
}

/// The same cloud, and another journal.
fn beside(world: &World) -> World {
    World { cloud: world.cloud.clone(), store: MemoryStore::new(), mode: world.mode }
}

fn shop(world: &World) -> Deployment {
    world.shop([debian("web", 2).build().unwrap()])
}

fn ids(running: &Running) -> Vec<InstanceId> {
    running.nodes().into_iter().map(|node| node.instance.unwrap().id).collect()
}

fn live(world: &World, ids: &[InstanceId]) -> usize {
    let instances = world.cloud.instances();
    let its = instances.iter().filter(|instance| ids.contains(&instance.id));
    its.filter(|instance| instance.state == InstanceState::Running).count()
}

/// The strays that are told of from now on, and how often.
fn told(running: &Running) -> Arc<Mutex<Vec<(InstanceId, String)>>> {
    let told = Arc::<Mutex<Vec<_>>>::default();
    let (tell, mut events) = (Arc::clone(&told), Box::pin(running.events()));
    tokio::spawn(async move {
        while let Some(event) = events.next().await {
            if let EventKind::Stray(stray) = event.kind {
                tell.lock().unwrap().push((stray.instance, stray.why));
            }
        }
    });
    told
}

#[tokio::test(start_paused = true)]
async fn neither_ends_what_the_other_has_and_each_says_so_once() {
    let Both { ours, theirs, running, others } = Both::new().await;
    let told = told(&running);
    // From now on the others' instance of this node is of an earlier generation than ours.
    ours.cloud.kill(&ids(&running)[0], "Client", "somebody else ended it");
    sleep(Duration::from_secs(3 * 3600)).await;
    let foreign = ids(&others);
    assert_eq!(live(&ours, &foreign), 2, "{:?}", told.lock().unwrap());
    let said: Vec<_> = told.lock().unwrap().clone();
    let once: Vec<_> = said.iter().map(|(id, _)| id.clone()).collect();
    assert_eq!(once, foreign, "each once");
    assert!(said.iter().all(|(_, why)| why.contains("under another journal")), "{said:?}");

    let status = shop(&ours).status().await.unwrap();
    assert_eq!((status.foreign.len(), status.strays.len()), (2, 0));
    assert!(status.to_string().contains("another deployment has this name"), "{status}");
    assert!(shop(&ours).sweep().await.unwrap().strays.iter().all(|stray| !stray.terminated));

    let report = running.terminate().await.unwrap();
    report.assert_clean();
    assert!(report.problems.iter().any(|problem| problem.contains(foreign[0].as_str())), "{report}");
    assert_eq!(live(&ours, &foreign), 2);
    others.ready().await.unwrap();
    others.terminate().await.unwrap().assert_clean();
    theirs.assert_nothing_is_left();
}

#[tokio::test(start_paused = true)]
async fn neither_takes_up_what_the_other_has() {
    let Both { ours, theirs, running, others } = Both::new().await;
    let own = ids(&running);
    // Theirs is of a later generation than ours.
    theirs.cloud.kill(&ids(&others)[0], "Client", "somebody else ended it");
    sleep(Duration::from_secs(600)).await;
    running.kill().await;
    let plan = shop(&ours).plan().await.unwrap();
    assert!(plan.is_sound() && plan.strays.is_empty(), "{plan}");
    assert!(plan.findings().iter().any(|finding| finding.field == "name"), "{plan}");
    let running = shop(&ours).start().await.unwrap();
    let told = told(&running);
    running.ready().await.unwrap();
    assert_eq!(ids(&running), own);
    assert_eq!((ours.cloud.live(), told.lock().unwrap().len()), (4, 2));
    running.terminate().await.unwrap().assert_clean();

    let plan = shop(&ours).plan().await.unwrap();
    let errors = plan.findings().iter().filter(|finding| finding.severity == Severity::Error);
    assert_eq!(errors.count(), 1, "it would begin anew beside the other\n{plan}");
    let error = shop(&ours).start().await.unwrap_err();
    assert!(error.to_string().contains(ids(&others)[0].as_str()), "{error}");
    shop(&ours).terminate().await.unwrap().assert_clean();
    assert_eq!(ours.cloud.live(), 2);
    others.terminate().await.unwrap().assert_clean();
    theirs.assert_nothing_is_left();
}

#[tokio::test(start_paused = true)]
async fn a_new_journal_takes_over_from_one_that_was_lost_for_good() {
    let world = World { mode: Mode::Production, ..World::new() };
    let running = shop(&world).start().await.unwrap();
    running.ready().await.unwrap();
    let own = ids(&running);
    running.kill().await;
    let world = beside(&world);
    assert!(shop(&world).plan().await.unwrap().to_string().contains("journal was lost"));
    for _ in 0..3 {
        let running = shop(&world).start().await.unwrap();
        running.ready().await.unwrap();
        assert_eq!((ids(&running), world.cloud.instances().len()), (own.clone(), 2));
        running.kill().await;
    }
    shop(&world).terminate().await.unwrap().assert_clean();
    world.assert_nothing_is_left();
}

#[tokio::test(start_paused = true)]
async fn a_termination_by_name_goes_on_after_a_death() {
    let world = World { mode: Mode::Production, ..World::new() };
    let running = shop(&world).start().await.unwrap();
    running.ready().await.unwrap();
    running.kill().await;
    let world = beside(&world);
    // What a search shows late is found by the last one.
    let hidden = world.cloud.instances()[0].id.clone();
    world.cloud.hide(&hidden, true);
    tokio::time::timeout(Duration::from_secs(5), shop(&world).terminate()).await.unwrap_err();
    world.cloud.hide(&hidden, false);
    shop(&world).terminate().await.unwrap().assert_clean();
    world.assert_nothing_is_left();
}
