//! The simulation as any SDK meets it: forms in, XML out.
#![allow(clippy::unwrap_used)] // Helpers of tests are tests.

mod access;
mod attributes;
mod boto3;
mod capacity;
mod consistency;
mod console;
mod describe;
mod disk_formats;
mod ebs;
mod events;
mod faults;
mod fleet;
mod form;
mod hosts;
mod images;
mod imports;
mod launch;
mod launch_values;
mod leaks;
mod listen;
mod metadata;
mod s3;
mod sdk;
mod snapshots;
mod spot;
mod throttle;
mod tokens;
mod types;
mod volume_limits;
