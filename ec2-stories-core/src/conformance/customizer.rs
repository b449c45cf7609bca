//! The suite for customizers.

use std::sync::Arc;

use super::{demand, succeeds};
use crate::provider::{Customizer, Node, StepOutcome, StepReport};

/// What the suite for [`Customizer`] needs.
#[derive(Clone, Debug)]
pub struct CustomizerFixture {
    /// One that works, with at least two steps, all of which change a new node.
    pub customizer: Arc<dyn Customizer>,
    /// Two nodes that were never customized.
    pub nodes: [Node; 2],
    /// One whose second of three steps fails.
    pub failing: Arc<dyn Customizer>,
    /// A node that cannot be reached; `None` where every node can.
    pub unreachable: Option<Node>,
}

/// Checks a [`Customizer`].
///
/// # Panics
/// With the contract's bullet that was broken.
pub async fn customizer(fixture: &CustomizerFixture) {
    repeats(fixture).await;
    undoes(fixture).await;
    stops(fixture).await;
    if let Some(node) = &fixture.unreachable {
        const BULLET: &str = "an Err is for what never reached the node; it is temporary";
        let result = fixture.customizer.customize(node).await;
        demand(result.as_ref().is_err_and(crate::Error::is_temporary), BULLET, &result);
    }
}

fn all(reports: &[StepReport], outcome: &StepOutcome) -> bool {
    reports.iter().all(|report| report.outcome == *outcome)
}

fn steps(reports: &[StepReport]) -> Vec<&str> {
    reports.iter().map(|report| report.step.as_str()).collect()
}

async fn repeats(CustomizerFixture { customizer, nodes: [node, _], .. }: &CustomizerFixture) {
    const EVERY: &str = "customize reports on every step, in order";
    const AGAIN: &str = "steps are idempotent: a second run changes nothing";
    let first = succeeds(customizer.customize(node).await, EVERY);
    demand(first.len() >= 2 && all(&first, &StepOutcome::Changed), EVERY, &first);
    let second = succeeds(customizer.customize(node).await, AGAIN);
    demand(steps(&second) == steps(&first) && all(&second, &StepOutcome::Unchanged), AGAIN, &second);
}

async fn undoes(CustomizerFixture { customizer, nodes: [node, untouched], .. }: &CustomizerFixture) {
    const REVERSE: &str = "undo goes through the steps in reverse";
    const NEVER: &str = "undo is a success on a node that was never customized";
    let undone = succeeds(customizer.undo(node).await, REVERSE);
    demand(undone.iter().all(|report| !matches!(report.outcome, StepOutcome::Failed(_))), REVERSE, &undone);
    for node in [node, untouched] {
        let nothing = succeeds(customizer.undo(node).await, NEVER);
        demand(nothing.iter().all(|report| report.outcome == StepOutcome::Unchanged), NEVER, &nothing);
    }
    let again = succeeds(customizer.customize(node).await, "what was undone can be done again");
    let mut forward = steps(&again);
    forward.reverse();
    demand(steps(&undone) == forward, REVERSE, (&undone, &again));
    demand(all(&again, &StepOutcome::Changed), "what was undone can be done again", &again);
    succeeds(customizer.undo(node).await, REVERSE);
}

async fn stops(CustomizerFixture { failing, nodes: [node, _], .. }: &CustomizerFixture) {
    const BULLET: &str = "a failed step is an Ok that ends the run, and the rest are Skipped";
    let reports = succeeds(failing.customize(node).await, BULLET);
    let outcomes: Vec<_> = reports.iter().map(|report| &report.outcome).collect();
    let kept = matches!(
        outcomes[..],
        [StepOutcome::Changed | StepOutcome::Unchanged, StepOutcome::Failed(_), StepOutcome::Skipped]
    );
    demand(kept, BULLET, &reports);
    let undone = succeeds(failing.undo(node).await, "what a failed run did can be undone");
    demand(undone.len() == reports.len(), "what a failed run did can be undone", &undone);
}
