//! Whoever waits for the cloud is told so.

use std::future::Future;
use std::time::Duration;

use ec2_stories::terminal::note;

/// People wonder by then.
const SILENCE: Duration = Duration::from_secs(5);

/// What the cloud answers; says after a while that it has not yet. The libraries ask it again until it does.
pub(crate) async fn answer<T>(asked: impl Future<Output = T>) -> T {
    tokio::pin!(asked);
    tokio::select! {
        answer = &mut asked => return answer,
        () = tokio::time::sleep(SILENCE) => {}
    }
    note("the cloud has not answered yet; it is asked again until it does, ctrl-C ends the wait");
    asked.await
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
            assert_eq!(answer(asked).await, seconds);
        }
    }
}
