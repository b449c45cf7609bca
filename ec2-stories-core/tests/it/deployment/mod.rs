//! Deployments on the cloud in memory, under paused time.

mod chance;
mod controllers;
mod damage;
mod death;
mod description;
mod dropped;
mod ending;
mod expiry;
mod host_keys;
mod image_file;
mod later;
mod launches;
mod lease;
mod orders;
mod ping;
mod replaced_and_died;
mod replacement;
mod rollouts;
mod steps;
mod tracing;
mod waiting;
mod watched;
mod way;
mod world;
