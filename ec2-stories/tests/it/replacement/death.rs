//! The ways in which a node dies.

use std::collections::BTreeMap;
use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use ec2_stories::prelude::*;
use ec2_stories::provider::{Liveness, Node};

/// One way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Death {
    Terminated,
    Stopped,
    Crashed,
    Hung,
    InstanceImpaired,
    SystemImpaired,
    SpotNotice,
    Retirement,
    ZoneOutage,
}

impl Death {
    pub(super) const ALL: [Self; 9] = [
        Self::Terminated,
        Self::Stopped,
        Self::Crashed,
        Self::Hung,
        Self::InstanceImpaired,
        Self::SystemImpaired,
        Self::SpotNotice,
        Self::Retirement,
        Self::ZoneOutage,
    ];

    /// How the page calls it.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Terminated => "Instance terminated by somebody else, or its host lost",
            Self::Stopped => "Instance stopped by somebody else",
            Self::Crashed => "Service refuses connections",
            Self::Hung => "Service takes connections and does not answer",
            Self::InstanceImpaired => "Instance status check fails (no probe)",
            Self::SystemImpaired => "System status check fails (no probe)",
            Self::SpotNotice => "Spot interruption notice",
            Self::Retirement => "Scheduled retirement",
            Self::ZoneOutage => "Zone fails, with two nodes in it",
        }
    }

    /// Whether nodes are probed; without that the cloud's word alone counts.
    pub(super) fn is_probed(self) -> bool {
        !matches!(self, Self::InstanceImpaired | Self::SystemImpaired)
    }

    /// Lets these instances die.
    pub(super) fn strike(self, sim: &Sim, services: &Services, ids: &[String]) {
        let id = &ids[0];
        let struck = match self {
            Self::Terminated => sim.kill(id),
            Self::Stopped => sim.stop(id),
            Self::Crashed => services.set(id, Answer::Refuses),
            Self::Hung => services.set(id, Answer::Hangs),
            Self::InstanceImpaired => sim.impair(id),
            Self::SystemImpaired => sim.impair_system(id),
            Self::SpotNotice => sim.interrupt_spot(id),
            Self::Retirement => {
                sim.schedule_event(id, "instance-retirement", Duration::from_secs(14 * 24 * 3600)).is_some()
            }
            Self::ZoneOutage => {
                let zone = sim.instance(id).expect("it is there").zone;
                sim.faults().outage(&zone, Duration::from_secs(3600));
                ids.iter().all(|id| services.set(id, Answer::Hangs))
            }
        };
        assert!(struck, "{self:?} struck nothing");
    }
}

/// How a node's service answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Refuses,
    Hangs,
}

/// The services of all instances; what is not said of one is that it works.
#[derive(Clone, Debug, Default)]
pub(super) struct Services(Arc<Mutex<BTreeMap<String, Answer>>>);

impl Services {
    fn set(&self, id: &str, answer: Answer) -> bool {
        self.0.lock().unwrap().insert(id.to_owned(), answer);
        true
    }
}

#[async_trait]
impl Probe for Services {
    fn name(&self) -> String {
        "service".to_owned()
    }

    async fn check(&self, node: &Node) -> Liveness {
        let answer = self.0.lock().unwrap().get(node.instance.id.as_str()).copied();
        match answer {
            None => Liveness::Live,
            Some(Answer::Refuses) => Liveness::Failing("connection refused".to_owned()),
            Some(Answer::Hangs) => pending().await,
        }
    }
}
