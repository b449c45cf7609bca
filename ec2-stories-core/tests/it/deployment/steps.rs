//! Customizers, registrars and probes.

use std::collections::BTreeMap;

use ec2_stories_core::deployment::EventKind;
use ec2_stories_core::deployment::machine::Phase;
use ec2_stories_core::memory::{Fault, MemoryCustomizer, MemoryRegistrar};
use ec2_stories_core::model::Mode;
use ec2_stories_core::provider::{Customizer, Node, StepReport};
use ec2_stories_core::{Deployment, Fleet};
use ec2_stories_core::{ErrorKind, Result};
use futures::StreamExt;

use super::world::{World, debian};

struct Steps {
    world: World,
    packages: MemoryCustomizer,
    names: MemoryRegistrar,
}

impl Steps {
    fn new() -> Self {
        Self {
            world: World::new(),
            packages: MemoryCustomizer::new("packages", ["update", "install"]),
            names: MemoryRegistrar::new(),
        }
    }

    fn web(&self) -> Fleet {
        let web = debian("web", 2).customize(self.packages.clone()).registrar(self.names.clone());
        web.build().unwrap()
    }

    fn shop(&self) -> Deployment {
        self.world.shop([self.web()])
    }

    fn done(&self) -> Vec<usize> {
        self.world.cloud.instances().iter().map(|instance| self.packages.done(&instance.id).len()).collect()
    }
}

#[tokio::test(start_paused = true)]
async fn nodes_are_customized_then_registered_and_all_is_taken_back_at_the_end() {
    let steps = Steps::new();
    let running = steps.shop().start().await.unwrap();
    running.ready().await.unwrap();
    assert_eq!(steps.done(), [2, 2]);
    assert_eq!(steps.names.names(), ["web-0.shop", "web-1.shop"]);
    running.terminate().await.unwrap().assert_clean();
    assert_eq!(steps.done(), [0, 0]);
    assert!(steps.names.names().is_empty());
    steps.world.assert_nothing_is_left();
}

#[tokio::test(start_paused = true)]
async fn a_failed_step_gives_the_node_up_and_its_instance_is_still_taken_down() {
    let steps = Steps::new();
    steps.packages.fail_step("install");
    let running = steps.shop().start().await.unwrap();
    let error = running.ready().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Failed);
    assert!(error.to_string().contains("packages: install"), "{error}");
    assert!(running.nodes().iter().all(|node| node.phase == Phase::Failed));
    assert_eq!(steps.world.cloud.live(), 2, "kept for a look");
    running.terminate().await.unwrap().assert_clean();
    steps.world.assert_nothing_is_left();
}

#[tokio::test(start_paused = true)]
async fn a_node_that_cannot_be_reached_yet_is_tried_again() {
    let steps = Steps::new();
    for index in 0..3 {
        steps.packages.script().fail(index, Fault::Before);
    }
    let running = steps.shop().start().await.unwrap();
    let events = running.events();
    running.ready().await.unwrap();
    running.terminate().await.unwrap().assert_clean();
    let problems = events.filter_map(async |event| match event.kind {
        EventKind::Problem(why) => Some((event.node?.slot, why)),
        _ => None,
    });
    let problems: BTreeMap<u32, String> = problems.collect().await;
    assert_eq!(problems.len(), 2, "each node's, once: {problems:?}");
    assert!(problems.values().all(|why| why.ends_with("it is tried again")), "{problems:?}");
}

#[tokio::test(start_paused = true)]
async fn a_later_process_neither_customizes_nor_registers_again_and_still_takes_both_back() {
    let mut steps = Steps::new();
    steps.world.mode = Mode::Production;
    let running = steps.shop().start().await.unwrap();
    running.ready().await.unwrap();
    running.detach().await.unwrap().assert_clean();
    let calls = (steps.packages.script().calls().len(), steps.names.script().calls().len());
    let again = steps.shop().start().await.unwrap();
    again.ready().await.unwrap();
    assert_eq!((steps.packages.script().calls().len(), steps.names.script().calls().len()), calls);
    again.detach().await.unwrap().assert_clean();
    steps.shop().terminate().await.unwrap().assert_clean();
    assert_eq!(steps.done(), [0, 0]);
    assert!(steps.names.names().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_registration_whose_reply_was_lost_is_ended_too() {
    for then in ["goes on", "dies"] {
        let steps = Steps::new();
        let fault = if then == "dies" { Fault::StallAfter } else { Fault::After };
        steps.names.script().fail(0, fault);
        let shop = steps.shop();
        let running = shop.start().await.unwrap();
        if then == "dies" {
            steps.names.script().stalled().await;
            running.kill().await;
            assert!(!steps.names.names().is_empty());
            shop.terminate().await.unwrap().assert_clean();
        } else {
            running.ready().await.unwrap();
            running.terminate().await.unwrap().assert_clean();
        }
        assert!(steps.names.names().is_empty(), "{then}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_taken_back_is_reported_and_holds_nothing_up() {
    let steps = Steps::new();
    let running = steps.shop().start().await.unwrap();
    running.ready().await.unwrap();
    let calls = steps.packages.script().calls().len();
    steps.packages.script().fail(calls, Fault::StallBefore);
    let report = running.terminate().await.unwrap();
    report.assert_clean();
    let problems: Vec<&String> = report.nodes().iter().flat_map(|node| &node.problems).collect();
    assert!(problems.iter().any(|problem| problem.contains("no end within 60 s")), "{report}");
    steps.world.assert_nothing_is_left();
}

#[derive(Debug)]
struct Panics;

#[async_trait::async_trait]
impl Customizer for Panics {
    fn name(&self) -> String {
        "panics".to_owned()
    }

    async fn customize(&self, node: &Node) -> Result<Vec<StepReport>> {
        panic!("on {node}")
    }

    async fn undo(&self, _: &Node) -> Result<Vec<StepReport>> {
        Ok(Vec::new())
    }
}

#[tokio::test(start_paused = true)]
async fn a_customizer_that_panics_fails_its_node_and_nothing_else() {
    let world = World::new();
    let shop =
        world.shop([debian("web", 1).customize(Panics).build().unwrap(), debian("db", 1).build().unwrap()]);
    let running = shop.start().await.unwrap();
    let error = running.ready().await.unwrap_err();
    assert!(error.to_string().contains("panicked: on web/0"), "{error}");
    running.terminate().await.unwrap().assert_clean();
    world.assert_nothing_is_left();
}
