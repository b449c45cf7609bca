//! Instances that are nobody's, which a controller finds by itself.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use ec2_stories_core::deployment::{EventKind, Stray};
use ec2_stories_core::memory::{Fault, Operation};
use ec2_stories_core::model::{Generation, InstanceId, InstanceState, LaunchRequest, Slots};
use ec2_stories_core::provider::{Hold, InstanceDeployer};
use ec2_stories_core::{Clock, Deployment, Running};
use futures::StreamExt;
use tokio::time::{Instant, sleep, sleep_until};

use super::super::support;
use super::world::{World, debian};

/// What a controller told of strays.
type Told = Arc<Mutex<Vec<Stray>>>;

/// A shop whose only node is in its second generation, and the time at which it began.
struct Shop {
    world: World,
    deployment: Deployment,
    running: Running,
    told: Told,
    began: Instant,
}

impl Shop {
    async fn new() -> Self {
        let world = World::new();
        let deployment = world.shop([debian("web", 1).build().unwrap()]);
        // Its lease is renewed every 20 minutes: until then only the head says who has the deployment.
        let deployment = deployment.leased_for(Duration::from_secs(3600)).unwrap();
        world.cloud.fail_boot("Server.InternalError", "Internal error on launch");
        let began = Instant::now();
        let running = deployment.start().await.unwrap();
        let (told, mut events) = (Told::default(), Box::pin(running.events()));
        let tell = Arc::clone(&told);
        tokio::spawn(async move {
            while let Some(event) = events.next().await {
                if let EventKind::Stray(stray) = event.kind {
                    tell.lock().unwrap().push(stray);
                }
            }
        });
        running.ready().await.unwrap();
        Self { world, deployment, running, told, began }
    }

    /// An instance of the node's first generation, as one that a terminate missed, unless it is changed.
    async fn stray(&self, change: impl FnOnce(&mut LaunchRequest)) -> InstanceId {
        let mut request = support::request(&self.world.cloud, "", 1).await;
        request.ownership.slots = Slots::new([0]);
        // No launch of the shop's own came so far.
        request.ownership.attempt = 7;
        change(&mut request);
        request.token = self.world.token(&request.ownership);
        self.world.cloud.launch(&request).await.unwrap().instances.remove(0).id
    }

    fn lives(&self, id: &InstanceId) -> bool {
        let instances = self.world.cloud.instances();
        let its = instances.iter().find(|instance| instance.id == *id).unwrap();
        matches!(its.state, InstanceState::Pending | InstanceState::Running)
    }

    async fn until(&self, seconds: u64) {
        sleep_until(self.began + Duration::from_secs(seconds)).await;
    }

    fn told(&self, id: &InstanceId) -> Vec<(bool, String)> {
        let told = self.told.lock().unwrap();
        let its = told.iter().filter(|stray| stray.instance == *id);
        its.map(|stray| (stray.terminated, stray.why.clone())).collect()
    }

    async fn end(self) {
        self.running.terminate().await.unwrap().assert_clean();
        self.world.assert_nothing_is_left();
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_terminate_missed_is_ended_once_it_was_seen_twice() {
    let shop = Shop::new().await;
    let missed = shop.stray(|_| {}).await;
    shop.until(650).await;
    assert!(shop.lives(&missed), "once is not enough");
    shop.until(720).await;
    assert!(!shop.lives(&missed));
    assert_eq!(shop.told(&missed), [(true, "of an older generation, seen twice".to_owned())]);
    let searches = shop.world.cloud.script().count(Operation::Find);
    shop.until(720 + 6 * 3600).await;
    let searches = shop.world.cloud.script().count(Operation::Find) - searches;
    assert_eq!(searches, 36, "one each ten minutes");
    assert_eq!((shop.world.cloud.live(), shop.told.lock().unwrap().len()), (1, 1));
    shop.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_terminate_that_was_not_accepted_is_repeated() {
    let shop = Shop::new().await;
    let missed = shop.stray(|_| {}).await;
    shop.world.cloud.fail(Operation::Terminate, Fault::Before);
    shop.until(1200).await;
    assert!(shop.lives(&missed));
    shop.until(1400).await;
    assert!(!shop.lives(&missed));
    assert_eq!(shop.told(&missed).iter().map(|(ended, _)| *ended).collect::<Vec<_>>(), [false, true]);
    shop.end().await;
}

#[tokio::test(start_paused = true)]
async fn anything_else_that_is_nobodys_is_told_of_once_and_left() {
    let shop = Shop::new().await;
    let newer = shop.stray(|request| request.ownership.generation = Generation(3)).await;
    let twin = shop.stray(|request| request.ownership.generation = Generation(2)).await;
    let unknown = shop.stray(|request| request.ownership.slots = Slots::new([7])).await;
    let foreign = shop.stray(|request| request.ownership.deployment = "other".parse().unwrap()).await;
    shop.until(4 * 3600).await;
    for left in [&newer, &twin, &unknown] {
        assert!(shop.lives(left));
        assert_eq!(shop.told(left), [(false, "not of an older generation: look at it".to_owned())]);
    }
    assert!(shop.lives(&foreign) && shop.told(&foreign).is_empty());
    shop.world.cloud.kill(&foreign, "Client", "the test is over");
    shop.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_search_that_fails_is_no_sighting() {
    let shop = Shop::new().await;
    let missed = shop.stray(|_| {}).await;
    shop.until(610).await;
    shop.world.cloud.fail(Operation::Find, Fault::Before);
    shop.until(1250).await;
    assert!(shop.lives(&missed));
    shop.until(1320).await;
    assert!(!shop.lives(&missed));
    shop.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_search_that_does_not_show_it_in_between_begins_anew() {
    let shop = Shop::new().await;
    let missed = shop.stray(|_| {}).await;
    shop.until(610).await;
    shop.world.cloud.hide(&missed, true);
    shop.until(700).await;
    shop.world.cloud.hide(&missed, false);
    shop.until(1310).await;
    assert!(shop.lives(&missed));
    shop.until(1400).await;
    assert!(!shop.lives(&missed));
    shop.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_search_that_shows_none_of_the_nodes_ends_and_launches_nothing() {
    let shop = Shop::new().await;
    let instance = shop.running.nodes()[0].instance.clone().unwrap().id;
    shop.world.cloud.hide(&instance, true);
    let launched = shop.world.cloud.instances().len();
    shop.until(4 * 3600).await;
    assert!(shop.lives(&instance));
    assert_eq!(shop.world.cloud.instances().len(), launched);
    shop.world.cloud.hide(&instance, false);
    shop.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_hold_and_a_pause_keep_it() {
    let shop = Shop::new().await;
    let missed = shop.stray(|_| {}).await;
    let until = shop.world.cloud.clock().now() + Duration::from_secs(3600);
    let hold = Hold { owner: "ada".to_owned(), reason: "a look at it".to_owned(), until };
    shop.running.hold(&"web/0".parse().unwrap(), hold).await.unwrap();
    sleep(Duration::from_secs(3500)).await;
    shop.running.pause("ada", "the network is worked on").await.unwrap();
    sleep(Duration::from_secs(7200)).await;
    assert!(shop.lives(&missed));
    let told = shop.told(&missed);
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].1.contains("held by ada") && told[1].1.contains("paused by ada"), "{told:?}");
    shop.running.resume().await.unwrap();
    sleep(Duration::from_secs(700)).await;
    assert!(!shop.lives(&missed));
    shop.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_deposed_controller_ends_none() {
    let shop = Shop::new().await;
    let missed = shop.stray(|_| {}).await;
    shop.until(630).await;
    shop.deployment.start().await.unwrap().kill().await;
    shop.until(3 * 3600).await;
    assert!(shop.lives(&missed), "the one that has the deployment by now is dead");
    let running = shop.deployment.start().await.unwrap();
    sleep(Duration::from_secs(700)).await;
    assert!(!shop.lives(&missed));
    running.terminate().await.unwrap().assert_clean();
    shop.world.assert_nothing_is_left();
}
