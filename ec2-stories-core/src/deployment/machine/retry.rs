//! Ending again what could not be ended.

use std::time::Duration;

use super::{Action, Aim, Failure, Machine, Outcome, Phase, Timer};
use crate::model::{InstanceId, NodeAddress};

/// How long after the first time; then doubled each time, up to the longest.
const FIRST: Duration = Duration::from_secs(60);
const LONGEST: Duration = Duration::from_secs(900);

impl Machine {
    /// An instance of the node could not be terminated, for now. Nothing is launched beside it meanwhile.
    pub(super) fn end_later(
        &mut self,
        address: &NodeAddress,
        instance: &InstanceId,
        failure: Failure,
        out: &mut Outcome,
    ) {
        let aim = self.aim;
        let Some(node) = self.node_mut(address) else { return };
        if aim == Aim::Terminated {
            return out.problems.push((address.clone(), failure));
        }
        let by = FIRST.saturating_mul(1 << node.refused.min(8)).min(LONGEST);
        node.refused = node.refused.saturating_add(1);
        let message = format!("{instance} is not terminated, and tried again in {by:?}: {failure}");
        out.problems.push((address.clone(), Failure { message, ..failure }));
        let timer = Timer::End(address.clone(), instance.clone());
        out.actions.push(Action::Delay { timer, by });
    }

    /// Tries once more; a node's own instance by the way that it was to go.
    pub(super) fn end_again(&mut self, address: &NodeAddress, instance: &InstanceId, out: &mut Outcome) {
        if self.aim == Aim::Terminated {
            return;
        }
        let Some(node) = self.node_mut(address) else { return };
        let (node_of, instance_of) = (address.clone(), instance.clone());
        if let Some(outgoing) = node.outgoing.as_mut().filter(|outgoing| outgoing.instance == *instance) {
            if std::mem::take(&mut outgoing.leaked) {
                out.changed.push(address.clone());
                out.actions.push(Action::Replace { node: node_of, instance: instance_of });
            }
        } else if node.phase == Phase::Failed && node.leaked && node.instance.as_ref() == Some(instance) {
            node.leaked = false;
            self.enter(address, Phase::Terminating, out);
            out.actions.push(Action::Replace { node: node_of, instance: instance_of });
        }
    }

    /// Goes on with it after a restart.
    pub(super) fn resume_ends(&self, out: &mut Outcome) {
        for (address, node) in self.nodes() {
            let instance = node.instance.clone().filter(|_| node.phase == Phase::Failed && node.leaked);
            let outgoing = node.outgoing.as_ref().filter(|outgoing| outgoing.leaked);
            let outgoing = outgoing.map(|outgoing| outgoing.instance.clone());
            for instance in instance.into_iter().chain(outgoing) {
                let timer = Timer::End(address.clone(), instance);
                out.actions.push(Action::Delay { timer, by: FIRST });
            }
        }
    }
}
