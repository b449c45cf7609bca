//! Hosts with a network and a root file system of their own: for root, on Linux.

use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use ec2_stories_sim::{HostState, Hosts, Latencies, Sim, State};

use super::{Bench, succeeded};
use crate::form::call;

/// Making the root file system for the first time takes minutes.
async fn bench() -> io::Result<Bench> {
    let hosts = Hosts::namespace().await.map_err(|error| {
        let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
        io::Error::other(format!("{error} {cause}"))
    })?;
    let sim = Sim::builder().latency(Latencies::none()).hosts(hosts).build();
    Ok(Bench::of(sim).await)
}

/// Runs a command on an instance, from inside of the network.
pub(super) async fn say(bench: &Bench, id: &str, command: &str) -> String {
    let address = bench.up(id).await;
    // Cloud-init shows the keys at the end of its work, when logins are possible already.
    let shown = async {
        loop {
            let console = bench.console(id).await;
            if console.contains("-----END SSH HOST KEY KEYS-----") {
                return console;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let Ok(console) = tokio::time::timeout(super::PATIENCE, shown).await else {
        panic!("no host keys on the console:\n{}", bench.console(id).await);
    };
    let keys = console.rsplit("-----BEGIN SSH HOST KEY KEYS-----").next().unwrap();
    let keys = keys.split("-----END").next().unwrap();
    let known: String = keys
        .lines()
        .map(str::trim)
        .filter(|key| !key.is_empty())
        .map(|key| format!("{address} {key}\n"))
        .collect();
    let file = bench.path(&format!("known-{id}"));
    std::fs::write(&file, known).unwrap();
    let mut ssh = Command::new("ssh");
    ssh.args([
        "-F",
        "none",
        "-o",
        "BatchMode=yes",
        "-o",
        "StrictHostKeyChecking=yes",
        "-o",
        "IdentitiesOnly=yes",
    ]);
    ssh.args(["-o", "GlobalKnownHostsFile=none", "-o", "ConnectTimeout=20", "-i", &bench.path("id")]);
    ssh.arg("-o").arg(format!("UserKnownHostsFile={file}")).arg(format!("admin@{address}")).arg(command);
    ssh.env_remove("SSH_AUTH_SOCK");
    succeeded(bench.sim.vpc().unwrap().run(move || ssh.output()).await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_has_cloud_init_metadata_packages_and_a_network() {
    if !nix::unistd::geteuid().is_root() {
        let error = bench().await.err().unwrap().to_string();
        assert!(error.contains("need root"), "{error}");
        return;
    }
    let bench = bench().await.unwrap();
    let config = "#cloud-config\nwrite_files:\n- {path: /etc/shop.toml, content: db}\nruncmd:\n- echo $(whoami) >>/var/log/boots\n";
    let id = bench.launch(config).await;
    let neighbor = bench.launch("").await;

    let status =
        say(&bench, &id, "cloud-init status --wait; cat /etc/shop.toml; echo; cat /var/log/boots").await;
    assert!(status.ends_with("status: done\ndb\nroot"), "{status}\n{}", bench.console(&id).await);
    let token = "T=$(curl -sS -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' http://169.254.169.254/latest/api/token); \
                 curl -sS -H \"X-aws-ec2-metadata-token: $T\" http://169.254.169.254/latest/meta-data/instance-id";
    assert_eq!(say(&bench, &id, token).await, id);
    assert_eq!(say(&bench, &id, "ec2-metadata --instance-id").await, format!("instance-id: {id}"));
    let address = bench.up(&neighbor).await;
    assert!(say(&bench, &id, &format!("ping -c 1 -W 5 {address}")).await.contains(" 0% packet loss"));
    let port = bench.sim.ssh_port();
    let stream =
        bench.sim.vpc().unwrap().connect(SocketAddr::new(address.into(), port), Duration::from_secs(5)).await;
    assert_eq!(stream.unwrap().peer_addr().unwrap().ip(), address);

    let install =
        "sudo apt-get update -qq && sudo apt-get install -y -qq tree >/dev/null 2>&1; command -v tree";
    assert_eq!(say(&bench, &id, install).await, "/usr/bin/tree");
    assert!(!Path::new("/etc/shop.toml").exists(), "this machine's own files stay as they are");

    bench.act("StopInstances", &id).await;
    bench.until(&id, HostState::Off).await;
    bench.act("StartInstances", &id).await;
    bench.until(&id, HostState::Up).await;
    assert_eq!(
        say(&bench, &id, "cloud-init status --wait >/dev/null; command -v tree; cat /var/log/boots").await,
        "/usr/bin/tree\nroot"
    );

    let reply = call(&bench.sim, "DescribeInstanceStatus", &[("InstanceId.1", &id)]).await.ok();
    assert_eq!(reply.inside("instanceStatus", "status").concat(), "ok");
    let mine = format!("ec2-stories-{}-", std::process::id());
    let left = || {
        let names = std::fs::read_dir("/run/netns").unwrap().map(|entry| entry.unwrap().file_name());
        names.filter(|name| name.to_str().unwrap().starts_with(&mine)).count()
    };
    assert!(left() >= 3, "the network and two instances");
    drop(bench);
    let gone = async {
        while left() > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(super::PATIENCE, gone).await.expect("in time");
}

#[tokio::test(flavor = "multi_thread")]
async fn its_init_is_the_distributions_and_runs_services_through_a_reboot() {
    if !nix::unistd::geteuid().is_root() {
        let error = bench().await.err().unwrap().to_string();
        assert!(error.contains("need root"), "{error}");
        return;
    }
    let bench = bench().await.unwrap();
    let unit = "[Service]\\nExecStart=/bin/sleep infinity\\nExecStop=/bin/sh -c 'echo >>/var/log/stops'\\n[Install]\\nWantedBy=multi-user.target\\n";
    let config = format!(
        "#cloud-config\nwrite_files:\n- {{path: /etc/systemd/system/shop.service, content: \"{unit}\"}}\n\
         runcmd:\n- systemctl enable --now shop\n"
    );
    let id = bench.launch(&config).await;
    let look = "systemctl is-system-running --wait; cat /proc/1/comm; systemctl is-active shop; \
                cat /proc/sys/kernel/random/boot_id";
    let before = say(&bench, &id, look).await;
    let Some(boot) = before.strip_prefix("running\nsystemd\nactive\n") else {
        panic!("{before}\n{}", bench.console(&id).await);
    };

    // A moment later: the command itself is to end well.
    say(&bench, &id, "sudo systemd-run --quiet sh -c 'sleep 1; reboot'").await;
    let again = async {
        while bench.sim.host(&id).is_none_or(|host| host.boots < 2) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(super::PATIENCE, again).await.expect("in time");
    let after = say(&bench, &id, look).await;
    let rebooted = after.strip_prefix("running\nsystemd\nactive\n");
    assert!(rebooted.is_some_and(|other| other != boot), "{before}\n{after}");
    assert_eq!(bench.sim.instance(&id).unwrap().state, State::Running);

    assert!(bench.sim.crash_host(&id));
    bench.until(&id, HostState::Dead).await;
    bench.act("RebootInstances", &id).await;
    bench.until(&id, HostState::Up).await;
    say(&bench, &id, look).await;
    say(&bench, &id, "sudo systemd-run --quiet sh -c 'sleep 1; poweroff'").await;
    bench.until(&id, HostState::Off).await;
    assert_eq!(bench.sim.instance(&id).unwrap().state, State::Stopped);
    bench.act("StartInstances", &id).await;
    bench.until(&id, HostState::Up).await;
    say(&bench, &id, look).await;
    bench.act("StopInstances", &id).await;
    bench.until(&id, HostState::Off).await;
    let stops = bench.sim.host(&id).unwrap().folder.join("upper/var/log/stops");
    assert_eq!(std::fs::read_to_string(stops).unwrap().lines().count(), 3, "all but the crash");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_that_reboots_on_its_way_up_comes_up_and_one_that_powers_off_is_stopped() {
    if !nix::unistd::geteuid().is_root() {
        let error = bench().await.err().unwrap().to_string();
        assert!(error.contains("need root"), "{error}");
        return;
    }
    let bench = bench().await.unwrap();
    let early = |what: &str| {
        let once = format!("test -e /var/early || {{ touch /var/early; systemctl {what}; sleep 60; }}");
        format!("#cloud-config\nbootcmd:\n- {once}\n")
    };
    let rebooted = bench.launch(&early("reboot")).await;
    let off = bench.launch(&early("poweroff")).await;
    bench.up(&rebooted).await;
    assert_eq!(bench.sim.host(&rebooted).unwrap().boots, 2, "{}", bench.console(&rebooted).await);
    let stopped = async {
        while bench.sim.instance(&off).unwrap().state != State::Stopped {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(super::PATIENCE, stopped).await.expect("in time");
    // Its device nodes are its own.
    say(&bench, &rebooted, "sudo chmod 600 /dev/full && cat /proc/irq/default_smp_affinity").await;
    assert_eq!(std::fs::metadata("/dev/full").unwrap().permissions().mode() & 0o777, 0o666);
}
