//! The scripts in this machine's own shell, in folders of their own, without a connection.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;

use super::deploy::{DEPLOY, REMOVE};
use super::pack::Pack;
use super::release::Release;

/// A place like a host's `/opt`, and bundles for it. What runs there ends with it.
struct Place(TempDir);

/// A bundle whose program writes its version to a file and stays.
const WORKS: &str = "echo $0 >started; touch ready; exec sleep 600";
const NEVER_READY: &str = "exec sleep 600";
const ENDS: &str = "echo 'no database' >&2; exit 3";

impl Place {
    fn new() -> Self {
        Self(tempfile::Builder::new().prefix("ec2-stories-place-").tempdir().unwrap())
    }

    fn base(&self) -> PathBuf {
        self.0.path().join("opt/shop")
    }

    fn source(&self, version: &str, program: &str) -> PathBuf {
        let folder = self.0.path().join(format!("source-{version}"));
        fs::create_dir_all(folder.join("bin")).unwrap();
        let manifest = format!(
            "name = 'shop'\nversion = '{version}'\nstart = ['bin/shop']\nkeep = 1\nstop_within = '1s'\n\
             [health]\ncommand = ['test', '-e', 'ready']\nwithin = '1s'\n"
        );
        fs::write(folder.join("bundle.toml"), manifest).unwrap();
        fs::write(folder.join("bin/shop"), format!("#!/bin/sh\n# {version}\n{program}\n")).unwrap();
        fs::set_permissions(folder.join("bin/shop"), fs::Permissions::from_mode(0o755)).unwrap();
        folder
    }

    fn start(&self, script: &str, version: &str, program: &str) -> Child {
        let pack = Pack::open(&self.source(version, program)).unwrap();
        let release = Release::with(&pack, "export COLOR=red\n").unwrap();
        let mut file = tempfile::tempfile().unwrap();
        std::io::copy(&mut pack.stream().unwrap(), &mut file).unwrap();
        file.write_all(&release.tail).unwrap();
        std::io::Seek::rewind(&mut file).unwrap();
        let base = self.base();
        let arguments = [base.to_str().unwrap(), "shop", &release.id, &release.sum, "1", "20", "me"];
        shell(script, &arguments).stdin(file).spawn().unwrap()
    }

    fn deploy(&self, version: &str, program: &str) -> String {
        said(&self.start(DEPLOY, version, program).wait_with_output().unwrap())
    }

    fn remove(&self) -> String {
        let base = self.base();
        said(&shell(REMOVE, &[base.to_str().unwrap(), "shop", "20", "me"]).output().unwrap())
    }

    /// The version that runs, seen from outside.
    fn runs(&self) -> Option<String> {
        let child = fs::read_to_string(self.base().join("run/child")).ok()?;
        let at = fs::read_link(format!("/proc/{}/cwd", child.trim())).ok()?;
        Some(fs::read_to_string(at.join(".ec2-stories/version")).unwrap().trim().to_owned())
    }

    fn releases(&self) -> usize {
        fs::read_dir(self.base().join("releases")).map_or(0, Iterator::count)
    }

    /// How many processes of the bundle there are, by what only they have in their environment.
    fn processes(&self) -> usize {
        let mark = format!("EC2_STORIES_BUNDLE={}\0", self.base().display());
        let all = fs::read_dir("/proc").unwrap().flatten();
        all.filter(|process| {
            let environment = fs::read(process.path().join("environ")).unwrap_or_default();
            environment.windows(mark.len()).any(|window| window == mark.as_bytes())
        })
        .count()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.remove();
    }
}

/// A host without systemd, whatever this machine has.
fn shell(script: &str, arguments: &[&str]) -> Command {
    assert!(script.contains("/run/systemd/system"));
    let script = script.replace("/run/systemd/system", "/no/systemd");
    let mut command = Command::new("/bin/sh");
    command.args(["-c", &script, "sh"]).args(arguments).stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn said(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.replace("send\n", "") + &String::from_utf8_lossy(&output.stderr)
}

/// The script, which kills itself at one of the points that it marks.
fn dying_at(script: &str, point: usize) -> String {
    let (at, _) = script.match_indices("#: ").nth(point).unwrap();
    format!("{}kill -KILL $$ {}", &script[..at], &script[at..])
}

fn points(script: &str) -> usize {
    script.matches("#: ").count()
}

/// Whether it was killed, and not at its end.
fn died(child: Child) -> bool {
    child.wait_with_output().unwrap().status.signal() == Some(9)
}

const CHANGED: &str = "step copy changed\nstep start changed\nstep check changed\n";
const UNCHANGED: &str = "step copy unchanged\nstep start unchanged\nstep check unchanged\n";

#[test]
fn a_bundle_is_started_once_and_its_successor_takes_over() {
    let place = Place::new();
    assert_eq!(place.deploy("1", WORKS), CHANGED);
    assert_eq!(place.runs().as_deref(), Some("1"));
    let child = fs::read_to_string(place.base().join("run/child")).unwrap();
    assert_eq!(place.deploy("1", WORKS), UNCHANGED);
    assert_eq!(fs::read_to_string(place.base().join("run/child")).unwrap(), child);
    for version in ["2", "3", "4"] {
        assert_eq!(place.deploy(version, WORKS), CHANGED);
        assert_eq!((place.runs().as_deref(), place.processes()), (Some(version), 1));
    }
    assert_eq!(place.releases(), 2, "one old version is kept");
    assert_eq!(place.deploy("3", WORKS), CHANGED.replace("copy changed", "copy unchanged"));
    assert_eq!(place.remove(), "changed\n");
    assert!(!place.base().exists());
    assert_eq!((place.processes(), place.remove().as_str()), (0, "unchanged\n"));
}

#[test]
fn what_does_not_work_is_rolled_back() {
    let place = Place::new();
    place.deploy("1", WORKS);
    let said = place.deploy("2", NEVER_READY);
    assert!(said.contains("step check failed not healthy within 1 s"), "{said}");
    assert!(said.contains("; version 1 runs again"), "{said}");
    assert_eq!((place.runs().as_deref(), place.processes()), (Some("1"), 1));
    let said = place.deploy("3", ENDS);
    assert!(said.contains("step start failed it ended at once: no database"), "{said}");
    assert!(said.contains("; version 1 runs again"), "{said}");
    assert_eq!((place.runs().as_deref(), place.processes()), (Some("1"), 1));
    assert_eq!(place.deploy("1", WORKS), UNCHANGED);
}

#[test]
fn the_first_version_has_nothing_to_go_back_to() {
    let place = Place::new();
    let said = place.deploy("1", ENDS);
    assert!(said.contains("there is no version to go back to"), "{said}");
    assert_eq!((place.runs(), place.processes()), (None, 0));
    assert_eq!(place.remove(), "changed\n");
}

#[test]
fn it_is_started_again_when_it_ends_and_its_supervisor_may_be_killed() {
    let place = Place::new();
    place.deploy("1", WORKS);
    let pid = |file: &str| fs::read_to_string(place.base().join("run").join(file)).unwrap_or_default();
    let first = pid("child");
    kill(&first);
    let again = || !pid("child").is_empty() && pid("child") != first;
    (0..100).find(|_| again() || nap()).expect("it is started again");
    // The program stays behind without its supervisor: the next deployment must not start a second one beside it.
    kill(&pid("pid"));
    assert_eq!(
        place.deploy("1", WORKS),
        UNCHANGED.replace("unchanged", "changed").replacen("changed", "unchanged", 1)
    );
    assert_eq!(place.processes(), 1);
}

#[test]
fn a_death_at_any_point_is_repaired_by_the_next_run() {
    std::thread::scope(|scope| {
        for point in 0..points(DEPLOY) {
            scope.spawn(move || {
                let place = Place::new();
                place.deploy("1", WORKS);
                // A version that works, on both sides of the death.
                let first = died(place.start(&dying_at(DEPLOY, point), "2", WORKS));
                let after = place.deploy("2", WORKS);
                assert!(after.ends_with("changed\n") && !after.contains("failed"), "{point}: {after}");
                assert_eq!((place.runs().as_deref(), place.processes()), (Some("2"), 1), "{point}");
                assert!(!place.base().join("releases/.incoming").exists(), "{point}");
                // One that does not.
                let second = died(place.start(&dying_at(DEPLOY, point), "3", ENDS));
                assert!(first || second, "{point} is never passed");
                let after = place.deploy("3", ENDS);
                assert!(after.contains("version 2 runs again"), "{point}: {after}");
                assert_eq!((place.runs().as_deref(), place.processes()), (Some("2"), 1), "{point}");
                assert_eq!(place.deploy("2", WORKS), UNCHANGED, "{point}");
            });
        }
    });
}

#[test]
fn a_removal_that_died_is_finished_by_the_next_one() {
    std::thread::scope(|scope| {
        for point in 0..points(REMOVE) {
            scope.spawn(move || {
                let place = Place::new();
                place.deploy("1", WORKS);
                let base = place.base();
                let arguments = [base.to_str().unwrap(), "shop", "20", "me"];
                assert!(died(shell(&dying_at(REMOVE, point), &arguments).spawn().unwrap()), "{point}");
                if point % 2 == 0 {
                    assert!(place.deploy("1", WORKS).contains("check"), "{point}");
                    assert_eq!(place.processes(), 1, "{point}");
                }
                place.remove();
                assert!(!base.exists(), "{point}");
                assert_eq!(place.processes(), 0, "{point}");
            });
        }
    });
}

#[test]
fn what_was_cut_off_is_refused() {
    let place = Place::new();
    let pack = Pack::open(&place.source("1", WORKS)).unwrap();
    let release = Release::with(&pack, "").unwrap();
    let base = place.base();
    let arguments = [base.to_str().unwrap(), "shop", &release.id, &release.sum, "1", "20", "me"];
    let mut child = shell(DEPLOY, &arguments).stdin(pack.stream().unwrap()).spawn().unwrap();
    drop(child.stdin.take());
    let said = said(&child.wait_with_output().unwrap());
    assert!(said.starts_with("step copy failed \n") && said.contains("not what was sent"), "{said}");
    assert_eq!(place.releases(), 0);
}

#[test]
fn two_at_once_wait_for_each_other_or_are_told() {
    let place = Place::new();
    fs::create_dir_all(place.base()).unwrap();
    let both: Vec<Child> =
        ["1", "2"].map(|version| place.start(DEPLOY, version, WORKS)).into_iter().collect();
    for child in both {
        let said = said(&child.wait_with_output().unwrap());
        assert_eq!(said, CHANGED);
    }
    assert_eq!(place.processes(), 1);
    let lock = place.base().join("lock");
    let mut holder = Command::new("flock").arg(&lock).args(["sleep", "600"]).spawn().unwrap();
    (0..100).find(|_| held(&lock) || nap()).expect("it is held");
    let script = DEPLOY.replace("patience=$6", "patience=0");
    let said = said(&place.start(&script, "1", WORKS).wait_with_output().unwrap());
    // The lock's own words are the last holder's.
    assert_eq!(said, "busy me\n");
    let _ = Command::new("pkill").args(["-P", &holder.id().to_string()]).status();
    holder.wait().unwrap();
}

fn held(lock: &Path) -> bool {
    !Command::new("flock").arg("-n").arg(lock).arg("true").status().unwrap().success()
}

fn kill(pid: &str) {
    assert!(Command::new("kill").args(["-KILL", pid.trim()]).status().unwrap().success());
}

/// For what other programs do. Never true.
fn nap() -> bool {
    Command::new("sleep").arg("0.1").status().unwrap();
    false
}
