//! Deployments on the cloud in memory, under paused time.

mod death;
mod description;
mod way;
mod world;
