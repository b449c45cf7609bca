//! `ec2-stories sim`, and an SDK that no one here wrote.

use std::path::Path;

use tokio::process::Command;

use super::{Ended, Started, ec2_stories};

async fn serve(more: &[&str], folder: &Path) -> (Started, String) {
    let mut sim = ec2_stories(folder);
    sim.args(["sim", "--listen", "127.0.0.1:0", "--seed", "7"]).args(more);
    let mut sim = Started::spawn(sim);
    let line = sim.line(|_| true).await;
    let url = line.strip_prefix("listening on ").expect("the first line says where").to_owned();
    (sim, url)
}

#[tokio::test(flavor = "multi_thread")]
async fn it_says_where_it_listens_and_ends_at_ctrl_c_and_at_sigterm() {
    let folder = tempfile::tempdir().unwrap();
    for signal in ["INT", "TERM"] {
        let (sim, url) = serve(&[], folder.path()).await;
        let port = url.strip_prefix("http://127.0.0.1:").unwrap();
        assert_ne!(port.parse::<u16>().unwrap(), 0);
        sim.signal(signal);
        sim.end().await.expect(0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_fault_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("faults.toml"), "[[rule]]\nfualt = 'throttle'\n").unwrap();
    let mut sim = ec2_stories(folder.path());
    sim.args(["sim", "--faults", "faults.toml"]);
    let ended = Ended::of(sim).await.expect(2);
    assert!(ended.stderr.contains("faults.toml") && ended.stderr.contains("fualt"), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn boto3_launches_waits_replays_and_terminates() {
    let peers =
        std::env::var("EC2_STORIES_PEERS").expect("EC2_STORIES_PEERS is not set: run cargo xtask test");
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("faults.toml"),
        "[[rule]]\noperation = 'DescribeVolumes'\nnth = 1\nfault = 'throttle'\n",
    )
    .unwrap();
    let (sim, url) = serve(&["--time-scale", "30", "--faults", "faults.toml"], folder.path()).await;
    let mut boto3 = Command::new(Path::new(&peers).join("bin/python"));
    boto3
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/cli/a_deployment.py"))
        .arg(url)
        .env_remove("AWS_CA_BUNDLE");
    let ended = Ended::of(boto3).await.expect(0);
    assert_eq!(ended.stdout.lines().last(), Some("ok"), "{ended:?}");
    sim.signal("TERM");
    sim.end().await.expect(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_hosts_it_says_on_which_port_they_listen() {
    let folder = tempfile::tempdir().unwrap();
    let (mut sim, _) = serve(&["--hosts", "sshd"], folder.path()).await;
    let line = sim.line(|_| true).await;
    let port = line.strip_prefix("instances take SSH on port ").expect("the second line says which");
    assert_ne!(port.parse::<u16>().unwrap(), 0);
    sim.signal("TERM");
    sim.end().await.expect(0);
}
