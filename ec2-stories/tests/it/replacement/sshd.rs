//! A node is a real OpenSSH server; its processes are killed from outside.

use std::future::ready;
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use ec2_stories::deployment::machine::Phase;
use ec2_stories::model::{BackOff, Health, HostKeys, LoginSpec};
use ec2_stories::monitor::{HealthMonitor, NodeHealth};
use ec2_stories::prelude::*;
use ec2_stories::probe::Tcp;
use ec2_stories::provider::{Node, StepOutcome};
use ec2_stories::sim::{HostState, Hosts, SshdOptions};
use ec2_stories::ssh::CloudConsole;
use ec2_stories::ssh::step::{File, Nodes};
use futures::StreamExt;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::time::{sleep, timeout};

/// On a machine with much else to do.
const PATIENCE: Duration = Duration::from_secs(120);

const SECOND: Duration = Duration::from_secs(1);

/// As the defaults, and quicker: these hosts boot in a tenth of a second.
fn health() -> Health {
    let back_off = BackOff { first: SECOND / 2, ..BackOff::default() };
    Health { period: SECOND, timeout: SECOND / 2, dead_after: 3 * SECOND, back_off, ..Health::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_sshd_that_is_killed_is_replaced_customized_again_and_answers() {
    let hosts = Hosts::sshd(SshdOptions::default()).unwrap();
    let sim = Sim::builder().hosts(hosts).latency(Latencies::none()).build();
    let folder = tempfile::tempdir().unwrap();
    let ec2 = Arc::new(Ec2::from_config(&sim.sdk_config()));
    let journal = Arc::new(MemoryStore::new());
    let nodes = Nodes::new().remembered_in(journal.clone()).console(Arc::new(CloudConsole::of(ec2.clone())));
    let greets = File::template("/srv/greeting", Template::new("I am ${fleet}/${index}\n").unwrap());
    let (port, host_keys) = (Some(sim.ssh_port()), Some(HostKeys::Console));
    let web = Fleet::builder()
        .name("web")
        .nodes(2)
        .image(Image::public("debian-12"))
        .key(KeyPairSpec::Generated(folder.path().join("id")))
        .login(LoginSpec { port, host_keys, ..LoginSpec::default() })
        .customize(Steps::new([greets]).over(nodes.clone()))
        .build()
        .unwrap();
    let login = LoginSpec::of(web.spec());
    let monitor = HealthMonitor::builder().cloud(ec2.clone()).clock(sim.clock()).cloud_period(SECOND);
    let probe = Arc::new(Tcp::port(sim.ssh_port()));
    let monitor = monitor.fleet(Name::new("web").unwrap(), health(), Some(probe)).build();
    let shop = Deployment::builder()
        .name("shop")
        .cloud(ec2)
        .journal(journal)
        .clock(sim.clock())
        .monitor(monitor.clone())
        .fleet(web)
        .build()
        .unwrap();
    let running = shop.start().await.unwrap();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (events, log) = (running.events(), seen.clone());
    tokio::spawn(events.for_each(move |event| {
        log.lock().unwrap().push(event.to_string());
        ready(())
    }));
    let story = || seen.lock().unwrap().join("\n");
    let up = timeout(PATIENCE, running.ready()).await;
    assert!(matches!(up, Ok(Ok(()))), "{up:?}\n{}", story());
    // Before its first answer a node starts up, and its silence counts for nothing.
    let heard = async {
        // Watched anew once it is customized: what was heard before that is no answer.
        let after = sim.clock().now() + 2 * SECOND;
        let lives = |node: &NodeHealth| node.last_success.is_some_and(|at| at > after);
        while monitor.snapshot().nodes.iter().filter(|node| lives(node)).count() < 2 {
            sleep(SECOND / 20).await;
        }
    };
    assert!(timeout(PATIENCE, heard).await.is_ok(), "never heard: {:?}", monitor.snapshot());
    let id = |slot: usize| running.nodes()[slot].instance.as_ref().unwrap().id.to_string();
    let read = |id: &str| {
        let host = sim.host(id).unwrap();
        std::fs::read_to_string(host.folder.join(Path::new("srv/greeting"))).ok()
    };
    let (old, other) = (id(0), id(1));
    assert_eq!(read(&old).as_deref(), Some("I am web/0\n"));

    let process = sim.host(&old).and_then(|host| host.pid).expect("it runs");
    kill(Pid::from_raw(i32::try_from(process).unwrap()), Signal::SIGKILL).unwrap();
    let replaced = async {
        while !(running.nodes()[0].phase == Phase::Live && id(0) != old) {
            sleep(SECOND / 20).await;
        }
    };
    assert!(
        timeout(PATIENCE, replaced).await.is_ok(),
        "never replaced\n{}\n{:?}",
        story(),
        monitor.snapshot()
    );
    let new = id(0);
    assert_eq!(sim.host(&new).unwrap().state, HostState::Up);
    assert_eq!(read(&new).as_deref(), Some("I am web/0\n"), "it was customized again");
    assert_eq!(id(1), other, "its neighbor was left alone");

    let status = running.nodes().remove(0);
    let node = Node {
        deployment: Name::new("shop").unwrap(),
        address: status.address,
        instance: status.instance.unwrap(),
        attributes: running.attributes(),
        login,
    };
    let asked = Steps::new([Run::shell(Template::literal("cat /srv/greeting >/srv/answer"))]).over(nodes);
    let answered = asked.customize(&node).await.unwrap();
    assert_eq!(answered[0].outcome, StepOutcome::Changed, "{answered:?}");
    running.terminate().await.unwrap().assert_clean();
    sim.assert_clean();
}
