//! The suite for probes.

use std::time::Duration;

use tokio::time::timeout;

use super::demand;
use crate::provider::{Liveness, Node, Probe};

/// What the suite for [`Probe`] needs. A probe and the node that it is to check differ from case to case, since some say
/// in the probe what others say in the node.
#[derive(Debug)]
pub struct ProbeFixture<P> {
    /// A node that lives.
    pub live: (P, Node),
    /// A node that does not do its work.
    pub failing: (P, Node),
    /// A node that never answers; `None` for a probe that does not wait for its node.
    pub silent: Option<(P, Node)>,
    /// A prober that is sick itself; `None` for one that needs nothing of its own.
    pub sick: Option<(P, Node)>,
    /// Something that must know says that the node is dead; `None` for a probe without such a source.
    pub declared_dead: Option<(P, Node)>,
}

/// Checks a [`Probe`].
///
/// # Panics
/// With the contract's bullet that was broken.
pub async fn probe<P: Probe>(fixture: &ProbeFixture<P>) {
    let failing = |answer: &Liveness| matches!(answer, Liveness::Failing(_));
    let unknown = |answer: &Liveness| matches!(answer, Liveness::Unknown(_));
    let dead = |answer: &Liveness| matches!(answer, Liveness::DeclaredDead(_));
    check(Some(&fixture.live), |answer| *answer == Liveness::Live, "a node that does its work is Live").await;
    check(Some(&fixture.failing), failing, "a node that does not is Failing").await;
    check(fixture.silent.as_ref(), failing, "a probe that has no answer by its time-out says Failing").await;
    check(fixture.sick.as_ref(), unknown, "an error on the prober's side is Unknown, never Failing").await;
    check(fixture.declared_dead.as_ref(), dead, "what must know is believed: DeclaredDead").await;
}

async fn check<P: Probe>(case: Option<&(P, Node)>, kept: impl Fn(&Liveness) -> bool, bullet: &str) {
    const FEW_SECONDS: Duration = Duration::from_secs(30);
    let Some((probe, node)) = case else { return };
    // Twice, since a probe changes nothing on the node.
    for _ in 0..2 {
        match timeout(FEW_SECONDS, probe.check(node)).await {
            Ok(answer) => demand(kept(&answer), bullet, answer),
            Err(_) => demand(false, "it ends by itself within a few seconds", probe.name()),
        }
    }
}
