//! `ec2-stories sim`, and an SDK that no one here wrote.

use std::net::Ipv4Addr;
use std::path::Path;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::Command;

use super::{Ended, PATIENCE, Started, ec2_stories};

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

/// The text of the first element of this name in the reply to a GET.
async fn ask(url: &str, query: &str, element: &str) -> String {
    let mut stream = TcpStream::connect(url.strip_prefix("http://").unwrap()).await.unwrap();
    let request = format!(
        "GET /?Version=2016-11-15&{query} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: AWS4-HMAC-SHA256 \
         Credential=AKIATEST/20260101/us-east-1/ec2/aws4_request, Signature=0\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).await.unwrap();
    let found = reply.split(&format!("<{element}>")).nth(1).unwrap_or_else(|| panic!("{query}: {reply}"));
    found.split('<').next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_it_takes_its_hosts_along() {
    let folder = tempfile::tempdir().unwrap();
    let (mut sim, url) = serve(&["--hosts", "sshd", "--time-scale", "100"], folder.path()).await;
    let line = sim.line(|_| true).await;
    let port: u16 = line.rsplit(' ').next().unwrap().parse().unwrap();
    let image = ask(
        &url,
        "Action=DescribeImages&Owner.1=136693071363&Filter.1.Name=architecture&Filter.1.Value.1=x86_64",
        "imageId",
    )
    .await;
    let run = format!("Action=RunInstances&ImageId={image}&InstanceType=t3.micro&MinCount=1&MaxCount=1");
    let address: Ipv4Addr = ask(&url, &run, "privateIpAddress").await.parse().unwrap();
    let until = async |open| {
        let reached = async {
            while TcpStream::connect((address, port)).await.is_ok() != open {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(PATIENCE, reached).await.expect("in time");
    };
    until(true).await;
    sim.signal("KILL");
    until(false).await;
}
