//! Whoever waits for the cloud is told so.

use std::fmt::Display;
use std::future::Future;
use std::time::Duration;

use ec2_stories::terminal::note;

/// People wonder by then.
const SILENCE: Duration = Duration::from_secs(5);

/// What the cloud answers; says after a while that it has not yet said `what`. The libraries ask it again until it does.
pub(crate) async fn answer<T>(what: &str, asked: impl Future<Output = T>) -> T {
    let asks = "it is asked again until it does, ctrl-C ends the wait";
    outcome(format_args!("the cloud has not said yet {what}; {asks}"), asked).await
}

/// What comes of something that may take long; says so after a while.
pub(crate) async fn outcome<T>(said: impl Display, awaited: impl Future<Output = T>) -> T {
    tokio::pin!(awaited);
    tokio::select! {
        outcome = &mut awaited => return outcome,
        () = tokio::time::sleep(SILENCE) => {}
    }
    note(said);
    awaited.await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_answer_comes_however_long_it_takes() {
        for seconds in [0, 4, 60] {
            let asked = async {
                tokio::time::sleep(Duration::from_secs(seconds)).await;
                seconds
            };
            assert_eq!(answer("what is there", asked).await, seconds);
        }
    }
}
