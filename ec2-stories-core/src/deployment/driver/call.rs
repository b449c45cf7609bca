//! Calls to providers: a span each, and retries that look at the status only.

use std::fmt::Display;
use std::future::Future;
use std::time::Duration;

use rand::RngExt;
use tracing::Instrument;

use super::Context;
use crate::Result;

/// Tries of a call whose repetition is harmless: about a minute.
const TRIES: u32 = 7;

/// Makes one call within a span `provider.call`.
pub(crate) async fn call<T>(
    context: &Context,
    operation: &'static str,
    on: impl Display,
    call: impl Future<Output = Result<T>>,
) -> Result<T> {
    let span = tracing::info_span!(
        "provider.call",
        operation,
        deployment = %context.spec.name,
        on = %on,
    );
    async {
        let began = tokio::time::Instant::now();
        let result = call.await;
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

/// Makes a call that may be repeated until it succeeds, fails permanently, or was tried often enough.
pub(crate) async fn persist<T, F>(
    context: &Context,
    operation: &'static str,
    on: impl Display,
    mut again: impl FnMut() -> F,
) -> Result<T>
where
    F: Future<Output = Result<T>>,
{
    let mut tries = 0;
    loop {
        match call(context, operation, &on, again()).await {
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
