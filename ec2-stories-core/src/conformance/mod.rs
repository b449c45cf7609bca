//! Suites that check an implementation against its trait's contract.
//!
//! A suite is an async function that a test awaits; it panics with the contract's bullet that was broken and what was
//! seen instead. What an implementation cannot do it declares in the suite's fixture: nothing is skipped by name. All waiting
//! is tokio's, so that a paused runtime makes a suite over a simulated cloud quick.
//!
//! ```
//! # use ec2_stories_core::{conformance, store::MemoryStore};
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! conformance::tuple_store(async || MemoryStore::new()).await;
//! # });
//! ```

mod account_provider;
mod customizer;
mod firewall;
mod image_registry;
mod image_uploader;
mod instance_deployer;
mod key_pairs;
mod messenger;
mod monitor;
mod probe;
mod registrar;
mod tuple_store;

use std::fmt::Debug;
use std::time::Duration;

pub use account_provider::{account_provider, account_provider_without_credentials};
pub use customizer::{CustomizerFixture, customizer};
pub use firewall::{FirewallFixture, firewall};
pub use image_registry::{ImageChanges, ImageRegistryFixture, image_registry};
pub use image_uploader::image_uploader;
pub use instance_deployer::{InstanceDeployerFixture, instance_deployer};
pub use key_pairs::{KeyPairsFixture, key_pairs};
pub use messenger::{MessengerFixture, messenger};
pub use monitor::{MonitorBench, monitor};
pub use probe::{ProbeFixture, probe};
pub use registrar::{RegistrarBench, registrar};
pub use tuple_store::tuple_store;

use crate::{ErrorKind, Result};

/// Ends the suite unless the bullet is kept.
#[track_caller]
fn demand(kept: bool, bullet: &str, seen: impl Debug) {
    assert!(kept, "contract broken: {bullet}: {seen:?}");
}

/// The value of a call that the bullet says must succeed.
#[track_caller]
fn succeeds<T>(result: Result<T>, bullet: &str) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("contract broken: {bullet}: {error:?}"),
    }
}

/// Ends the suite unless the call fails with this kind.
#[track_caller]
fn fails<T: Debug>(result: Result<T>, kind: ErrorKind, bullet: &str) -> crate::Error {
    match result {
        Err(error) if error.kind() == kind => error,
        other => panic!("contract broken: {bullet}: expected {kind:?}, not {other:?}"),
    }
}

/// Tries until the value is there; clouds take a while to agree with themselves.
async fn eventually<T>(bullet: &str, mut attempt: impl AsyncFnMut() -> Option<T>) -> T {
    const PATIENCE: u32 = 120;
    for _ in 0..PATIENCE {
        if let Some(value) = attempt().await {
            return value;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    panic!("contract broken: {bullet}: not after {PATIENCE} s");
}

/// A suffix that no earlier run used: tokens and names outlive a test on a cloud that lasts.
fn unique() -> String {
    format!("{:016x}", rand::random::<u64>())
}
