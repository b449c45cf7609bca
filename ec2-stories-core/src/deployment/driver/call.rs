//! Calls to providers: a span each, and retries that look at the status only.

use std::any::Any;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt;
use rand::RngExt;
use tracing::Instrument;
use tracing::field::{Empty, display};

use super::Context;
use crate::model::{Name, NodeAddress};
use crate::{Error, ErrorKind, Result, Status};

/// Tries of a call whose repetition is harmless: about a minute.
const TRIES: u32 = 7;

/// What a call is about.
#[derive(Clone, Copy, Debug)]
pub(crate) enum On<'a> {
    Deployment,
    Fleet(&'a Name),
    Node(&'a NodeAddress),
    Instances(usize),
}

impl<'a> From<&'a Name> for On<'a> {
    fn from(fleet: &'a Name) -> Self {
        Self::Fleet(fleet)
    }
}

impl<'a> From<&'a NodeAddress> for On<'a> {
    fn from(node: &'a NodeAddress) -> Self {
        Self::Node(node)
    }
}

/// Makes one call within a span `provider.call`. A provider that panics fails its call, not the controller.
pub(crate) async fn call<T>(
    context: &Context,
    operation: &'static str,
    on: impl Into<On<'_>>,
    call: impl Future<Output = Result<T>>,
) -> Result<T> {
    let deployment = display(&context.spec.name);
    let span = tracing::info_span!(
        "provider.call",
        operation,
        deployment,
        fleet = Empty,
        node = Empty,
        instances = Empty
    );
    match on.into() {
        On::Deployment => {}
        On::Fleet(fleet) => drop(span.record("fleet", display(fleet))),
        On::Node(node) => {
            span.record("fleet", display(&node.fleet)).record("node", display(node));
        }
        On::Instances(count) => drop(span.record("instances", count)),
    }
    async {
        let began = tokio::time::Instant::now();
        let caught = AssertUnwindSafe(call).catch_unwind().await;
        let result = caught.unwrap_or_else(|panic| Err(panicked(operation, &*panic)));
        let elapsed_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        match &result {
            Ok(_) => tracing::debug!(elapsed_ms, "done"),
            Err(error) => tracing::warn!(elapsed_ms, error = %error.chain(), "failed"),
        }
        result
    }
    .instrument(span)
    .await
}

fn panicked(operation: &str, panic: &(dyn Any + Send)) -> Error {
    let text =
        panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    let why = format!("the provider panicked: {}", text.unwrap_or("no text"));
    // What a launch did before it panicked is not known; everything else may simply be repeated.
    let status = if operation == "launch" { Status::Ambiguous } else { Status::Permanent };
    Error::new(ErrorKind::Unexpected, why).status(status).during(operation)
}

/// Makes a call that may be repeated until it succeeds, fails permanently, or was tried often enough.
pub(crate) async fn persist<'a, T, F>(
    context: &Context,
    operation: &'static str,
    on: impl Into<On<'a>>,
    mut again: impl FnMut() -> F,
) -> Result<T>
where
    F: Future<Output = Result<T>>,
{
    let on = on.into();
    let mut tries = 0;
    loop {
        match call(context, operation, on, again()).await {
            Err(error) if !error.is_permanent() && tries + 1 < TRIES => {
                tokio::time::sleep(jittered(back_off(tries))).await;
                tries += 1;
            }
            result => return result,
        }
    }
}

/// One second, doubled with each try, up to 20.
pub(crate) fn back_off(tries: u32) -> Duration {
    Duration::from_secs(1 << tries.min(5)).min(Duration::from_secs(20))
}

/// From half of it to all of it: what failed together is not repeated together.
pub(crate) fn jittered(by: Duration) -> Duration {
    by.mul_f64(rand::rng().random_range(0.5..=1.0))
}
