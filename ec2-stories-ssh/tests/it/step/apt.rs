//! Packages by a real apt-get, from a repository in a folder. Mounting needs root, as in CI.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use ec2_stories_core::provider::StepOutcome::{Changed, Unchanged};
use ec2_stories_ssh::step::Packages;

use super::{path, run, steps, undo, why};
use crate::support::sshd::{text, until};
use crate::support::{Sshd, eventually};

/// A host with a database of packages and a repository of its own.
fn server() -> Sshd {
    Sshd::prepared("", |folder| {
        let here = text(folder);
        for inner in [
            "repository",
            "etc",
            "dpkg/info",
            "dpkg/updates",
            "lists/lists/partial",
            "cache/archives/partial",
        ] {
            fs::create_dir_all(folder.join(inner)).unwrap();
        }
        fs::create_dir_all(folder.join("log.d/apt")).unwrap();
        for empty in ["dpkg/status", "dpkg/available", "repository/Packages"] {
            fs::write(folder.join(empty), "").unwrap();
        }
        let source = format!("deb [trusted=yes] file:{here}/repository ./\n");
        fs::write(folder.join("etc/sources.list"), source).unwrap();
        // The folder is the test's own, and closed to the user that apt reads repositories as.
        fs::write(folder.join("etc/apt.conf"), "APT::Sandbox::User \"root\";\n").unwrap();
        let mounts = "mount --bind {here}/etc /etc/apt && mount --bind {here}/dpkg /var/lib/dpkg && \
                      mount --bind {here}/lists /var/lib/apt && mount --bind {here}/cache /var/cache/apt && \
                      mount --bind {here}/log.d /var/log && mount -t tmpfs tmpfs /opt";
        fs::write(folder.join("mounts"), mounts.replace("{here}", here)).unwrap();
    })
}

/// Adds a package to the repository, which does this once it is unpacked.
fn publish(server: &Sshd, name: &str, version: &str, configure: &str) {
    use std::os::unix::fs::PermissionsExt;
    let (folder, repository) = (server.path(&format!("build/{name}")), server.path("repository"));
    fs::create_dir_all(folder.join("DEBIAN")).unwrap();
    fs::create_dir_all(folder.join("opt").join(name)).unwrap();
    fs::write(folder.join("opt").join(name).join("version"), version).unwrap();
    let control = format!(
        "Package: {name}\nVersion: {version}\nArchitecture: all\nMaintainer: a test <test@example.org>\nDescription: for a test\n"
    );
    fs::write(folder.join("DEBIAN/control"), &control).unwrap();
    fs::write(folder.join("DEBIAN/postinst"), format!("#!/bin/sh\n{configure}\n")).unwrap();
    fs::set_permissions(folder.join("DEBIAN/postinst"), fs::Permissions::from_mode(0o755)).unwrap();
    let file = repository.join(format!("{name}-{version}.deb"));
    succeed(Command::new("dpkg-deb").args(["--root-owner-group", "--build"]).args([&folder, &file]));
    let sum = succeed(Command::new("sha256sum").arg(&file));
    let entry = format!(
        "{control}Filename: ./{name}-{version}.deb\nSize: {}\nSHA256: {}\n\n",
        fs::metadata(&file).unwrap().len(),
        sum.split(' ').next().unwrap(),
    );
    let listed = fs::read_to_string(repository.join("Packages")).unwrap();
    fs::write(repository.join("Packages"), listed + &entry).unwrap();
}

fn succeed(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// An apt-get that somebody else has started on the host.
fn holder(server: &Sshd, package: &str) -> Child {
    let mounts = fs::read_to_string(server.path("mounts")).unwrap();
    let line = format!("{mounts} && apt-get -qq update && exec apt-get -y -qq install {package}");
    let mut apt = Command::new("unshare");
    apt.args(["-m", "--propagation", "private", "/bin/sh", "-c", &line])
        .env("DEBIAN_FRONTEND", "noninteractive");
    apt.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// What waits until it may go on, once it has said that it is there.
fn waits(server: &Sshd) -> String {
    let (there, go) = (path(server, "there"), path(server, "go"));
    format!("touch '{there}'; while [ ! -e '{go}' ]; do sleep 0.1; done")
}

fn installs(server: &Sshd) -> bool {
    let is_apt = |pid: &u32| {
        fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.trim() == "apt-get")
    };
    server.processes().iter().any(is_apt)
}

#[tokio::test]
async fn packages_come_by_name_and_version_and_go_again() {
    let server = server();
    publish(&server, "ec2-stories-a", "1.0", "");
    let of = |name: &str| steps(&server, [Packages::apt([name]).undone()]);
    assert_eq!(run(&server, &of("ec2-stories-a")).await, [Changed]);
    assert_eq!(run(&server, &of("ec2-stories-a")).await, [Unchanged]);
    assert_eq!(run(&server, &of("ec2-stories-a=1.0")).await, [Unchanged]);
    // The lists that are there are new enough, and do not know of it yet.
    publish(&server, "ec2-stories-a", "1.1", "");
    assert_eq!(run(&server, &of("ec2-stories-a=1.1")).await, [Changed]);
    assert_eq!(run(&server, &of("ec2-stories-a=1.0")).await, [Changed], "an older one");

    publish(&server, "ec2-stories-b", "1", "");
    let both = steps(&server, [Packages::apt(["ec2-stories-a", "ec2-stories-b"]).undone()]);
    assert_eq!(run(&server, &both).await, [Changed]);
    assert_eq!(undo(&server, &both).await, [Changed]);
    let kept = steps(&server, [Packages::apt(["ec2-stories-a=1.0"])]);
    assert_eq!(run(&server, &kept).await, [Unchanged], "it was there before");
    let outcomes = run(&server, &of("ec2-stories-none")).await;
    assert!(why(&outcomes).contains("Unable to locate package ec2-stories-none"), "{outcomes:?}");
}

#[tokio::test]
async fn a_lock_is_waited_for_and_not_for_ever() {
    let server = server();
    publish(&server, "ec2-stories-a", "1", "");
    publish(&server, "ec2-stories-slow", "1", &waits(&server));
    let mut holder = holder(&server, "ec2-stories-slow");
    until("another apt-get is at work", || server.path("there").exists()).await;

    let of = |limit: u64| steps(&server, [Packages::apt(["ec2-stories-a"]).lock(Duration::from_secs(limit))]);
    let outcomes = run(&server, &of(1)).await;
    let said = why(&outcomes);
    assert!(said.contains("has held the lock for 1s") && said.contains("/var/lib/dpkg/lock"), "{said}");

    let patient = of(60);
    let (outcomes, ()) = tokio::join!(run(&server, &patient), async {
        eventually("it waits", async || installs(&server)).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        fs::write(server.path("go"), "").unwrap();
    });
    assert_eq!(outcomes, [Changed]);
    assert!(holder.wait().unwrap().success());
}

#[tokio::test]
async fn the_lock_of_the_lists_is_waited_for_too() {
    let server = server();
    publish(&server, "ec2-stories-a", "1", "");
    // apt-get never waits for this one by itself.
    let line = "import fcntl, sys; file = open(sys.argv[1], 'w'); fcntl.lockf(file, fcntl.LOCK_EX); print(flush=True); sys.stdin.read()";
    let mut holder = Command::new("python3");
    holder
        .args(["-c", line])
        .arg(server.path("lists/lists/lock"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut holder = holder.spawn().unwrap();
    let mut held = [0];
    std::io::Read::read_exact(holder.stdout.as_mut().unwrap(), &mut held).unwrap();

    let of = |limit: u64| steps(&server, [Packages::apt(["ec2-stories-a"]).lock(Duration::from_secs(limit))]);
    let outcomes = run(&server, &of(1)).await;
    let said = why(&outcomes);
    assert!(said.contains("has held the lock for 1s") && said.contains("/var/lib/apt/lists/lock"), "{said}");

    let patient = of(60);
    let (outcomes, ()) = tokio::join!(run(&server, &patient), async {
        eventually("it has tried", async || installs(&server)).await;
        eventually("it waits", async || !installs(&server)).await;
        drop(holder.stdin.take());
    });
    assert_eq!(outcomes, [Changed]);
    assert!(holder.wait().unwrap().success());
}

#[tokio::test]
async fn an_installation_that_was_killed_is_repaired() {
    let server = server();
    publish(&server, "ec2-stories-a", "1", "");
    publish(&server, "ec2-stories-slow", "1", &waits(&server));
    let mut holder = holder(&server, "ec2-stories-slow");
    until("it is at work", || server.path("there").exists()).await;
    for pid in family(holder.id()) {
        let _ = Command::new("kill").args(["-KILL", &pid.to_string()]).stderr(Stdio::null()).status();
    }
    holder.wait().unwrap();
    fs::write(server.path("go"), "").unwrap();
    let both = steps(&server, [Packages::apt(["ec2-stories-a", "ec2-stories-slow"])]);
    assert_eq!(run(&server, &both).await, [Changed]);
    assert_eq!(run(&server, &both).await, [Unchanged]);
}

/// A process and all that it has started.
fn family(pid: u32) -> Vec<u32> {
    let children = Path::new("/proc").join(format!("{pid}/task/{pid}/children"));
    let children = fs::read_to_string(children).unwrap_or_default();
    let inner = children.split_whitespace().filter_map(|child| child.parse().ok()).flat_map(family);
    [pid].into_iter().chain(inner).collect()
}
