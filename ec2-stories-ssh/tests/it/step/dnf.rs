//! Packages by a real dnf, from a repository in a folder. Mounting needs root, as in CI.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use ec2_stories_core::provider::StepOutcome::{Changed, Unchanged};
use ec2_stories_ssh::step::Packages;

use super::{path, run, steps, undo, why};
use crate::support::sshd::{text, until};
use crate::support::{Sshd, eventually};

/// A host whose only package manager is dnf, with a database and a repository of its own.
fn server() -> Sshd {
    // rpm's database is in the home on a Debian.
    Sshd::prepared("SetEnv SHLVL=1 HOME={here}", |folder| {
        let here = text(folder);
        let configuration = format!(
            "[main]\ngpgcheck=0\nplugins=0\ncachedir={here}/cache\npersistdir={here}/persist\nlogdir={here}/log.d\n\
             reposdir={here}/repos\n[local]\nname=local\nbaseurl=file://{here}/repository\n"
        );
        fs::write(folder.join("dnf.conf"), configuration).unwrap();
        fs::create_dir_all(folder.join("repository")).unwrap();
        index(folder);
        let mounts = "mount --bind {here}/dnf.conf /etc/dnf/dnf.conf && mount -t tmpfs tmpfs /opt && \
                      mount --bind /dev/null /usr/bin/apt-get";
        fs::write(folder.join("mounts"), mounts.replace("{here}", here)).unwrap();
    })
}

/// Adds a package to the repository; `more` goes into its spec.
fn publish(server: &Sshd, name: &str, version: &str, more: &str) {
    let folder = server.path("");
    let spec = format!(
        "Name: {name}\nVersion: {version}\nRelease: 1\nSummary: for a test\nLicense: MIT\nBuildArch: noarch\n\
         %description\nFor a test.\n%install\nmkdir -p %{{buildroot}}/opt/{name}\n\
         echo {version} >%{{buildroot}}/opt/{name}/version\n{more}\n%files\n/opt/{name}/version\n"
    );
    fs::write(folder.join("spec"), spec).unwrap();
    let mut build = Command::new("rpmbuild");
    build.args(["-bb", "--quiet", "--define"]).arg(format!("_topdir {}/build", folder.display()));
    build.arg("--define").arg(format!("_rpmdir {}/repository", folder.display())).arg(folder.join("spec"));
    succeed(build.env("HOME", &folder));
    index(&folder);
}

fn index(folder: &Path) {
    succeed(Command::new("createrepo_c").arg("--quiet").arg(folder.join("repository")));
}

fn succeed(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test]
async fn packages_come_by_name_and_version_and_go_again() {
    let server = server();
    publish(&server, "ec2-stories-a", "1.0", "");
    let of = |name: &str| steps(&server, [Packages::dnf([name]).undone()]);
    assert_eq!(run(&server, &of("ec2-stories-a")).await, [Changed]);
    assert_eq!(run(&server, &of("ec2-stories-a")).await, [Unchanged]);
    assert_eq!(run(&server, &of("ec2-stories-a=1.0")).await, [Unchanged]);

    // The lists that are kept do not know of it yet.
    publish(&server, "ec2-stories-a", "1.1", "");
    assert_eq!(run(&server, &of("ec2-stories-a=1.1-1")).await, [Changed]);
    assert_eq!(run(&server, &of("ec2-stories-a=1.0")).await, [Changed], "an older one");
    assert_eq!(run(&server, &of("ec2-stories-a=1.0")).await, [Unchanged]);

    publish(&server, "ec2-stories-b", "1", "");
    let both = steps(&server, [Packages::dnf(["ec2-stories-a", "ec2-stories-b"]).undone()]);
    assert_eq!(run(&server, &both).await, [Changed]);
    assert_eq!(undo(&server, &both).await, [Changed]);
    let kept = steps(&server, [Packages::dnf(["ec2-stories-a=1.0"])]);
    assert_eq!(run(&server, &kept).await, [Unchanged], "it was there before");
    assert_eq!(undo(&server, &both).await, [Unchanged]);
}

#[tokio::test]
async fn a_lock_is_waited_for_and_not_for_ever() {
    let server = server();
    let go = path(&server, "go");
    publish(&server, "ec2-stories-a", "1", "");
    let waits = format!("%post -p <lua>\nwhile not io.open(\"{go}\") do os.execute(\"sleep 0.1\") end");
    publish(&server, "ec2-stories-slow", "1", &waits);
    let mut holder = holder(&server);
    let lock = server.path("persist/rpmdb_lock.pid");
    until("another dnf is at work", || lock.exists()).await;

    let of = |limit: u64| steps(&server, [Packages::dnf(["ec2-stories-a"]).lock(Duration::from_secs(limit))]);
    let outcomes = run(&server, &of(1)).await;
    let said = why(&outcomes);
    assert!(said.contains("has held the lock for 1s") && said.contains("already locked by"), "{said}");

    let patient = of(60);
    let (outcomes, ()) = tokio::join!(run(&server, &patient), async {
        eventually("it has tried", async || !dnf_logs(&server).is_empty()).await;
        fs::write(&go, "").unwrap();
    });
    assert_eq!(outcomes, [Changed]);
    assert!(holder.wait().unwrap().success());
}

/// A dnf that somebody else has started.
fn holder(server: &Sshd) -> Child {
    let folder = server.path("");
    let line = format!(
        "{} && exec dnf -y -q install ec2-stories-slow",
        fs::read_to_string(folder.join("mounts")).unwrap()
    );
    let mut dnf = Command::new("unshare");
    dnf.args(["-m", "--propagation", "private", "/bin/sh", "-c", &line]).env("HOME", &folder);
    dnf.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

fn dnf_logs(server: &Sshd) -> String {
    let log = fs::read_to_string(server.path("log.d/dnf.log")).unwrap_or_default();
    log.lines().filter(|line| line.contains("already locked")).map(str::to_owned).collect()
}

#[tokio::test]
async fn what_is_missing_and_a_repository_that_fails_are_said() {
    let server = server();
    let of = |name: &str| steps(&server, [Packages::dnf([name])]);
    let outcomes = run(&server, &of("ec2-stories-none")).await;
    assert!(why(&outcomes).contains("Unable to find a match: ec2-stories-none"), "{outcomes:?}");
    fs::remove_dir_all(server.path("repository")).unwrap();
    let outcomes = run(&server, &of("ec2-stories-none")).await;
    assert!(why(&outcomes).contains("Failed to download metadata for repo 'local'"), "{outcomes:?}");
}
