//! Our monitor, in a process of its own.

use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use ec2_stories_core::Attributes;
use ec2_stories_core::model::{
    Generation, Health, Instance, InstanceState, LoginSpec, Name, NodeAddress, Tags,
};
use ec2_stories_core::monitor::HealthMonitor;
use ec2_stories_core::probe::{Http, Tcp};
use ec2_stories_core::provider::{Liveness, Monitor, Node, Probe};
use tokio::process::Command;
use tokio::time::sleep;

use crate::process::{Figure, cpu, memory};
use crate::targets::address;
use crate::{Kind, Outcome, Settings};

/// Until every connection has been made once, and what is made once is made.
const WARM_UP: Duration = Duration::from_secs(2);

/// Counts the answers.
#[derive(Debug)]
struct Counted<P> {
    probe: P,
    live: AtomicU64,
    others: AtomicU64,
}

#[async_trait]
impl<P: Probe> Probe for Counted<P> {
    fn name(&self) -> String {
        self.probe.name()
    }

    async fn check(&self, node: &Node) -> Liveness {
        let answer = self.probe.check(node).await;
        let count = if answer == Liveness::Live { &self.live } else { &self.others };
        count.fetch_add(1, Ordering::Relaxed);
        answer
    }
}

fn node(target: u32) -> Node {
    let instance = Instance {
        id: format!("i-{target:017x}").into(),
        state: InstanceState::Running,
        state_reason: None,
        reservation: "r-0123456789abcdef0".into(),
        launch_index: target,
        token: None,
        image: "ami-0123456789abcdef0".into(),
        instance_type: "t3.micro".into(),
        zone: "eu-west-1a".into(),
        private_ip: Some(address(target).to_string()),
        public_ip: None,
        private_dns: None,
        public_dns: None,
        spot: false,
        launched_at: None,
        tags: Tags::new(),
    };
    let name = |text: &str| Name::new(text).expect("a good name");
    Node {
        deployment: name("shop"),
        address: NodeAddress::new(name("web"), target),
        instance,
        attributes: Attributes::new(),
        login: LoginSpec::default(),
    }
}

async fn watching(targets: u32, period: Duration, probe: Arc<dyn Probe>) -> Outcome<HealthMonitor> {
    let health = Health { period, ..Health::default() };
    let monitor = HealthMonitor::builder().fleet(Name::new("web")?, health, Some(probe)).build();
    for target in 0..targets {
        monitor.watch(&node(target), Generation::FIRST).await?;
    }
    Ok(monitor)
}

/// Probes, and prints what that took.
pub(crate) async fn run(kind: Kind, targets: u32, port: u16, settings: Settings) -> Outcome<()> {
    match kind {
        Kind::Http => measure(Http::get(port, "/"), targets, settings).await,
        Kind::Tcp => measure(Tcp::port(port), targets, settings).await,
    }
}

async fn measure(probe: impl Probe + 'static, targets: u32, settings: Settings) -> Outcome<()> {
    let probe = Arc::new(Counted { probe, live: AtomicU64::new(0), others: AtomicU64::new(0) });
    let period = Duration::from_secs(1) * targets / settings.a_second;
    let monitor = watching(targets, period, probe.clone()).await?;
    sleep(WARM_UP).await;
    let (computed, live) = (cpu("self")?, probe.live.load(Ordering::Relaxed));
    sleep(settings.seconds).await;
    let computed = cpu("self")? - computed;
    let live = probe.live.load(Ordering::Relaxed) - live;
    let others = probe.others.load(Ordering::Relaxed);
    if others > 0 {
        return Err(format!("{others} probes were not live").into());
    }
    let after = memory("self")?;
    drop(monitor);
    println!("{live} {computed} {after}");
    Ok(())
}

/// Watches, and prints what that took before anything is probed.
pub(crate) async fn idle(targets: u32) -> Outcome<()> {
    // Nobody's turn comes within the benchmark.
    let monitor = watching(1, Duration::from_secs(30 * 24 * 3600), Arc::new(Tcp::port(1))).await?;
    sleep(WARM_UP).await;
    // What it takes for none is no part of it.
    let before = memory("self")?;
    for target in 1..targets {
        monitor.watch(&node(target), Generation::FIRST).await?;
    }
    sleep(WARM_UP).await;
    println!("{}", memory("self")? - before);
    drop(monitor);
    Ok(())
}

async fn child(arguments: &[String]) -> Outcome<Vec<f64>> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(arguments).stderr(Stdio::inherit()).kill_on_drop(true);
    let output = command.output().await?;
    if !output.status.success() {
        return Err(format!("ours {arguments:?}: {}", output.status).into());
    }
    let line = String::from_utf8(output.stdout)?;
    Ok(line.split_whitespace().map(str::parse).collect::<Result<_, _>>()?)
}

pub(crate) async fn measured(kind: Kind, targets: u32, port: u16) -> Outcome<Figure> {
    let arguments = ["--ours".to_owned(), kind.name().to_owned(), targets.to_string(), port.to_string()];
    match child(&arguments).await?[..] {
        [probes, cpu, memory] => Ok(Figure { probes, cpu, memory }),
        ref other => Err(format!("not three figures: {other:?}").into()),
    }
}

pub(crate) async fn idle_bytes(targets: u32) -> Outcome<f64> {
    let figures = child(&["--idle".to_owned(), targets.to_string()]).await?;
    Ok(*figures.first().ok_or("no figure")?)
}
