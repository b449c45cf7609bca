//! The command line of orders.

use std::time::Duration;

use clap::Args;
use ec2_stories::model::{Name, NodeAddress};
use ec2_stories::provider::Hold;

use crate::args::OnStory;
use crate::nodes::Chosen;

#[derive(Debug, Args)]
pub(crate) struct ScaleArgs {
    #[command(flatten)]
    pub(crate) on: OnStory,
    /// How many nodes a fleet is to have: `web=5`; several after one another.
    #[arg(required = true, value_name = "FLEET=N", value_parser = fleet_and_nodes)]
    pub(crate) fleets: Vec<(Name, u32)>,
}

#[derive(Debug, Args)]
pub(crate) struct PauseArgs {
    #[command(flatten)]
    pub(crate) on: OnStory,
    #[command(flatten)]
    pub(crate) by: By,
}

#[derive(Debug, Args)]
pub(crate) struct HoldArgs {
    #[command(flatten)]
    pub(crate) on: OnStory,
    /// Which nodes: `web`, `web/0`, `web/0..2` (the first two), `all`; several with commas.
    pub(crate) nodes: Chosen,
    #[command(flatten)]
    pub(crate) by: By,
    /// For how long, at most a day: `30m`, `1h 30m`.
    #[arg(long = "for", value_name = "TIME", value_parser = time)]
    pub(crate) time: Duration,
}

#[derive(Debug, Args)]
pub(crate) struct ReleaseArgs {
    #[command(flatten)]
    pub(crate) on: OnStory,
    /// Which nodes: `web`, `web/0`, `web/0..2` (the first two), `all`; several with commas.
    pub(crate) nodes: Chosen,
}

#[derive(Debug, Args)]
pub(crate) struct NodeArgs {
    #[command(flatten)]
    pub(crate) on: OnStory,
    /// Which node: `web/0`.
    pub(crate) node: NodeAddress,
    /// Why; events and the status say so.
    #[arg(long)]
    pub(crate) reason: String,
}

/// Who asks, and why.
#[derive(Debug, Args)]
pub(crate) struct By {
    /// Who asks for it.
    #[arg(long)]
    pub(crate) owner: String,
    /// Why.
    #[arg(long)]
    pub(crate) reason: String,
}

fn fleet_and_nodes(text: &str) -> Result<(Name, u32), String> {
    let wrong = || format!("{text:?} is not a fleet and a number of nodes, such as web=5");
    let (fleet, nodes) = text.split_once('=').ok_or_else(wrong)?;
    let (fleet, nodes) = (Name::new(fleet).map_err(|_| wrong())?, nodes.parse().map_err(|_| wrong())?);
    match nodes {
        0 => Err("a fleet has at least 1 node; `terminate` takes the whole deployment down".to_owned()),
        nodes => Ok((fleet, nodes)),
    }
}

fn time(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is not a time such as 30m or 1h 30m, at most a day: 24h");
    let time: jiff::SignedDuration = text.parse().map_err(|_| wrong())?;
    let time = Duration::try_from(time).map_err(|_| wrong())?;
    if time > Hold::LONGEST {
        Err("a hold ends within 24 hours; hold again for longer".to_owned())
    } else {
        Ok(time)
    }
}
