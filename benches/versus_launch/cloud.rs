//! The simulated cloud of one measurement.

use std::collections::BTreeMap;
use std::error::Error;
use std::time::Duration;

use ec2_stories_benches::Peers;
use ec2_stories_core::{Clock, SystemClock};
use ec2_stories_sim::{ImageSeed, Latencies, Listener, Sim};
use jiff::Timestamp;

use crate::case::Case;

/// The same in every measurement, so that instance 7 boots in the same time for everyone.
const SEED: u64 = 7;

/// A cloud that listens, with one private image.
pub(crate) struct Cloud {
    sim: Sim,
    listener: Listener,
    pub(crate) image: String,
}

/// What one client did.
pub(crate) struct Outcome {
    calls: BTreeMap<String, f64>,
    /// API calls in all.
    pub(crate) total: f64,
    /// Seconds from the moment the last node ran until the client knew.
    pub(crate) late: f64,
    /// Seconds from the client's start until it knew.
    pub(crate) wall: f64,
}

impl Outcome {
    pub(crate) fn calls(&self, operation: &str) -> f64 {
        self.calls.get(operation).copied().unwrap_or(0.0)
    }
}

impl Cloud {
    pub(crate) async fn start(case: &Case) -> std::io::Result<Self> {
        let boot = Duration::from_secs(case.boot);
        let latency = Latencies::builder().boot(boot).jitter(case.jitter).build();
        let sim = Sim::builder().seed(SEED).latency(latency).start(SystemClock.now()).build();
        let image = sim.add_image(ImageSeed::builder().name("bench").build());
        let listener = sim.listen(([127, 0, 0, 1], 0).into()).await?;
        Ok(Self { sim, listener, image })
    }

    pub(crate) fn url(&self) -> String {
        self.listener.url()
    }

    /// Runs a peer's script, which prints when it knew, in seconds of Unix time.
    pub(crate) async fn script(
        &self,
        peers: &Peers,
        name: &str,
        nodes: u32,
    ) -> Result<Timestamp, Box<dyn Error>> {
        let arguments = [self.url(), "us-east-1".to_owned(), self.image.clone(), nodes.to_string()];
        let printed = tokio::task::block_in_place(|| peers.script(name, &arguments))?;
        let seconds: f64 = printed.trim().parse()?;
        Ok(Timestamp::UNIX_EPOCH + Duration::from_secs_f64(seconds))
    }

    /// Has a client launch and wait; it returns when it knew that all nodes ran.
    pub(crate) async fn measure(
        &self,
        name: &str,
        client: impl AsyncFnOnce(&Self) -> Result<Timestamp, Box<dyn Error>>,
    ) -> Result<Outcome, Box<dyn Error>> {
        let (started, before) = (SystemClock.now(), self.sim.calls());
        let noticed = client(self).await?;
        let last_ran =
            self.sim.running().iter().map(|instance| instance.since).max().ok_or("nothing runs")?;
        let calls = self.sim.calls();
        let since = |(operation, count): (&str, u64)| {
            (operation.to_owned(), (count - before.count(operation)) as f64)
        };
        let outcome = Outcome {
            calls: calls.iter().map(since).collect(),
            total: (calls.total() - before.total()) as f64,
            late: noticed.duration_since(last_ran).as_secs_f64(),
            wall: noticed.duration_since(started).as_secs_f64(),
        };
        println!("{name}: {:?}, {:.2} s late, {:.1} s in all", outcome.calls, outcome.late, outcome.wall);
        Ok(outcome)
    }
}
