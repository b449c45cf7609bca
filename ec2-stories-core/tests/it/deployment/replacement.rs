//! Nodes that die, and nodes that are to leave: replaced, in virtual time.

use std::sync::Arc;
use std::time::Duration;

use ec2_stories_core::deployment::machine::Phase;
use ec2_stories_core::deployment::{DeploymentBuilder, Event, EventKind, NodeStatus};
use ec2_stories_core::memory::{
    Customization, Fault, MemoryCloud, MemoryCustomizer, MemoryMonitor, MemoryRegistrar, Operation, Registry,
    ScriptedProbe,
};
use ec2_stories_core::model::{Generation, Health, InstanceState, Mode, Replace, Within};
use ec2_stories_core::provider::{Customizer, Hold, Liveness, Node, StepReport, Verdict};
use ec2_stories_core::{Clock, Deployment, Error, ErrorKind, Fleet, Result, Running};
use futures::StreamExt;
use tokio::time::{Instant, sleep, timeout};

use super::world::{World, debian};

/// A shop with a monitor whose verdicts the test writes.
pub(super) struct Shop {
    pub(super) world: World,
    pub(super) monitor: MemoryMonitor,
    pub(super) packages: MemoryCustomizer,
    pub(super) names: MemoryRegistrar,
}

impl Shop {
    pub(super) fn new() -> Self {
        let world = World::new();
        let monitor = MemoryMonitor::new(Arc::new(world.cloud.clock()));
        let packages = MemoryCustomizer::new("packages", ["update", "install"]);
        Self { world, monitor, packages, names: MemoryRegistrar::new() }
    }

    pub(super) fn describe(&self, fleets: impl IntoIterator<Item = Fleet>) -> Deployment {
        let clock = Arc::new(self.world.cloud.clock());
        let builder = Deployment::builder().name("shop").mode(self.world.mode).clock(clock);
        let builder = builder.cloud(self.world.cloud.clone()).journal(self.world.store.clone());
        let builder = builder.monitor(self.monitor.clone());
        fleets.into_iter().fold(builder, DeploymentBuilder::fleet).build().unwrap()
    }

    pub(super) fn web(&self, nodes: u32) -> Fleet {
        debian("web", nodes).customize(self.packages.clone()).registrar(self.names.clone()).build().unwrap()
    }

    pub(super) async fn start(&self, fleets: impl IntoIterator<Item = Fleet>) -> Running {
        let running = self.describe(fleets).start().await.unwrap();
        running.ready().await.unwrap();
        running
    }

    pub(super) fn dead(&self, node: &str) {
        self.monitor.judge(&node.parse().unwrap(), Verdict::Replace("no answer".to_owned()));
    }
}

pub(super) fn node(running: &Running, address: &str) -> NodeStatus {
    let address = address.parse().unwrap();
    running.nodes().into_iter().find(|node| node.address == address).unwrap()
}

/// Waits until the node is as wanted.
pub(super) async fn until(running: &Running, address: &str, wanted: impl Fn(&NodeStatus) -> bool) {
    let seen = async {
        while !wanted(&node(running, address)) {
            sleep(Duration::from_millis(250)).await;
        }
    };
    let hours = timeout(Duration::from_secs(4 * 3600), seen).await;
    hours.unwrap_or_else(|_| panic!("{:?}", node(running, address)));
}

pub(super) fn is_live(generation: u32) -> impl Fn(&NodeStatus) -> bool {
    move |node| node.phase == Phase::Live && node.generation == Generation(generation)
}

#[tokio::test(start_paused = true)]
async fn a_dead_node_is_terminated_and_its_next_generation_customized_and_registered() {
    let shop = Shop::new();
    let running = shop.start([shop.web(3)]).await;
    let before = node(&running, "web/1").instance.unwrap();
    shop.dead("web/1");
    until(&running, "web/1", is_live(2)).await;
    let after = node(&running, "web/1");
    let instance = after.instance.unwrap();
    assert_eq!(after.death.as_deref(), Some("no answer"));
    assert_ne!(instance.id, before.id);
    assert_eq!(shop.packages.done(&instance.id).len(), 2);
    assert_eq!(shop.names.lookup("web-1.shop"), instance.private_ip);
    let old = shop.world.cloud.instances().into_iter().find(|seen| seen.id == before.id).unwrap();
    assert_eq!(old.state, InstanceState::Terminated);
    assert_eq!(shop.world.cloud.instances().len(), 4, "nothing else was replaced");
    running.terminate().await.unwrap().assert_clean();
    shop.world.assert_nothing_is_left();
    assert!(shop.names.names().is_empty());
}

fn leaving(shop: &Shop, node: &str, within: u64) {
    let by = shop.world.cloud.clock().now() + Duration::from_secs(within);
    shop.monitor.judge(&node.parse().unwrap(), Verdict::Leaving { why: "spot-interruption".to_owned(), by });
}

fn hold(shop: &Shop, seconds: u64) -> Hold {
    let until = shop.world.cloud.clock().now() + Duration::from_secs(seconds);
    Hold { owner: "ops".to_owned(), reason: "upgrade".to_owned(), until }
}

#[tokio::test(start_paused = true)]
async fn what_leaves_is_deregistered_and_drained_and_undone_within_its_time() {
    for (within, drained) in [(120, 30), (10, 10)] {
        let shop = Shop::new();
        let running = shop.start([shop.web(2)]).await;
        let before = node(&running, "web/0").instance.unwrap().id;
        let began = Instant::now();
        leaving(&shop, "web/0", within);
        until(&running, "web/0", |node| node.phase == Phase::Draining).await;
        assert_eq!(shop.names.names(), ["web-1.shop"]);
        assert_eq!(shop.packages.done(&before).len(), 2);
        until(&running, "web/0", |node| node.phase == Phase::Terminating).await;
        assert_eq!(began.elapsed().as_secs(), drained);
        assert_eq!(shop.packages.done(&before).len(), if within > 30 { 0 } else { 2 });
        until(&running, "web/0", is_live(2)).await;
        running.terminate().await.unwrap().assert_clean();
        shop.world.assert_nothing_is_left();
    }
}

#[tokio::test(start_paused = true)]
async fn a_hold_at_the_last_moment_lets_the_node_go_back_unharmed() {
    for leaves in [true, false] {
        let shop = Shop::new();
        let running = shop.start([shop.web(2)]).await;
        let before = node(&running, "web/0").instance.unwrap().id;
        if leaves {
            leaving(&shop, "web/0", 600);
        } else {
            // The registrar does not answer at once: time enough for somebody to come in between.
            shop.names.script().fail(Registry::Deregister, Fault::Before);
            shop.dead("web/0");
        }
        until(&running, "web/0", |node| matches!(node.phase, Phase::Draining | Phase::Deregistering)).await;
        running.hold(&"web/0".parse().unwrap(), hold(&shop, 3600)).await.unwrap();
        until(&running, "web/0", is_live(1)).await;
        sleep(Duration::from_secs(1800)).await;
        let after = node(&running, "web/0");
        assert_eq!((after.phase, after.instance.unwrap().id), (Phase::Live, before.clone()));
        let registered = if leaves { 2 } else { 1 };
        assert_eq!(shop.names.names().len(), registered, "registered again, unless it is dead");
        assert_eq!(shop.packages.done(&before).len(), 2, "and customized");
        assert_eq!(shop.world.cloud.instances().len(), 2);
        if !leaves {
            running.release(&"web/0".parse().unwrap()).await.unwrap();
            until(&running, "web/0", is_live(2)).await;
        }
        running.terminate().await.unwrap().assert_clean();
    }
}

#[tokio::test(start_paused = true)]
async fn a_hold_says_who_why_and_for_how_long() {
    let shop = Shop::new();
    let running = shop.start([shop.web(1)]).await;
    let web = "web/0".parse().unwrap();
    let refused = async |hold: Hold| running.hold(&web, hold).await.unwrap_err().to_string();
    assert!(refused(Hold { owner: String::new(), ..hold(&shop, 60) }).await.contains("hold.owner"));
    assert!(refused(Hold { reason: " ".to_owned(), ..hold(&shop, 60) }).await.contains("hold.reason"));
    assert!(refused(hold(&shop, 0)).await.contains("hold.until"));
    assert!(refused(hold(&shop, 25 * 3600)).await.contains("24 hours"));
    let unknown = running.hold(&"web/7".parse().unwrap(), hold(&shop, 60)).await.unwrap_err();
    assert_eq!(unknown.kind(), ErrorKind::NotFound);
    running.terminate().await.unwrap().assert_clean();
}

#[tokio::test(start_paused = true)]
async fn a_registration_that_cannot_be_ended_holds_nothing_up() {
    let shop = Shop::new();
    let running = shop.start([shop.web(2)]).await;
    let refused = Error::new(ErrorKind::Forbidden, "not yours");
    shop.names.script().fail(Registry::Deregister, Fault::Error(refused));
    shop.dead("web/0");
    until(&running, "web/0", is_live(2)).await;
    let instance = node(&running, "web/0").instance.unwrap();
    assert_eq!(shop.names.lookup("web-0.shop"), instance.private_ip);
    let report = running.terminate().await.unwrap();
    report.assert_clean();
    assert!(report.nodes()[0].problems.iter().any(|problem| problem.contains("not yours")), "{report}");
}

#[tokio::test(start_paused = true)]
async fn what_ends_while_it_is_customized_is_a_loss() {
    let shop = Shop::new();
    shop.packages.script().fail(0, Fault::StallBefore);
    let running = shop.describe([shop.web(1)]).start().await.unwrap();
    until(&running, "web/0", |node| node.phase == Phase::Customizing).await;
    // Only the cloud's word counts before a node lives.
    shop.dead("web/0");
    sleep(Duration::from_secs(60)).await;
    assert_eq!(shop.world.cloud.instances().len(), 1);
    let id = node(&running, "web/0").instance.unwrap().id;
    shop.world.cloud.kill(&id, "Server.Gone", "gone");
    shop.monitor.judge(&"web/0".parse().unwrap(), Verdict::Replace("it is terminated".to_owned()));
    running.ready().await.unwrap();
    assert!(is_live(2)(&node(&running, "web/0")));
    running.terminate().await.unwrap().assert_clean();
}

/// Ends the first instance that it is to customize.
#[derive(Debug)]
struct Kills(MemoryCloud);

#[async_trait::async_trait]
impl Customizer for Kills {
    fn name(&self) -> String {
        "kills".to_owned()
    }

    async fn customize(&self, node: &Node) -> Result<Vec<StepReport>> {
        if self.0.instances().len() > 1 {
            return Ok(Vec::new());
        }
        self.0.kill(&node.instance.id, "Server.Gone", "gone");
        Err(Error::new(ErrorKind::Failed, "connection closed"))
    }

    async fn undo(&self, _: &Node) -> Result<Vec<StepReport>> {
        Ok(Vec::new())
    }
}

#[tokio::test(start_paused = true)]
async fn a_step_that_fails_as_the_instance_ends_is_a_loss_and_no_failure() {
    let shop = Shop::new();
    let web = debian("web", 1).customize(Kills(shop.world.cloud.clone())).build().unwrap();
    let running = shop.start([web]).await;
    let seen = node(&running, "web/0");
    assert!(is_live(2)(&seen));
    assert!(seen.death.unwrap().contains("gone"));
    running.terminate().await.unwrap().assert_clean();
}

#[tokio::test(start_paused = true)]
async fn beside_its_successor_the_old_one_serves_until_that_lives() {
    for fault in [None, Some(Fault::After), Some(Fault::Before)] {
        let shop = Shop::new();
        let health = Health { replace: Replace::LaunchFirst, ..Health::default() };
        let web = debian("web", 2).registrar(shop.names.clone()).health(health).build().unwrap();
        let running = shop.start([web]).await;
        let before = node(&running, "web/0").instance.unwrap();
        if let Some(fault) = fault {
            shop.world.cloud.fail(Operation::Launch, fault);
        }
        leaving(&shop, "web/0", 600);
        until(&running, "web/0", |node| node.phase == Phase::Pending).await;
        assert_eq!(shop.names.lookup("web-0.shop"), before.private_ip, "it serves");
        assert_eq!(shop.world.cloud.live(), 3);
        until(&running, "web/0", is_live(2)).await;
        let after = node(&running, "web/0").instance.unwrap();
        assert_eq!(shop.names.lookup("web-0.shop"), after.private_ip);
        assert_eq!(shop.world.cloud.live(), 3, "it is drained");
        sleep(Duration::from_secs(60)).await;
        assert_eq!((shop.world.cloud.live(), shop.world.cloud.instances().len()), (2, 3));
        let attributes = running.attributes();
        let address = attributes.get(&"web/0.private_ip".parse().unwrap()).map(str::to_owned);
        assert_eq!(address, after.private_ip, "what is known is the new one's");
        assert_eq!(node(&running, "web/0").instance.unwrap().id, after.id);
        running.terminate().await.unwrap().assert_clean();
        shop.world.assert_nothing_is_left();
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_dies_again_and_again_is_quarantined_until_somebody_says_otherwise() {
    let shop = Shop::new();
    let health =
        Health { intensity: Within { count: 2, within: Duration::from_secs(3600) }, ..Health::default() };
    let fleet = || debian("web", 2).at_least(1).health(health.clone()).build().unwrap();
    let running = shop.start([fleet()]).await;
    shop.dead("web/0");
    until(&running, "web/0", is_live(2)).await;
    shop.dead("web/0");
    until(&running, "web/0", |node| node.phase == Phase::Quarantined).await;
    assert_eq!(shop.world.cloud.live(), 1, "it has no instance");
    sleep(Duration::from_secs(24 * 3600)).await;
    assert_eq!(shop.world.cloud.instances().len(), 3);
    running.ready().await.unwrap();
    // A restart does not change that.
    running.kill().await;
    let running = shop.start([fleet()]).await;
    let seen = node(&running, "web/0");
    assert_eq!((seen.phase, shop.world.cloud.live()), (Phase::Quarantined, 1), "{seen:?}");
    assert!(seen.error.unwrap().contains("2 instances lost"));
    running.replace(&"web/0".parse().unwrap(), "the image is mended").await.unwrap();
    until(&running, "web/0", is_live(3)).await;
    running.quarantine(&"web/1".parse().unwrap(), "to be looked at").await.unwrap();
    until(&running, "web/1", |node| node.phase == Phase::Quarantined).await;
    running.release(&"web/1".parse().unwrap()).await.unwrap();
    until(&running, "web/1", is_live(2)).await;
    running.terminate().await.unwrap().assert_clean();
    shop.world.assert_nothing_is_left();
}

#[tokio::test(start_paused = true)]
async fn what_comes_after_a_replaced_node_learns_of_it() {
    let shop = Shop::new();
    let web = debian("web", 3).after("db").customize(shop.packages.clone()).build().unwrap();
    let running = shop.start([debian("db", 1).build().unwrap(), web]).await;
    let events = running.events();
    let before = shop.packages.script().count(Customization::Customize);
    shop.dead("db/0");
    until(&running, "db/0", is_live(2)).await;
    running.ready().await.unwrap();
    sleep(Duration::from_secs(60)).await;
    assert_eq!(shop.packages.script().count(Customization::Customize), before + 3);
    assert_eq!(shop.world.cloud.instances().len(), 5, "none of them was replaced");
    running.terminate().await.unwrap().assert_clean();
    let events: Vec<Event> = events.collect().await;
    let changed: Vec<_> = events.iter().filter(|event| event.kind == EventKind::Changed).collect();
    assert_eq!(changed.len(), 1);
    assert_eq!(changed[0].node.as_ref().unwrap().to_string(), "db/0");
    assert!(events.iter().any(|event| event.kind == EventKind::Dead("no answer".to_owned())));
}

#[tokio::test(start_paused = true)]
async fn other_steps_reach_nodes_that_live_already() {
    let mut shop = Shop::new();
    shop.world.mode = Mode::Production;
    shop.packages.revise("one");
    let running = shop.start([shop.web(3)]).await;
    running.detach().await.unwrap().assert_clean();
    let customized = || shop.packages.script().count(Customization::Customize);
    let same = shop.start([shop.web(3)]).await;
    same.detach().await.unwrap().assert_clean();
    assert_eq!(customized(), 3);
    shop.packages.revise("two");
    let plan = shop.describe([shop.web(3)]).plan().await.unwrap();
    assert_eq!(plan.fleets[0].again.len(), 3, "{plan}");
    assert!(plan.to_string().contains("again: web/2"), "{plan}");
    let running = shop.start([shop.web(3)]).await;
    assert_eq!((customized(), shop.world.cloud.instances().len()), (6, 3));
    assert!(shop.describe([shop.web(3)]).plan().await.unwrap().fleets[0].again.is_empty());
    running.terminate().await.unwrap().assert_clean();
    shop.world.assert_nothing_is_left();
}

#[tokio::test(start_paused = true)]
async fn a_deployment_that_was_given_no_monitor_has_one() {
    let world = World::new();
    let probe = ScriptedProbe::new();
    let web = debian("web", 4).probe(probe.clone()).build().unwrap();
    let running = world.shop([web]).start().await.unwrap();
    running.ready().await.unwrap();
    sleep(Duration::from_secs(60)).await;
    // One ends, one does not answer any more.
    let ended = node(&running, "web/0").instance.unwrap().id;
    world.cloud.kill(&ended, "Server.SpotInstanceTermination", "spot");
    until(&running, "web/0", is_live(2)).await;
    probe.always(&"web/2".parse().unwrap(), Liveness::Failing("503".to_owned()));
    until(&running, "web/2", |node| node.generation == Generation(2)).await;
    assert!(node(&running, "web/2").death.unwrap().contains("503"));
    let known = running.health().unwrap().snapshot();
    assert_eq!(known.nodes.len(), 4, "{known:?}");
    assert_eq!(world.cloud.instances().len(), 6);
    running.terminate().await.unwrap().assert_clean();
    world.assert_nothing_is_left();
}

#[tokio::test(start_paused = true)]
async fn a_node_that_lived_before_its_controller_died_has_no_second_start_up_time() {
    let world = World::new();
    let probe = ScriptedProbe::new();
    let shop = || {
        let health = Health { startup_timeout: Duration::from_secs(1200), ..Health::default() };
        world.shop([debian("web", 4).health(health).probe(probe.clone()).build().unwrap()])
    };
    let running = shop().start().await.unwrap();
    running.ready().await.unwrap();
    sleep(Duration::from_secs(1800)).await;
    running.kill().await;
    probe.always(&"web/2".parse().unwrap(), Liveness::Failing("503".to_owned()));
    let running = shop().start().await.unwrap();
    let begun = Instant::now();
    until(&running, "web/2", |node| node.generation == Generation(2)).await;
    assert!(begun.elapsed() < Duration::from_secs(600), "{:?}", begun.elapsed());
    running.terminate().await.unwrap().assert_clean();
    world.assert_nothing_is_left();
}
