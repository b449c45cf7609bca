//! Deployments on the cloud in memory, under paused time.

mod chance;
mod death;
mod description;
mod ending;
mod later;
mod launches;
mod steps;
mod tracing;
mod waiting;
mod way;
mod world;
