//! Everything that is not a cloud or a store.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ec2_stories_core::conformance::{
    self, CustomizerFixture, MessengerFixture, MonitorBench, ProbeFixture, RegistrarBench,
};
use ec2_stories_core::memory::{
    Customization, Fault, MemoryCustomizer, MemoryMessenger, MemoryMonitor, MemoryRegistrar, MemoryUploader,
    ScriptedProbe,
};
use ec2_stories_core::model::NodeAddress;
use ec2_stories_core::provider::{Liveness, Monitor, Node, Registrar, Verdict};
use ec2_stories_core::{Clock, TokioClock};

use crate::support::{name, node};

#[tokio::test(start_paused = true)]
async fn memory_customizer() {
    let failing = MemoryCustomizer::new("failing", ["first", "second", "third"]);
    failing.fail_step("second");
    let customizer = MemoryCustomizer::new("packages", ["install", "configure"]);
    let fixture = CustomizerFixture {
        customizer: Arc::new(customizer.clone()),
        nodes: [node(0, "10.0.0.1"), node(1, "10.0.0.2")],
        failing: Arc::new(failing),
        unreachable: None,
    };
    conformance::customizer(&fixture).await;
    customizer.script().fail(Customization::Customize, Fault::Before);
    let fixture = CustomizerFixture { unreachable: Some(node(2, "10.0.0.3")), ..fixture };
    let error = fixture.customizer.customize(&fixture.nodes[0]).await.unwrap_err();
    assert!(error.is_temporary());
    assert_eq!(customizer.done(&fixture.nodes[0].instance.id), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn scripted_probe() {
    let (probe, why) = (ScriptedProbe::new(), || "as asked".to_owned());
    let case = |slot, answer| {
        let node = node(slot, "10.0.0.1");
        probe.always(&node.address, answer);
        (probe.clone(), node)
    };
    let fixture = ProbeFixture {
        live: (probe.clone(), node(0, "10.0.0.1")),
        failing: case(1, Liveness::Failing(why())),
        silent: None,
        sick: Some(case(2, Liveness::Unknown(why()))),
        declared_dead: Some(case(3, Liveness::DeclaredDead(why()))),
    };
    conformance::probe(&fixture).await;
    assert_eq!(probe.asked(&fixture.failing.1.address), 2);
}

struct Monitored(MemoryMonitor, TokioClock);

#[async_trait]
impl MonitorBench for Monitored {
    fn monitor(&self) -> &dyn Monitor {
        &self.0
    }

    fn clock(&self) -> &dyn Clock {
        &self.1
    }

    fn nodes(&self) -> [Node; 2] {
        [node(0, "10.0.0.1"), node(1, "10.0.0.2")]
    }

    async fn kill(&self, node: &NodeAddress) {
        self.0.judge(node, Verdict::Replace("the test killed it".to_owned()));
    }

    async fn revive(&self, node: &NodeAddress) {
        self.0.judge(node, Verdict::Live);
    }

    async fn announce(&self, node: &NodeAddress) -> bool {
        let by = self.1.now();
        self.0.judge(node, Verdict::Leaving { why: "the test announced it".to_owned(), by });
        true
    }

    fn patience(&self) -> Duration {
        Duration::from_secs(1)
    }
}

#[tokio::test(start_paused = true)]
async fn memory_monitor() {
    let clock = TokioClock::starting_at("2026-01-01T00:00:00Z".parse().unwrap());
    conformance::monitor(&Monitored(MemoryMonitor::new(Arc::new(clock)), clock)).await;
}

struct Registered(MemoryRegistrar);

#[async_trait]
impl RegistrarBench for Registered {
    fn registrar(&self) -> &dyn Registrar {
        &self.0
    }

    fn node_and_successor(&self) -> [Node; 2] {
        [node(0, "10.0.0.1"), node(0, "10.0.0.2")]
    }

    async fn lookup(&self, name: &str) -> Option<String> {
        self.0.lookup(name)
    }

    async fn lose(&self, name: &str) {
        self.0.set(name, None);
    }
}

#[tokio::test(start_paused = true)]
async fn memory_registrar() {
    let registrar = MemoryRegistrar::new();
    conformance::registrar(&Registered(registrar.clone())).await;
    assert!(registrar.names().is_empty());
}

#[tokio::test(start_paused = true)]
async fn memory_messenger() {
    let messenger = MemoryMessenger::new();
    let [node, unknown] = [0, 1].map(|slot| NodeAddress::new(name("web"), slot));
    messenger.add(node.clone());
    let fixture = MessengerFixture { messenger: Arc::new(messenger), node, unknown, silent: None };
    conformance::messenger(&fixture).await;
}

#[tokio::test(start_paused = true)]
async fn memory_uploader() {
    let uploader = MemoryUploader::new();
    conformance::image_uploader(Arc::new(uploader.clone()), 300_032, async || uploader.sent()).await;
    assert!(uploader.unfinished().is_empty());
}
