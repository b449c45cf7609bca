//! Instances that are nobody's, looked for while the controller lives.
//!
//! Every ten minutes one search by the deployment's tag, a single paginated describe, is judged against the machine; where it shows
//! something new there is a second one after a minute. What becomes of a stray is said where [`sweep`](super::super::sweep) says it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::super::event::EventKind;
use super::super::machine::{Aim, Machine, Whose};
use super::super::sweep::{APART, FOREIGN, Stray as Told, judge};
use super::call::{On, call};
use super::replace::kept;
use super::{Context, Controller, Stray};
use crate::Error;
use crate::model::{Instance, InstanceId, NodeAddress, OwnedBy};
use crate::provider::InstanceDeployer;

/// How often it is searched. An orphan is rare, and costs minutes then; the search is paid for all the time.
const EVERY: Duration = Duration::from_secs(600);

/// What there is to do next.
#[derive(Debug)]
pub(super) enum News {
    /// A search is due.
    Due,
    /// What a search found that was asked for at this time; `None` where it failed.
    Listed(Instant, Option<Vec<Instance>>),
    /// What became of strays.
    Ended(Vec<Told>),
}

/// What the searches of a controller's life showed.
#[derive(Debug)]
pub(super) struct Orphans {
    news: mpsc::UnboundedReceiver<News>,
    sender: mpsc::UnboundedSender<News>,
    /// `None` while one is under way.
    due: Option<Instant>,
    /// When each stray was seen first; those that the last search did not show are forgotten.
    first: BTreeMap<InstanceId, Instant>,
    /// What was told of each.
    told: BTreeMap<InstanceId, Told>,
}

impl Orphans {
    pub(super) fn new() -> Self {
        let (sender, news) = mpsc::unbounded_channel();
        let due = Some(Instant::now() + EVERY);
        Self { news, sender, due, first: BTreeMap::new(), told: BTreeMap::new() }
    }

    /// What there is to do next. Cancel-safe.
    pub(super) async fn next(&mut self) -> News {
        let due = async {
            match self.due {
                Some(due) => sleep_until(due).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = due => News::Due,
            Some(news) = self.news.recv() => news,
        }
    }

    /// Counts a search; what it showed, and an earlier one too.
    fn sight(&mut self, asked: Instant, strays: Vec<Stray>) -> Vec<(Stray, Duration)> {
        let seen: BTreeSet<InstanceId> = strays.iter().map(|stray| stray.instance.id.clone()).collect();
        self.first.retain(|id, _| seen.contains(id));
        self.told.retain(|id, _| seen.contains(id));
        let since = |stray: Stray| {
            let first = *self.first.entry(stray.instance.id.clone()).or_insert(asked);
            (stray, asked.duration_since(first))
        };
        let (twice, once): (Vec<_>, Vec<_>) =
            strays.into_iter().map(since).partition(|(_, seen_for)| *seen_for >= APART);
        self.due = Some(Instant::now() + if once.is_empty() { EVERY } else { APART });
        twice
    }

    /// Tells of a stray what was not told before.
    fn tell(&mut self, context: &Context, stray: Told) {
        if self.told.get(&stray.instance) != Some(&stray) {
            context.tell(stray.node.as_ref(), EventKind::Stray(stray.clone()));
            self.told.insert(stray.instance.clone(), stray);
        }
    }
}

impl Controller {
    /// Tells of what another deployment of the same name has.
    pub(super) fn tell_of_foreign(&mut self) {
        let foreign = self.context.known().foreign.clone();
        for instance in &foreign {
            self.orphans.tell(&self.context, Told::of(instance, FOREIGN));
        }
    }

    /// Searches, and has ended what is nobody's; `false` when the deployment is another controller's by now.
    pub(super) fn sweep(&mut self, news: News) -> bool {
        let context = Arc::clone(&self.context);
        let sender = self.orphans.sender.clone();
        match news {
            News::Due => {
                self.orphans.due = None;
                self.under_way.push(Box::pin(async move {
                    let asked = Instant::now();
                    let owned = OwnedBy::deployment(&context.spec.name);
                    let find = InstanceDeployer::find(&*context.cloud, &owned);
                    let found = call(&context, "find", On::Deployment, find).await;
                    // Nobody listens any more only when the controller is gone.
                    drop(sender.send(News::Listed(asked, found.ok())));
                }));
            }
            News::Listed(_, None) => self.orphans.due = Some(Instant::now() + EVERY),
            News::Listed(asked, Some(found)) if self.machine.aim == Aim::Live => {
                let strays = strays(&self.machine, found);
                let mut doomed = Vec::new();
                for (stray, seen_for) in self.orphans.sight(asked, strays) {
                    let (ends, why) = judge(stray.whose, seen_for);
                    if ends {
                        doomed.push(stray.instance);
                    } else {
                        self.orphans.tell(&context, Told::of(&stray.instance, why));
                    }
                }
                if !doomed.is_empty() {
                    self.under_way.push(Box::pin(async move {
                        drop(sender.send(News::Ended(end(&context, doomed).await)));
                    }));
                }
            }
            // The end has its own search.
            News::Listed(..) => {}
            News::Ended(strays) => {
                for stray in strays {
                    self.orphans.tell(&context, stray);
                }
            }
        }
        self.context.journal.lost().is_none()
    }
}

/// What is nobody's of what a search found.
fn strays(machine: &Machine, found: Vec<Instance>) -> Vec<Stray> {
    let is_open = |token: &_| machine.batches.contains_key(token);
    let whose = |instance: Instance| {
        let whose = machine.whose(&instance, is_open);
        Stray::of(instance, whose)
    };
    found.into_iter().filter_map(whose).collect()
}

/// Terminates what nothing keeps. Only a controller that is known to have the deployment does: none of this is urgent.
async fn end(context: &Context, doomed: Vec<Instance>) -> Vec<Told> {
    let keeps = |node: Option<NodeAddress>| node.and_then(|node| kept(context, &node));
    let (held, doomed): (Vec<_>, Vec<_>) = doomed
        .into_iter()
        .map(|instance| (keeps(instance.node()), instance))
        .partition(|(kept, _)| kept.is_some());
    let told = |(kept, instance): (Option<String>, Instance)| Told::of(&instance, &kept.unwrap_or_default());
    let mut strays: Vec<Told> = held.into_iter().map(told).collect();
    if doomed.is_empty() || context.journal.check().await.is_err() {
        return strays;
    }
    let ids: Vec<InstanceId> = doomed.iter().map(|(_, instance)| instance.id.clone()).collect();
    let ended = call(context, "terminate", On::Instances(ids.len()), context.cloud.terminate(&ids)).await;
    for (_, instance) in &doomed {
        let failed = match &ended {
            Err(error) => Some(error.chain()),
            Ok(ended) => match ended.iter().find(|end| end.id == instance.id) {
                Some(end) => end.outcome.as_ref().err().map(Error::chain),
                None => Some("the cloud did not say what became of it".to_owned()),
            },
        };
        strays.push(match failed {
            Some(why) => Told::of(instance, &why),
            None => Told { terminated: true, ..Told::of(instance, judge(Whose::Older, APART).1) },
        });
    }
    strays
}
