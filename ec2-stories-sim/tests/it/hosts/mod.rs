//! Hosts behind instances: real OpenSSH servers, and OpenSSH's own client.

mod boot;
mod ends;
mod expiry;
mod life;
mod login;
mod namespace;

use std::net::Ipv4Addr;
use std::process::Output;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ec2_stories_sim::{HostState, Hosts, Latencies, Sim, SshdOptions};
use tempfile::TempDir;
use tokio::process::Command;

use crate::form::{call, launch};

/// On a machine with much else to do.
const PATIENCE: Duration = Duration::from_secs(60);

/// A simulation with hosts, and a client with a key pair.
pub(crate) struct Bench {
    pub(crate) sim: Sim,
    pub(crate) folder: TempDir,
}

impl Bench {
    pub(crate) async fn new() -> Self {
        Self::with(SshdOptions::default()).await
    }

    pub(crate) async fn with(options: SshdOptions) -> Self {
        Self::of(Sim::builder().latency(Latencies::none()).hosts(Hosts::sshd(options).unwrap()).build()).await
    }

    pub(crate) async fn of(sim: Sim) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let bench = Self { sim, folder };
        let public = bench.keygen("id", "ed25519").await;
        let material = BASE64_STANDARD.encode(public);
        call(&bench.sim, "ImportKeyPair", &[("KeyName", "k"), ("PublicKeyMaterial", &material)]).await.ok();
        bench
    }

    /// Makes a key and returns its public half.
    pub(crate) async fn keygen(&self, name: &str, kind: &str) -> String {
        let mut keygen = Command::new("ssh-keygen");
        keygen.args(["-q", "-N", "", "-C", name, "-t", kind, "-f"]).arg(self.path(name));
        succeeded(keygen.output().await.unwrap());
        std::fs::read_to_string(self.folder.path().join(format!("{name}.pub"))).unwrap()
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    pub(crate) async fn launch(&self, user_data: &str) -> String {
        let user_data = BASE64_STANDARD.encode(user_data);
        launch(&self.sim, "1", &[("KeyName", "k"), ("UserData", &user_data)]).await.ok().one("instanceId")
    }

    /// Waits until the host takes connections.
    pub(crate) async fn up(&self, id: &str) -> Ipv4Addr {
        tokio::time::timeout(PATIENCE, self.sim.host_up(id)).await.expect("in time").unwrap()
    }

    pub(crate) async fn until(&self, id: &str, state: HostState) {
        let reached = async {
            while self.sim.host(id).is_none_or(|host| host.state != state) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(PATIENCE, reached).await.expect("in time");
    }

    pub(crate) async fn act(&self, action: &str, id: &str) {
        call(&self.sim, action, &[("InstanceId.1", id)]).await.ok();
    }

    pub(crate) async fn console(&self, id: &str) -> String {
        let reply = call(&self.sim, "GetConsoleOutput", &[("InstanceId", id)]).await.ok();
        let text = reply.all("output").concat();
        String::from_utf8(BASE64_STANDARD.decode(text).unwrap()).unwrap()
    }

    /// Runs a command over SSH; the host must have the key that its console shows.
    pub(crate) async fn ssh(&self, id: &str, user: &str, command: &str) -> Output {
        let address = self.up(id).await;
        let console = self.console(id).await;
        let keys = console.rsplit("-----BEGIN SSH HOST KEY KEYS-----\n").next().unwrap();
        let keys = keys.split("-----END").next().unwrap();
        let port = self.sim.ssh_port();
        let known: String = keys.lines().map(|key| format!("[{address}]:{port} {key}\n")).collect();
        std::fs::write(self.path(&format!("known-{id}")), known).unwrap();
        self.client(
            &self.path(&format!("known-{id}")),
            &self.path("id"),
            &format!("{user}@{address}"),
            command,
        )
        .await
    }

    /// OpenSSH's client, with what it shall know and nothing of this machine's own.
    pub(crate) async fn client(&self, known: &str, identity: &str, to: &str, command: &str) -> Output {
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
        ssh.args(["-o", "GlobalKnownHostsFile=none", "-o", "ConnectTimeout=20"]);
        ssh.arg("-o").arg(format!("UserKnownHostsFile={known}"));
        ssh.args(["-i", identity, "-p", &self.sim.ssh_port().to_string(), to, command]);
        ssh.env_remove("SSH_AUTH_SOCK").kill_on_drop(true);
        tokio::time::timeout(PATIENCE, ssh.output()).await.expect("in time").unwrap()
    }

    /// What a command over SSH says.
    pub(crate) async fn say(&self, id: &str, command: &str) -> String {
        succeeded(self.ssh(id, "admin", command).await)
    }
}

/// The standard output of what must not fail.
#[track_caller]
pub(crate) fn succeeded(output: Output) -> String {
    let Output { status, stdout, stderr } = output;
    let said = String::from_utf8(stdout).unwrap();
    assert!(status.success(), "{status}\n{said}\n{}", String::from_utf8_lossy(&stderr));
    said.trim_end().to_owned()
}
