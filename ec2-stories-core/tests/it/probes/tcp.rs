//! Ports.

use ec2_stories_core::conformance::{self, ProbeFixture};
use ec2_stories_core::model::LoginAddress;
use ec2_stories_core::probe::Tcp;
use ec2_stories_core::provider::{Liveness, Probe};

use super::{SHORT, no_name, server};
use crate::support::node;

#[tokio::test]
async fn tcp_keeps_the_contract() {
    let listening = server::silent().await;
    let (full, _listener, _waiting) = server::full().await;
    let here = || node(0, "127.0.0.1");
    let fixture = ProbeFixture {
        live: (Tcp::port(listening.port()), here()),
        failing: (Tcp::port(server::nobody().await), here()),
        silent: Some((Tcp::port(full).timeout(SHORT), here())),
        sick: Some((Tcp::port(22), node(0, &no_name()))),
        declared_dead: None,
    };
    conformance::probe(&fixture).await;
    let refused = fixture.failing.0.check(&here()).await;
    assert_eq!(refused, Liveness::Failing("connection refused".to_owned()));
}

#[tokio::test]
async fn the_address_is_the_logins_or_the_one_that_is_named() {
    let listening = server::silent().await;
    let mut both = node(0, "127.0.0.1");
    both.instance.public_ip = Some(no_name());
    let tcp = Tcp::port(listening.port());
    assert!(matches!(tcp.check(&both).await, Liveness::Unknown(_)), "the public one first");
    assert_eq!(tcp.clone().address(LoginAddress::Private).check(&both).await, Liveness::Live);
    both.login.address = Some(LoginAddress::Private);
    assert_eq!(tcp.check(&both).await, Liveness::Live);
    both.instance.public_ip = None;
    assert!(matches!(tcp.address(LoginAddress::Public).check(&both).await, Liveness::Unknown(_)));
}

#[tokio::test]
async fn a_machine_without_a_route_says_nothing_of_the_node() {
    // Nothing is ever sent to a broadcast address by TCP.
    let answer = Tcp::port(9).timeout(SHORT).check(&node(0, "255.255.255.255")).await;
    assert!(matches!(answer, Liveness::Unknown(_)), "{answer:?}");
}
