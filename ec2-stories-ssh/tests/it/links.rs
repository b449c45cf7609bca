//! Links that break, links through others, and many at once.

use std::time::Duration;

use ec2_stories_core::Status;
use ec2_stories_ssh::{
    Command, FanOut, HostKeys, Identity, Jump, Readiness, Running, SessionPool, Ssh, Target, WriteOptions,
    code,
};

use crate::support::proxy::Proxy;
use crate::support::sshd::{Sshd, text};
use crate::support::{connected, eventually, pinned, refused, ssh};

#[tokio::test]
async fn a_server_that_is_killed_midway_is_ambiguous() {
    let (mut server, session) = connected().await;
    let command = Command::shell("echo started; sleep 1000");
    let mut running = session.spawn(&command).await.unwrap();
    assert!(running.next().await.unwrap().is_some());
    let sleeping = server.processes();
    server.kill_all();
    let error = refused(running.next().await);
    assert_eq!((error.status_of(), error.api_code()), (Status::Ambiguous, Some(code::LINK_LOST)));
    assert!(!session.is_alive());
    assert!(!sleeping.is_empty());
    let error = refused(session.exec(&Command::new("true")).await);
    assert!(error.is_temporary(), "nothing was done: {error:?}");
}

#[tokio::test]
async fn the_last_session_that_is_dropped_ends_the_connection() {
    let (server, session) = connected().await;
    let sftp = session.sftp().await.unwrap();
    let copy = session.clone();
    drop(session);
    copy.exec(&Command::new("true")).await.unwrap();
    drop(copy);
    assert!(sftp.stat("/").await.unwrap().is_some(), "its files keep it");
    drop(sftp);
    eventually("the server's session ends", async || server.processes().is_empty()).await;
}

#[tokio::test]
async fn a_link_that_is_cut_midway_fails_commands_and_transfers() {
    let server = Sshd::start();
    let mut proxy = Proxy::to(server.address()).await;
    let target = Target::new(proxy.address.ip().to_string(), proxy.address.port());
    let session = ssh(&server, pinned(&server)).connect(&target).await.unwrap();
    let sftp = session.sftp().await.unwrap();
    let path = text(&server.path("file")).to_owned();
    let endless = tokio::io::repeat(7);
    let (options, command) = (WriteOptions::new(), Command::shell("echo started; sleep 1000"));
    let upload = sftp.upload(endless, &path, &options);
    let exec = session.exec_with(&command, |_| ());
    let cut = async {
        eventually("the upload is under way", async || half_written(&server) > 1_000_000).await;
        proxy.cut();
    };
    let (uploaded, executed, ()) = tokio::join!(upload, exec, cut);
    assert_eq!(refused(uploaded).status_of(), Status::Ambiguous);
    assert_eq!(refused(executed).status_of(), Status::Ambiguous);
    assert!(!server.path("file").exists(), "half a file is never in its place");
}

fn half_written(server: &Sshd) -> u64 {
    let folder = std::fs::read_dir(server.path("")).unwrap();
    folder
        .filter_map(Result::ok)
        .filter(|file| file.file_name().to_string_lossy().starts_with(".ec2-stories-"))
        .filter_map(|file| file.metadata().ok().map(|metadata| metadata.len()))
        .sum()
}

#[tokio::test]
async fn keep_alive_notices_a_host_that_fell_silent() {
    let server = Sshd::start();
    let proxy = Proxy::to(server.address()).await;
    let ssh = Ssh::builder()
        .user(server.user())
        .identity(Identity::key_file(server.path("client")))
        .host_keys(pinned(&server))
        .keep_alive(Duration::from_millis(200))
        .build()
        .unwrap();
    let target = Target::new(proxy.address.ip().to_string(), proxy.address.port());
    let session = ssh.connect(&target).await.unwrap();
    proxy.mute();
    let error = refused(session.exec(&Command::new("true")).await);
    assert_eq!(error.api_code(), Some(code::LINK_LOST), "{error:?}");
    assert!(!session.is_alive());
}

#[tokio::test]
async fn a_link_that_takes_nothing_more_is_noticed_too() {
    let server = Sshd::start();
    let proxy = Proxy::to(server.address()).await;
    let ssh = Ssh::builder()
        .user(server.user())
        .identity(Identity::key_file(server.path("client")))
        .host_keys(pinned(&server))
        .keep_alive(Duration::from_millis(200))
        .build()
        .unwrap();
    let target = Target::new(proxy.address.ip().to_string(), proxy.address.port());
    let session = ssh.connect(&target).await.unwrap();
    let command = Command::shell("cat >/dev/null");
    // Together they send more than the buffers on the way hold.
    let mut running = Vec::new();
    for _ in 0..5 {
        running.push(session.spawn_with_input(&command, tokio::io::repeat(7)).await.unwrap());
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    proxy.stick();
    let waiting = futures::future::join_all(running.into_iter().map(Running::wait));
    let ended = tokio::time::timeout(Duration::from_secs(20), waiting).await.expect("the link is given up");
    for outcome in ended {
        assert_eq!(refused(outcome).api_code(), Some(code::LINK_LOST));
    }
}

#[tokio::test]
async fn a_host_is_reached_through_another_and_verified_end_to_end() {
    let (between, server) = (Sshd::start(), Sshd::start());
    let jump = Jump::through(ssh(&between, pinned(&between)), between.target());
    let through = |host_keys| {
        Ssh::builder()
            .user(server.user())
            .identity(Identity::key_file(server.path("client")))
            .host_keys(host_keys)
            .connect_by(Jump::through(ssh(&between, pinned(&between)), between.target()))
            .build()
            .unwrap()
    };
    let session = through(pinned(&server)).connect(&server.target()).await.unwrap();
    let output = session.exec(&Command::shell("echo \"$SSH_CONNECTION\"")).await.unwrap();
    assert!(output.stdout.text().contains(&server.address().port().to_string()));
    let error = refused(through(pinned(&between)).connect(&server.target()).await);
    assert_eq!(error.api_code(), Some(code::HOST_KEY_CHANGED));

    let wrong = Jump::through(ssh(&between, pinned(&server)), between.target());
    drop(jump);
    let ssh = Ssh::builder()
        .user(server.user())
        .identity(Identity::key_file(server.path("client")))
        .host_keys(pinned(&server))
        .connect_by(wrong)
        .build()
        .unwrap();
    let error = refused(ssh.connect(&server.target()).await);
    assert_eq!((error.api_code(), error.is_permanent()), (Some(code::HOST_KEY_CHANGED), true), "{error:?}");
}

/// Logins to `server` through these hosts, the nearest first.
fn through(server: &Sshd, hosts: &[&Sshd]) -> Ssh {
    let login = Ssh::builder()
        .user(server.user())
        .identity(Identity::key_file(server.path("client")))
        .host_keys(pinned(server));
    match hosts {
        [] => login.build().unwrap(),
        [nearer @ .., last] => {
            login.connect_by(Jump::through(through(last, nearer), last.target())).build().unwrap()
        }
    }
}

#[tokio::test]
async fn a_host_between_may_be_reached_through_another_and_come_back() {
    let (mut first, second, server) = (Sshd::start(), Sshd::start(), Sshd::start());
    let ssh = through(&server, &[&first, &second]);
    let session = ssh.connect(&server.target()).await.unwrap();
    assert!(session.exec(&Command::new("true")).await.unwrap().exit.is_success());
    assert!(!first.processes().is_empty() && !second.processes().is_empty(), "both are on the way");
    first.kill_all();
    eventually("the link is known to be broken", async || !session.is_alive()).await;
    let error = refused(ssh.connect(&server.target()).await);
    assert!(error.is_temporary() && error.chain().contains("nobody listens there"), "{}", error.chain());
    first.restart();
    ssh.connect(&server.target()).await.unwrap().exec(&Command::new("true")).await.unwrap();
}

#[tokio::test]
async fn a_host_between_that_says_no_is_said_and_not_asked_again() {
    let server = Sshd::start();
    let readiness = Readiness::builder().build().unwrap();
    let wait = async |ssh: &Ssh| {
        let waited =
            tokio::time::timeout(Duration::from_secs(20), readiness.wait(ssh, &server.target())).await;
        refused(waited.expect("at once"))
    };
    let deaf = Sshd::with("AllowTcpForwarding no");
    let error = wait(&through(&server, &[&deaf])).await;
    assert!(error.is_permanent() && error.chain().contains("opened no channel"), "{}", error.chain());

    // One of which nothing is known is not asked for anything.
    let between = Sshd::start();
    let unknown = HostKeys::known_hosts(between.path("none"));
    let ssh = Ssh::builder()
        .user(server.user())
        .identity(Identity::key_file(server.path("client")))
        .host_keys(pinned(&server))
        .connect_by(Jump::through(crate::support::ssh(&between, unknown), between.target()))
        .build()
        .unwrap();
    let error = wait(&ssh).await;
    assert_eq!((error.api_code(), error.is_permanent()), (Some(code::HOST_KEY_UNKNOWN), true));
    let said = error.chain();
    assert!(said.contains(&between.address().to_string().replace(':', "]:")), "{said}");
    let log = std::fs::read_to_string(between.path("log")).unwrap();
    assert!(!log.contains("Accepted"), "{log}");
    let log = std::fs::read_to_string(server.path("log")).unwrap();
    assert!(!log.contains("Connection from") && !log.contains("Accepted"), "{log}");
}

#[tokio::test]
async fn a_pool_shares_a_session_and_makes_a_broken_one_again() {
    let mut server = Sshd::start();
    let pool = SessionPool::new(ssh(&server, pinned(&server)));
    let target = server.target();
    let (one, two) = tokio::join!(pool.session(&target), pool.session(&target));
    let port = async |session: &ec2_stories_ssh::Session| {
        session.exec(&Command::shell("echo $SSH_CONNECTION")).await.unwrap().stdout.text()
    };
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_eq!(port(&one).await, port(&two).await, "the same connection");
    server.kill_all();
    server.restart();
    eventually("the link is known to be broken", async || !one.is_alive()).await;
    assert!(
        pool.session(&target).await.unwrap().exec(&Command::new("true")).await.unwrap().exit.is_success()
    );
    pool.close().await;
}

#[tokio::test]
async fn one_job_runs_on_many_hosts_and_one_that_is_down_fails_alone() {
    let mut servers: Vec<Sshd> = (0..6).map(|_| Sshd::start()).collect();
    let targets: Vec<Target> =
        servers.iter().enumerate().map(|(n, server)| server.target().named(format!("web/{n}"))).collect();
    let pools: Vec<SessionPool> =
        servers.iter().map(|server| SessionPool::new(ssh(server, pinned(server)))).collect();
    servers[3].kill_all();
    let outcomes = FanOut::at_once(4)
        .run(targets.into_iter().zip(pools).map(|(target, pool)| Node { target, pool }), |node| async move {
            let session = node.pool.session(&node.target).await?;
            session.exec(&Command::new("echo").arg(node.to_string())).await?.checked("echo")
        })
        .await;
    assert_eq!(outcomes.succeeded(), 5);
    let error = refused(outcomes.at_least(6));
    assert!(error.chain().contains("web/3") && error.chain().contains("nobody listens"), "{}", error.chain());
}

#[derive(Clone)]
struct Node {
    target: Target,
    pool: SessionPool,
}

impl std::fmt::Display for Node {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.target.fmt(f)
    }
}
