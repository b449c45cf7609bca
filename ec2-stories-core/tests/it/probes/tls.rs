//! HTTPS, and certificates that end.

use std::sync::Arc;
use std::time::Duration;

use ec2_stories_core::conformance::{self, ProbeFixture};
use ec2_stories_core::probe::{Http, TlsExpiry};
use ec2_stories_core::provider::{Liveness, Probe};
use ec2_stories_core::{Clock, TokioClock};

use super::certificates::{NAME, Shown, until};
use super::server::{self, Server, page};
use super::{SHORT, fails, no_name};
use crate::support::node;

fn at(day: &str) -> Arc<dyn Clock> {
    Arc::new(TokioClock::starting_at(format!("{day}T00:00:00Z").parse().unwrap()))
}

async fn shop(shown: &Shown) -> Server {
    server::http(Some(shown.acceptor.clone()), |_| page(200, "ready")).await
}

async fn ask(probe: impl Probe) -> Liveness {
    probe.check(&node(0, "127.0.0.1")).await
}

#[tokio::test]
async fn https_verifies_the_certificate_for_its_name_and_time() {
    let shown = until(2030);
    let shop = shop(&shown).await;
    let get = || Http::get(shop.port(), "/").ca(shown.authority.clone()).unwrap().clock(at("2026-01-01"));
    assert_eq!(ask(get().host(NAME).unwrap()).await, Liveness::Live);
    fails(&ask(get()).await, "certificate");
    fails(&ask(get().host("other.example.org").unwrap()).await, "certificate");
    fails(&ask(get().host(NAME).unwrap().clock(at("2031-01-01"))).await, "expired");
    fails(&ask(get().host(NAME).unwrap().ca(until(2030).authority).unwrap()).await, "certificate");
    assert!(shop.seen().iter().all(|seen| seen.contains(NAME)), "nothing is said to whom is not trusted");
}

#[tokio::test]
async fn a_pinned_certificate_is_the_only_one() {
    let shown = until(2030);
    let shop = shop(&shown).await;
    let get = |pin: &str| Http::get(shop.port(), "/").pinned(pin).unwrap().clock(at("2026-01-01"));
    assert_eq!(ask(get(&shown.own)).await, Liveness::Live);
    fails(&ask(get(&until(2030).own)).await, "certificate");
    fails(&ask(get(&shown.authority)).await, "certificate");
}

#[tokio::test]
async fn plain_and_tls_are_told_apart() {
    let (shown, plain) = (until(2030), server::http(None, |_| page(200, "ready")).await);
    let shop = shop(&shown).await;
    fails(&ask(Http::get(plain.port(), "/").ca(shown.authority.clone()).unwrap()).await, "");
    fails(&ask(Http::get(shop.port(), "/")).await, "");
    fails(&ask(TlsExpiry::port(plain.port())).await, "");
}

#[tokio::test]
async fn tls_expiry_keeps_the_contract() {
    let (shown, silent) = (until(2026), server::silent().await);
    let shop = shop(&shown).await;
    let here = || node(0, "127.0.0.1");
    let probe = |day: &str| TlsExpiry::port(shop.port()).clock(at(day));
    let fixture = ProbeFixture {
        // Nobody trusts the authority, and the name is another: only the dates count.
        live: (probe("2026-12-17"), here()),
        failing: (probe("2026-12-18"), here()),
        silent: Some((TlsExpiry::port(silent.port()).timeout(SHORT), here())),
        sick: Some((TlsExpiry::port(443), node(0, &no_name()))),
        declared_dead: None,
    };
    conformance::probe(&fixture).await;
    fails(&ask(probe("2026-12-18")).await, "expires in 13 days, at 2026-12-31");
    fails(&ask(probe("2027-01-01")).await, "expired at 2026-12-31");
    let day = Duration::from_secs(24 * 3600);
    assert_eq!(ask(probe("2026-12-18").at_least(day).host(NAME).unwrap()).await, Liveness::Live);
}
