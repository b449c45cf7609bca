//! Deployments on the cloud in memory, under paused time.

mod death;
mod way;
mod world;
