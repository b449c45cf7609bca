//! Closures, combinations and thresholds: no server, no real time.

use std::time::Duration;

use ec2_stories_core::conformance::{self, ProbeFixture};
use ec2_stories_core::memory::ScriptedProbe;
use ec2_stories_core::model::NodeAddress;
use ec2_stories_core::probe::{ProbeExt, all_of, any_of, not, probe_fn};
use ec2_stories_core::provider::{Liveness, Node, Probe};

use super::fails;
use crate::support::{name, node};

fn failing() -> Liveness {
    Liveness::Failing("as asked".to_owned())
}

fn unknown() -> Liveness {
    Liveness::Unknown("as asked".to_owned())
}

fn dead() -> Liveness {
    Liveness::DeclaredDead("as asked".to_owned())
}

/// Nodes whose slots say what is answered, or nothing ever.
fn by_slot() -> impl Probe + Clone {
    probe_fn("slot", async |node: Node| match node.address.slot {
        0 => Liveness::Live,
        1 => failing(),
        2 => unknown(),
        3 => dead(),
        _ => std::future::pending().await,
    })
    .timeout(Duration::from_secs(3))
}

async fn contract<P: Probe>(probe: impl Fn() -> P, live: u32, failing: u32) {
    let case = |slot| (probe(), node(slot, "10.0.0.1"));
    let fixture = ProbeFixture {
        live: case(live),
        failing: case(failing),
        silent: None,
        sick: Some(case(2)),
        declared_dead: Some(case(3)),
    };
    conformance::probe(&fixture).await;
}

#[tokio::test(start_paused = true)]
async fn closures_and_what_is_made_of_them_keep_the_contract() {
    contract(by_slot, 0, 1).await;
    contract(|| all_of([by_slot().shared(), by_slot().shared()]), 0, 1).await;
    contract(|| any_of([by_slot().shared(), by_slot().shared()]), 0, 1).await;
    contract(|| not(by_slot()), 1, 0).await;
    contract(|| by_slot().thresholds(1, 1), 0, 1).await;
    let silent = node(4, "10.0.0.1");
    for probe in
        [by_slot().shared(), all_of([by_slot().shared()]).shared(), by_slot().thresholds(1, 1).shared()]
    {
        fails(&probe.check(&silent).await, "no answer within 3s");
    }
}

#[tokio::test(start_paused = true)]
async fn the_worst_of_all_and_the_best_of_any() {
    let node = node(0, "10.0.0.1");
    let says = |answer: Liveness| probe_fn("says", move |_| std::future::ready(answer.clone())).shared();
    let all = async |answers: Vec<Liveness>| all_of(answers.into_iter().map(says)).check(&node).await;
    let any = async |answers: Vec<Liveness>| any_of(answers.into_iter().map(says)).check(&node).await;
    let said = |why: &str| format!("says: {why}");
    let once = said("as asked");
    assert_eq!(all(vec![Liveness::Live, Liveness::Live]).await, Liveness::Live);
    assert_eq!(all(vec![Liveness::Live, unknown()]).await, Liveness::Unknown(once.clone()));
    assert_eq!(all(vec![unknown(), failing()]).await, Liveness::Failing(once.clone()));
    assert_eq!(all(vec![failing(), dead()]).await, Liveness::DeclaredDead(once.clone()));
    assert_eq!(all(vec![failing(), failing()]).await, Liveness::Failing(format!("{once}; {once}")));
    assert_eq!(any(vec![dead(), Liveness::Live]).await, Liveness::Live);
    assert_eq!(any(vec![failing(), unknown()]).await, Liveness::Unknown(once.clone()));
    assert_eq!(any(vec![dead(), failing()]).await, Liveness::Failing(once.clone()));
    assert_eq!(any(vec![dead()]).await, Liveness::DeclaredDead(once));
    assert!(matches!(all(vec![]).await, Liveness::Unknown(_)));
    assert!(matches!(any(vec![]).await, Liveness::Unknown(_)));
}

#[tokio::test(start_paused = true)]
async fn the_first_that_lives_is_enough() {
    let slow = probe_fn("slow", async |_| std::future::pending().await).timeout(Duration::from_secs(60));
    let began = tokio::time::Instant::now();
    let any = any_of([slow.shared(), by_slot().shared()]);
    assert_eq!(any.check(&node(0, "10.0.0.1")).await, Liveness::Live);
    assert!(began.elapsed() < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn an_answer_changes_only_once_it_was_given_often_enough() {
    let (scripted, at) = (ScriptedProbe::new(), NodeAddress::new(name("web"), 0));
    let probe = scripted.clone().thresholds(3, 2);
    let check = async |answer: Liveness, node: &Node| {
        scripted.once(&at, answer);
        probe.check(node).await
    };
    let first = node(0, "10.0.0.1");
    assert_eq!(check(Liveness::Live, &first).await, Liveness::Live);
    for answer in [failing(), failing(), Liveness::Live, failing(), failing()] {
        assert_eq!(check(answer, &first).await, Liveness::Live, "not three in a row");
    }
    assert_eq!(check(unknown(), &first).await, unknown());
    assert_eq!(check(failing(), &first).await, failing());
    fails(&check(Liveness::Live, &first).await, "1 of 2 successes");
    assert_eq!(check(failing(), &first).await, failing());
    fails(&check(Liveness::Live, &first).await, "1 of 2 successes");
    assert_eq!(check(Liveness::Live, &first).await, Liveness::Live);
    assert_eq!(check(dead(), &first).await, dead());

    // Another instance begins anew: its first answer counts.
    assert_eq!(check(failing(), &node(0, "10.0.0.2")).await, failing());
}
