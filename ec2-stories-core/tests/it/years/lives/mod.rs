//! Lives of a deployment in virtual time: with everything going wrong that can, controllers that die, and operators who want this and
//! that, at times that a seed says. What a life stands on is a [`Ground`]: a cloud.

mod body;
mod flights;
mod ground;
mod life;
mod nature;
mod operator;
mod order;
mod pace;
mod probe;
mod reach;
mod truth;
mod wishes;
mod world;

use std::time::Duration;

pub(crate) use ground::{Ground, Seen};
pub(crate) use life::{Life, live};
pub(crate) use pace::Pace;

pub(crate) const DAY: Duration = Duration::from_secs(24 * 3600);
pub(crate) const YEAR: Duration = Duration::from_secs(31_557_600);

/// Replays one life.
pub(crate) const SEED: &str = "EC2_STORIES_YEARS_SEED";
