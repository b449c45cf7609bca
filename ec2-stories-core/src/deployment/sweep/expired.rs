//! Nodes whose time is over and that did not end themselves: an image without cloud-init, a guest without a reader.

use jiff::Timestamp;

use super::super::Deployment;
use super::super::driver::{Context, On, Recovered, call};
use super::super::machine::Whose;
use super::{APART, Stray};
use crate::model::{Expires, Instance, InstanceId};
use crate::{ErrorKind, Result};

/// Terminates them, once nobody else has the deployment. A controller that lives renews them, and they are only told of.
pub(super) async fn end(
    deployment: &Deployment,
    context: &Context,
    recovered: &Recovered,
) -> Result<Vec<Stray>> {
    let nodes =
        recovered.machine.nodes().filter_map(|(_, node)| context.view.instance(node.instance.as_ref()?));
    let strays =
        recovered.strays.iter().filter(|stray| !matches!(stray.whose, Whose::Older | Whose::Foreign));
    let strays = strays.map(|stray| stray.instance.clone());
    let over: Vec<Instance> =
        nodes.chain(strays).filter(|instance| is_over(instance, context.now())).collect();
    if over.is_empty() {
        return Ok(Vec::new());
    }
    let lease = match deployment.lease().await {
        Ok(lease) => lease,
        Err(error) if error.kind() == ErrorKind::Conflict => {
            let why = format!("its time is over; left to its controller: {}", error.message());
            return Ok(over.iter().map(|instance| Stray::of(instance, &why)).collect());
        }
        Err(error) => return Err(error),
    };
    let ended = terminate(context, &over).await;
    lease.release().await;
    ended
}

/// By this clock, and for a while: clocks differ.
fn is_over(instance: &Instance, now: Timestamp) -> bool {
    let expires = Expires::from_tags(&instance.tags);
    !instance.state.is_ending() && expires.is_some_and(|expires| expires.time() + APART < now)
}

/// Looks again first: whoever had the deployment until now may have renewed them.
async fn terminate(context: &Context, over: &[Instance]) -> Result<Vec<Stray>> {
    let ids: Vec<InstanceId> = over.iter().map(|instance| instance.id.clone()).collect();
    let mut seen = call(context, "describe", On::Instances(ids.len()), context.cloud.describe(&ids)).await?;
    seen.retain(|instance| is_over(instance, context.now()));
    if seen.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<InstanceId> = seen.iter().map(|instance| instance.id.clone()).collect();
    let ended = call(context, "terminate", On::Instances(ids.len()), context.cloud.terminate(&ids)).await?;
    let told = |instance: &Instance| {
        let end = ended.iter().find(|end| end.id == instance.id);
        let failed = end.and_then(|end| end.outcome.as_ref().err());
        match failed {
            Some(error) => Stray::of(instance, &error.chain()),
            None => Stray { terminated: end.is_some(), ..Stray::of(instance, "its time was over") },
        }
    };
    Ok(seen.iter().map(told).collect())
}
