//! A host follows its instance.

use ec2_stories_sim::{HostState, State};
use tokio::net::TcpStream;

use super::Bench;
use crate::form::call;

#[tokio::test]
async fn a_stop_ends_everything_and_a_start_brings_the_same_files_back() {
    let bench = Bench::new().await;
    let id = bench.launch("#!/bin/sh\necho once >>/etc/boots\n").await;
    bench.say(&id, "cloud-init status --wait; echo kept >note; nohup sleep 600 >/dev/null 2>&1 & echo volatile | sudo tee /run/note").await;
    let (address, key) = (bench.up(&id).await, bench.say(&id, "cat /etc/ssh/ssh_host_ed25519_key.pub").await);
    bench.act("StopInstances", &id).await;
    bench.until(&id, HostState::Off).await;
    assert!(TcpStream::connect((address, bench.sim.ssh_port())).await.is_err());
    bench.act("StartInstances", &id).await;
    bench.until(&id, HostState::Up).await;
    let seen =
        "cat note; ls /run/note 2>&1; cat /etc/boots; pgrep -c sleep; cat /etc/ssh/ssh_host_ed25519_key.pub";
    let said = bench.say(&id, seen).await;
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!((lines[0], lines[2], lines[3]), ("kept", "once", "0"), "{said}");
    assert!(lines[1].contains("No such file"), "{said}");
    assert_eq!(lines[4], key);
}

#[tokio::test]
async fn a_reboot_boots_again() {
    let bench = Bench::new().await;
    let id = bench.launch("").await;
    bench.up(&id).await;
    bench.act("RebootInstances", &id).await;
    let again = async {
        while bench.sim.host(&id).is_none_or(|host| host.boots < 2) {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(super::PATIENCE, again).await.unwrap();
    bench.say(&id, "true").await;
    assert_eq!(bench.console(&id).await.matches("Linux version").count(), 2);
    assert_eq!(bench.sim.instance(&id).unwrap().state, State::Running);
}

#[tokio::test]
async fn a_terminated_instance_leaves_its_last_words_only() {
    let bench = Bench::new().await;
    let id = bench.launch("").await;
    let address = bench.up(&id).await;
    let folder = bench.sim.host(&id).unwrap().folder;
    assert!(folder.exists());
    bench.act("TerminateInstances", &id).await;
    bench.until(&id, HostState::Off).await;
    let gone = async {
        while folder.exists() {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(super::PATIENCE, gone).await.unwrap();
    assert!(TcpStream::connect((address, bench.sim.ssh_port())).await.is_err());
    assert!(bench.console(&id).await.contains("BEGIN SSH HOST KEY FINGERPRINTS"));
}

#[tokio::test]
async fn a_dead_host_fails_the_status_checks_until_a_reboot() {
    let bench = Bench::new().await;
    let id = bench.launch("").await;
    bench.up(&id).await;
    let status = async || {
        let reply = call(&bench.sim, "DescribeInstanceStatus", &[("InstanceId.1", &id)]).await.ok();
        [reply.inside("instanceStatus", "status").concat(), reply.inside("systemStatus", "status").concat()]
    };
    assert_eq!(status().await, ["ok", "ok"]);
    assert!(bench.sim.crash_host(&id));
    bench.until(&id, HostState::Dead).await;
    assert_eq!(status().await, ["impaired", "ok"]);
    assert!(bench.sim.host(&id).unwrap().why.contains("SIGKILL"));
    bench.act("RebootInstances", &id).await;
    bench.until(&id, HostState::Up).await;
    assert_eq!(status().await, ["ok", "ok"]);
}

#[tokio::test]
async fn a_guest_reboots_and_powers_off_by_itself() {
    let bench = Bench::new().await;
    let id = bench.launch("").await;
    bench.ssh(&id, "admin", "sudo reboot").await;
    let again = async {
        while bench.sim.host(&id).is_none_or(|host| host.boots < 2) {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(super::PATIENCE, again).await.unwrap();
    bench.ssh(&id, "admin", "sudo poweroff").await;
    bench.until(&id, HostState::Off).await;
    assert_eq!(bench.sim.instance(&id).unwrap().state, State::Stopped);
}
