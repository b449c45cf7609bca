//! Deployments on the cloud in memory, under paused time.

mod death;
mod description;
mod ending;
mod later;
mod launches;
mod steps;
mod tracing;
mod way;
mod world;
