//! Tests of the facade: story files, the command line, and a deployment on the embedded cloud.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[cfg(feature = "cli")]
mod cli;
#[cfg(feature = "cli")]
mod cloud_init;
#[cfg(feature = "cli")]
mod copied;
#[cfg(feature = "cli")]
mod customized;
#[cfg(feature = "cli")]
mod end_of_main;
#[cfg(feature = "cli")]
mod every_step;
#[cfg(feature = "cli")]
mod kills;
#[cfg(feature = "cli")]
mod modes;
#[cfg(feature = "cli")]
mod replacement;
#[cfg(feature = "cli")]
mod rotation;
mod story;
#[cfg(feature = "cli")]
mod years;
