//! What people ask for about single nodes.

use super::super::machine::{Event, Failure};
use super::Context;
use crate::ErrorKind;
use crate::model::NodeAddress;
use crate::provider::Hold;

/// Something that somebody asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// Nobody replaces the node meanwhile.
    Hold(NodeAddress, Hold),
    /// The hold ends, and so does a quarantine.
    Release(NodeAddress),
    /// The node is to have no instance.
    Quarantine(NodeAddress, String),
    /// The node is to have another instance.
    Replace(NodeAddress, String),
}

/// Takes note of an order, and says what it means for the machine.
pub(super) async fn obey(context: &Context, order: Order) -> Option<Event> {
    let asked = |why: String| Failure::new(ErrorKind::Canceled, why);
    match order {
        Order::Hold(node, hold) => {
            context.known().holds.insert(node.clone(), hold.clone());
            if let Some(monitor) = &context.monitor
                && let Err(error) = monitor.hold(&node, hold).await
                // One that is not watched yet is held here all the same.
                && error.kind() != ErrorKind::NotFound
            {
                context.problem(Some(&node), error.chain());
            }
            None
        }
        Order::Release(node) => {
            context.known().holds.remove(&node);
            if let Some(monitor) = &context.monitor
                && let Err(error) = monitor.release(&node).await
            {
                context.problem(Some(&node), error.chain());
            }
            Some(Event::Release { node })
        }
        Order::Quarantine(node, why) => Some(Event::Quarantine { node, failure: asked(why) }),
        Order::Replace(node, why) => Some(Event::Renew { node, failure: asked(why) }),
    }
}
