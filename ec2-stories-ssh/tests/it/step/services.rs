//! Services, with a `systemctl` that writes down what it is told: a machine has one systemd, and it is not the test's.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use ec2_stories_core::provider::StepOutcome::{Changed, Unchanged};
use ec2_stories_ssh::step::{File, Run, Service};

use super::{path, run, steps, undo};
use crate::support::Sshd;

const SYSTEMCTL: &str = r#"#!/bin/sh
here=${0%/*}
for last; do :; done
case $1 in
  is-enabled) [ -e "$here/enabled" ] && echo enabled || echo disabled ;;
  is-active) [ -e "$here/active" ] && echo active || echo inactive ;;
  show) echo no ;;
  enable) touch "$here/enabled" ;;
  disable) rm "$here/enabled" ;;
  start | restart) [ ! -e "$here/broken" ] || { echo "Job for $last failed." >&2; exit 1; }; touch "$here/active" ;;
  stop) rm "$here/active" ;;
esac
case $1 in is-* | show) ;; *) echo "$1 $last" >>"$here/log" ;; esac
"#;

fn server() -> Sshd {
    Sshd::prepared("SetEnv PATH={here}/bin:/usr/sbin:/usr/bin:/sbin:/bin", |folder| {
        fs::create_dir(folder.join("bin")).unwrap();
        let program = folder.join("bin/systemctl");
        fs::write(&program, SYSTEMCTL).unwrap();
        fs::set_permissions(program, fs::Permissions::from_mode(0o755)).unwrap();
    })
}

fn told(server: &Sshd) -> Vec<String> {
    let log = fs::read_to_string(server.path("bin/log")).unwrap_or_default();
    let _ = fs::remove_file(server.path("bin/log"));
    log.lines().map(|line| line.trim_end_matches(" web.service").to_owned()).collect()
}

#[tokio::test]
async fn a_service_is_restarted_for_what_changed_before_it_only() {
    let server = server();
    let of =
        |text: &str| steps(&server, [File::text(path(&server, "conf"), text)]).then(Service::named("web"));
    assert_eq!(run(&server, &of("one")).await, [Changed, Changed]);
    assert_eq!(told(&server), ["enable", "start"]);
    assert_eq!(run(&server, &of("one")).await, [Unchanged, Unchanged]);
    assert_eq!(told(&server), [""; 0]);
    assert_eq!(run(&server, &of("two")).await, [Changed, Changed]);
    assert_eq!(told(&server), ["restart"]);
    let after = steps(&server, [Service::named("web")]).then(File::text(path(&server, "conf"), "three"));
    assert_eq!(run(&server, &after).await, [Unchanged, Changed]);
    assert_eq!(told(&server), [""; 0]);
}

#[tokio::test]
async fn a_restart_that_did_not_come_to_pass_is_made_up_for() {
    let server = server();
    let of = |text: &str, between: &str| {
        steps(&server, [File::text(path(&server, "conf"), text)])
            .then(Run::new([between]).named("between").unless(["false"]))
            .then(Service::named("web"))
    };
    run(&server, &of("one", "true")).await;
    told(&server);
    run(&server, &of("two", "false")).await;
    assert_eq!(told(&server), [""; 0], "a step between failed");
    let calm = steps(&server, [File::text(path(&server, "conf"), "two")]).then(Service::named("web"));
    assert_eq!(run(&server, &calm).await, [Unchanged, Changed]);
    assert_eq!(told(&server), ["restart"]);
    assert_eq!(run(&server, &calm).await, [Unchanged, Unchanged]);
}

#[tokio::test]
async fn undo_stops_what_was_started_and_a_failure_says_why() {
    let server = server();
    let service = steps(&server, [Service::named("web").undone()]);
    assert_eq!(run(&server, &service).await, [Changed]);
    told(&server);
    assert_eq!(undo(&server, &service).await, [Changed]);
    assert_eq!(told(&server), ["stop", "disable"]);
    assert_eq!(undo(&server, &service).await, [Unchanged]);
    fs::write(server.path("bin/broken"), "").unwrap();
    let outcomes = run(&server, &service).await;
    assert!(super::why(&outcomes).contains("Job for web.service failed"), "{outcomes:?}");
}
