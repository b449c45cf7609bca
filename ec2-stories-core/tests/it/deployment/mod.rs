//! Deployments on the cloud in memory, under paused time.

mod way;
mod world;
