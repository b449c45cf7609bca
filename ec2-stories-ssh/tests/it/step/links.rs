//! Links that break while steps run, and runs that nobody waits for.

use std::fs;
use std::time::Duration;

use ec2_stories_core::attributes::Template;
use ec2_stories_core::provider::Customizer;
use ec2_stories_core::provider::StepOutcome::{Changed, Unchanged};
use ec2_stories_ssh::code;
use ec2_stories_ssh::step::{File, Run};

use super::{node, node_at, path, run, steps};
use crate::support::Sshd;
use crate::support::proxy::Proxy;
use crate::support::refused;
use crate::support::sshd::until;

/// Says that it runs, and goes on only when it may.
fn slow(server: &Sshd) -> Run {
    let (started, may) = (path(server, "started"), path(server, "may"));
    Run::shell(Template::literal(format!("touch '{started}'; while [ ! -e '{may}' ]; do sleep 0.02; done")))
}

#[tokio::test]
async fn a_link_that_breaks_midway_is_temporary_and_the_same_run_goes_on_later() {
    let server = Sshd::start();
    let mut proxy = Proxy::to(server.address()).await;
    let file = path(&server, "file");
    let both = steps(&server, [File::text(&file, "x")]).then(slow(&server));
    let node = node_at(&server, proxy.address.port());
    let (error, ()) = tokio::join!(both.customize(&node), async {
        until("it runs", || server.path("started").exists()).await;
        proxy.cut();
    });
    let error = refused(error);
    assert!(error.is_temporary() && error.api_code() == Some(code::LINK_LOST), "{error:?}");
    fs::write(server.path("may"), "").unwrap();
    assert_eq!(run(&server, &both).await, [Unchanged, Changed]);
    assert_eq!(run(&server, &both).await, [Unchanged, Unchanged]);
}

#[tokio::test]
async fn a_server_that_is_killed_midway_is_temporary() {
    let mut server = Sshd::start();
    let all = steps(&server, [slow(&server)]);
    let node = node(&server);
    let started = server.path("started");
    let (error, ()) = tokio::join!(all.customize(&node), async {
        until("it runs", || started.exists()).await;
        server.kill_all();
    });
    let error = refused(error);
    assert!(error.is_temporary(), "{error:?}");
    let error = refused(all.customize(&node).await);
    assert!(error.is_temporary(), "nobody listens: {error:?}");
    server.restart();
    fs::write(server.path("may"), "").unwrap();
    assert_eq!(run(&server, &all).await, [Changed]);
}

#[tokio::test]
async fn a_run_that_is_dropped_ends_its_command_and_can_be_repeated() {
    let server = Sshd::start();
    let pid = path(&server, "pid");
    let script = format!("echo $$ >'{pid}.new'; mv '{pid}.new' '{pid}'; [ -e '{pid}.may' ] || sleep 1000");
    let all = steps(&server, [Run::shell(Template::literal(script))]);
    let node = node(&server);
    tokio::select! {
        outcome = all.customize(&node) => panic!("it hangs: {outcome:?}"),
        () = until("it runs", || server.path("pid").exists()) => {}
    }
    let number = fs::read_to_string(&pid).unwrap();
    until("it ends", || !std::path::Path::new(&format!("/proc/{}", number.trim())).exists()).await;
    fs::write(format!("{pid}.may"), "").unwrap();
    assert_eq!(run(&server, &all).await, [Changed]);
}

#[tokio::test]
async fn a_host_key_that_is_another_is_not_tried_again() {
    let (server, other) = (Sshd::start(), Sshd::start());
    let mut node = node(&server);
    node.login.host_keys = Some(ec2_stories_core::model::HostKeys::Pinned(other.host_key()));
    let all = steps(&server, [Run::new(["true"])]);
    let tried = tokio::time::timeout(Duration::from_secs(20), all.customize(&node)).await.expect("at once");
    let error = refused(tried);
    assert!(error.is_permanent(), "{error:?}");
}

#[tokio::test]
async fn what_cannot_be_meant_is_refused_before_a_login() {
    let server = Sshd::start();
    let mut node = node(&server);
    node.instance.private_ip = None;
    let wrong = steps(&server, [File::text("/etc/x", "")]).then(File::text("etc/x", ""));
    let error = refused(wrong.customize(&node).await);
    assert_eq!(error.resource(), Some("steps[1].file.path"), "{error:?}");
}
