//! Hosts end with their simulation, whatever else happens.

use std::time::Duration;

use ec2_stories_sim::{Hosts, Latencies, Sim, SshdOptions};
use tokio::net::TcpStream;

use super::{Bench, PATIENCE};

#[tokio::test]
async fn the_last_handle_takes_the_hosts_with_it() {
    let bench = Bench::new().await;
    let id = bench.launch("").await;
    let (address, port) = (bench.up(&id).await, bench.sim.ssh_port());
    let folder = bench.sim.host(&id).unwrap().folder;
    let other = bench.sim.clone();
    drop(bench);
    assert!(TcpStream::connect((address, port)).await.is_ok(), "a handle is left");
    drop(other);
    let gone = async {
        while folder.exists() || TcpStream::connect((address, port)).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, gone).await.expect("in time");
}

#[tokio::test]
async fn simulations_side_by_side_have_addresses_of_their_own() {
    let (one, two) = (Bench::new().await, Bench::new().await);
    let (a, b) = (one.launch("").await, two.launch("").await);
    assert_ne!(one.up(&a).await.octets()[1], two.up(&b).await.octets()[1]);
}

#[tokio::test]
async fn paused_time_is_refused() {
    tokio::time::pause();
    let error = Hosts::sshd(SshdOptions::default()).unwrap_err();
    assert!(error.to_string().contains("real time"), "{error}");
}

#[tokio::test]
async fn a_host_needs_a_loopback_address() {
    let hosts = Hosts::sshd(SshdOptions::default()).unwrap();
    let sim = Sim::builder().latency(Latencies::none()).hosts(hosts).build();
    let vpc = sim.add_vpc("us-east-1", "10.1.0.0/16".parse().unwrap());
    let subnet = sim.add_subnet(&vpc, "us-east-1a", "10.1.0.0/24".parse().unwrap()).unwrap();
    let id = crate::form::launch(&sim, "1", &[("SubnetId", &subnet)]).await.ok().one("instanceId");
    let error = tokio::time::timeout(PATIENCE, sim.host_up(&id)).await.unwrap().unwrap_err();
    assert!(error.to_string().contains("loopback"), "{error}");
}
