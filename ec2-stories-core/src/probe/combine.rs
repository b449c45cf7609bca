//! Probes put together.

use std::sync::Arc;

use async_trait::async_trait;
use futures::StreamExt;
use futures::future::join_all;
use futures::stream::FuturesUnordered;

use crate::provider::{Liveness, Node, Probe};
use crate::{Error, Result};

/// A node lives if every probe says so; see [`all_of`].
#[derive(Clone, Debug)]
pub struct AllOf(Vec<Arc<dyn Probe>>);

/// A node lives if any probe says so; see [`any_of`].
#[derive(Clone, Debug)]
pub struct AnyOf(Vec<Arc<dyn Probe>>);

/// A node lives if the probe says that it fails; see [`not`].
#[derive(Clone, Debug)]
pub struct Not<P>(P);

/// Asks all of them at once. The worst answer counts: declared dead, then failing, then unknown. Of no probes nothing is known.
pub fn all_of(probes: impl IntoIterator<Item = Arc<dyn Probe>>) -> AllOf {
    AllOf(probes.into_iter().collect())
}

/// Asks all of them at once. The first that lives counts; where none does, what is unknown counts before what fails, and the node is
/// declared dead only if all of them say so. Of no probes nothing is known.
pub fn any_of(probes: impl IntoIterator<Item = Arc<dyn Probe>>) -> AnyOf {
    AnyOf(probes.into_iter().collect())
}

/// Turns live and failing around; no answer is failing, so its contrary is live. What is unknown stays so, and so does a node that was
/// declared dead.
pub fn not<P: Probe>(probe: P) -> Not<P> {
    Not(probe)
}

/// Nobody was asked.
fn nothing() -> Liveness {
    Liveness::Unknown("there is no probe in it".to_owned())
}

/// What a probe of the name has in it must be consistent, and there must be something.
fn consistent(name: &str, probes: &[Arc<dyn Probe>]) -> Result<()> {
    if probes.is_empty() {
        return Err(Error::invalid(name, "has no probe in it"));
    }
    let each = |(at, probe): (usize, &Arc<dyn Probe>)| {
        probe.consistent().map_err(|error| error.within(format!("{name}[{at}]")))
    };
    probes.iter().enumerate().try_for_each(each)
}

fn names(probes: &[Arc<dyn Probe>]) -> String {
    probes.iter().map(Probe::name).collect::<Vec<_>>().join(", ")
}

fn said(probe: &dyn Probe, why: &str) -> String {
    format!("{}: {why}", probe.name())
}

/// How bad an answer is.
fn badness(answer: &Liveness) -> u8 {
    match answer {
        Liveness::Live => 0,
        Liveness::Unknown(_) => 1,
        Liveness::Failing(_) => 2,
        Liveness::DeclaredDead(_) => 3,
    }
}

/// The answers of one kind, as one.
fn together(answers: &[(String, Liveness)], kind: u8) -> Liveness {
    let whys = answers.iter().filter(|(_, answer)| badness(answer) == kind);
    let whys = whys.map(|(said, _)| said.as_str()).collect::<Vec<_>>().join("; ");
    match kind {
        0 => Liveness::Live,
        1 => Liveness::Unknown(whys),
        2 => Liveness::Failing(whys),
        _ => Liveness::DeclaredDead(whys),
    }
}

async fn ask(probe: &dyn Probe, node: &Node) -> (String, Liveness) {
    let answer = probe.check(node).await;
    let said = match &answer {
        Liveness::Live => String::new(),
        Liveness::Failing(why) | Liveness::DeclaredDead(why) | Liveness::Unknown(why) => said(probe, why),
    };
    (said, answer)
}

#[async_trait]
impl Probe for AllOf {
    fn name(&self) -> String {
        format!("all of: {}", names(&self.0))
    }

    fn consistent(&self) -> Result<()> {
        consistent("all_of", &self.0)
    }

    async fn check(&self, node: &Node) -> Liveness {
        let answers = join_all(self.0.iter().map(|probe| ask(probe.as_ref(), node))).await;
        match answers.iter().map(|(_, answer)| badness(answer)).max() {
            Some(worst) => together(&answers, worst),
            None => nothing(),
        }
    }
}

#[async_trait]
impl Probe for AnyOf {
    fn name(&self) -> String {
        format!("any of: {}", names(&self.0))
    }

    fn consistent(&self) -> Result<()> {
        consistent("any_of", &self.0)
    }

    async fn check(&self, node: &Node) -> Liveness {
        let mut asked: FuturesUnordered<_> = self.0.iter().map(|probe| ask(probe.as_ref(), node)).collect();
        let mut answers = Vec::with_capacity(self.0.len());
        while let Some(answer) = asked.next().await {
            if answer.1 == Liveness::Live {
                return Liveness::Live;
            }
            answers.push(answer);
        }
        match answers.iter().map(|(_, answer)| badness(answer)).min() {
            Some(best) => together(&answers, best),
            None => nothing(),
        }
    }
}

#[async_trait]
impl<P: Probe> Probe for Not<P> {
    fn name(&self) -> String {
        format!("not {}", self.0.name())
    }

    fn consistent(&self) -> Result<()> {
        self.0.consistent().map_err(|error| error.within("not"))
    }

    async fn check(&self, node: &Node) -> Liveness {
        match self.0.check(node).await {
            Liveness::Live => Liveness::Failing(format!("{} succeeds", self.0.name())),
            Liveness::Failing(_) => Liveness::Live,
            other => other,
        }
    }
}
