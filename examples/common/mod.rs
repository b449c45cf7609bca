//! What the examples share: the choice of a cloud.

use std::sync::Arc;
use std::time::Duration;

use clap::ValueEnum;
use ec2_stories::prelude::*;

/// Where an example runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum On {
    /// The simulation, in this process: nothing is spent.
    Embedded,
    /// A real account; it needs EC2_STORIES_LIVE=1.
    Aws,
}

/// The cloud, its clock, and the simulation where it is one.
pub(crate) struct Place {
    pub(crate) ec2: Ec2,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) sim: Option<Sim>,
}

impl On {
    pub(crate) async fn open(self) -> Result<Place> {
        match self {
            Self::Embedded => {
                // Machines that boot, and images that are made, while one watches.
                let second = Duration::from_secs(1);
                let latency = Latencies::builder().boot(2 * second).terminate(second);
                let latency = latency.import(second).import_per_gib(second).register(second);
                let sim = Sim::builder().latency(latency.build()).build();
                Ok(Place { ec2: Ec2::from_config(&sim.sdk_config()), clock: sim.clock(), sim: Some(sim) })
            }
            Self::Aws if std::env::var("EC2_STORIES_LIVE").as_deref() == Ok("1") => {
                let ec2 = Ec2::connect(Arc::new(DefaultChain::new())).await?;
                Ok(Place { ec2, clock: Arc::new(SystemClock), sim: None })
            }
            Self::Aws => Err(Error::new(
                ErrorKind::Invalid,
                "--cloud aws spends money: set EC2_STORIES_LIVE=1 to allow it",
            )),
        }
    }
}
