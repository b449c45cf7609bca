//! EC2 Stories on Amazon EC2, through the AWS SDK.
//!
//! [`Ec2`] is a cloud for deployments: it launches, describes, waits for and terminates instances, keeps firewalls and
//! key pairs, and finds, registers, shares, copies and removes images. Each trait's docs in `ec2_stories_core::provider` are its contract.
//!
//! ```no_run
//! use std::sync::Arc;
//! use ec2_stories_core::provider::{AccountProvider, ImageRegistry};
//! use ec2_stories_core::model::{Architecture, Image};
//! use ec2_stories_ec2::Ec2;
//!
//! async fn newest_debian(account: Arc<dyn AccountProvider>) -> ec2_stories_core::Result<()> {
//!     let ec2 = Ec2::connect(account).await?;
//!     let query = Image::public_query("debian-12", Architecture::X86_64).expect("a known name");
//!     println!("{:?}", ec2.find_image(&query).await?);
//!     Ok(())
//! }
//! ```
//!
//! # Waiting
//! One poller per [`Ec2`] answers everyone who waits: it asks for all of them in one DescribeInstances of at most 500 ids.
//! When it asks follows from what it has learned of the instance type and image:
//!
//! | An instance that runs is noticed within 1 s | |
//! | --- | --- |
//! | of a type never seen, fewer than ten awaited | always, at one describe a second |
//! | of a type never seen, ten or more awaited | when it boots in [24 s](EC2_BOOT) or more |
//! | of a type seen before | always, unless it boots much faster than the fastest of those: by two fifths while four boots are known, by a twenty-fifth when forty are, by a second when hundreds are |
//! | launched by another process, or by this one before a restart | always, at one describe a second |
//!
//! An exception is noticed when the next call is due: halfway to the expected time where that is a guess, else at that
//! time. It is learned from. 100 instances that boot in 30 s, give or take a fifth, cost at most 15 describes, the first
//! time as any other.
//! Throttling and slow replies come on top. What was learned is known to the next process where
//! [`boot_times`](Ec2::builder) says in which store it is kept. For a large fleet of a type that nobody has seen, few calls
//! and notice within a second exclude each other; the few calls were preferred.
//!
//! # Calls
//! All calls pass client-side token buckets below EC2's own ([`Rates`]); [`Ec2::calls`] counts them. The SDK repeats what
//! may be repeated, and not a launch that found no capacity. When EC2 refuses the credentials, the account is asked for
//! others at once.
//!
//! # On an instance
//! [`Metadata`] reads what the instance that the program runs on knows of itself.
//!
//! # Tracing
//! | Span or event | Level | Fields |
//! | --- | --- | --- |
//! | span `ec2.call`, around every API call with its retries | info | `operation`, `count` (resources), `error` (code) |
//! | event in it, `done` or `failed` | debug | `error` |
//! | span `ec2.poll`, around one round of the poller | debug | `waiting`, `asked` |
//! | event `noticed` | debug | `instance`, `state`, `age_ms` since the launch |
//! | span `ec2.converge`, around a firewall's calls | info | `deployment`, `fleet` |
//! | event in it, `converged`, where something was changed | info | `added`, `described`, `revoked` (rules) |
//!
//! No field and no error holds a secret: user data, key material and credentials are in none.

mod api;
mod client;
mod convert;
mod deployer;
mod describe;
mod diagnose;
mod ebs;
mod error;
mod extend;
mod find;
mod firewall;
mod health;
mod images;
mod keys;
mod launch;
mod metadata;
mod poller;
mod preflight;
mod publish;
mod tags;
mod terminate;

pub use api::{Rate, Rates};
pub use client::Ec2;
pub use ebs::EbsUploader;
pub use firewall::PublicAddress;
pub use images::{ImportRole, Prune, Pruned};
pub use metadata::{IdentityDocument, InstanceMetadata, Metadata, MetadataBuilder};
pub use poller::EC2_BOOT;
pub use publish::{Copy, Publication, Publish, Stage};
