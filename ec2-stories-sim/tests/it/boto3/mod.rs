//! boto3, an SDK that no one here wrote, through the listener in scaled time.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Output;
use std::time::Duration;

use ec2_stories_core::{Clock, SystemClock};
use ec2_stories_sim::{ACCESS_KEY_ID, SECRET_ACCESS_KEY, Sim};
use tokio::process::Command;

/// Runs a script of this folder with the listener's URL and the simulation's keys.
async fn run(sim: &Sim, script: &str) -> Output {
    let peers =
        std::env::var("EC2_STORIES_PEERS").expect("EC2_STORIES_PEERS is not set: run cargo xtask test");
    let listener = sim.listen(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await.unwrap();
    let mut python = Command::new(Path::new(&peers).join("bin/python"));
    python
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/boto3").join(script))
        .args([&listener.url(), ACCESS_KEY_ID, SECRET_ACCESS_KEY])
        .env_remove("AWS_CA_BUNDLE")
        .kill_on_drop(true);
    let output = tokio::time::timeout(Duration::from_secs(60), python.output()).await;
    listener.shutdown().await;
    output.expect("the script ends within a minute").unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_becomes_an_image_that_is_shared_copied_and_removed() {
    // Clients with clocks of their own sign with today's date.
    let sim = Sim::builder().time_scale(60.0).start(SystemClock.now()).build();
    let output = run(&sim, "an_image.py").await;
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(out.lines().last(), Some("ok"), "{out}{err}");
    sim.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_and_blocks_come_back_as_they_were() {
    let sim = Sim::builder().time_scale(60.0).start(SystemClock.now()).build();
    let output = run(&sim, "objects.py").await;
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(out.lines().last(), Some("ok"), "{out}{err}");
    sim.assert_clean();
}
