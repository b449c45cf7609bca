//! The embedded cloud of EC2 Stories: a simulated EC2 (with STS, S3 and EBS direct) for tests of code that deploys.
//!
//! It is not broad. It is faithful where deployment code breaks: states that take time, client tokens, replies that are
//! lost after the effect, ids that are unknown for a while, partial launches, throttling, quotas, capacity. The real AWS
//! SDK talks to it, so what is tested is the code that runs in production. Nothing ever leaves the process.
//!
//! # A test
//!
//! [`Sim::sdk_config`] is all that an SDK client needs. Under tokio's paused clock a day passes in a moment; the
//! simulation, the SDK's retries and its credentials share that clock.
//!
//! ```
//! # // STS stands in for EC2 here: its client builds in seconds. `aws_sdk_ec2::Client::new` takes the same.
//! use std::time::Duration;
//! use aws_sdk_sts::Client;
//! use ec2_stories_sim::{Fault, Sim};
//!
//! #[tokio::main(flavor = "current_thread", start_paused = true)]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let sim = Sim::builder().seed(7).build();
//!     let client = Client::new(&sim.sdk_config());
//!
//!     // The first call takes effect, but its reply is lost: the SDK tries again.
//!     sim.faults().nth("GetCallerIdentity", 1, Fault::ReplyLostAfter);
//!     client.get_caller_identity().send().await?;
//!     assert_eq!(sim.calls().count("GetCallerIdentity"), 2);
//!
//!     tokio::time::sleep(Duration::from_secs(24 * 3600)).await;
//!     sim.assert_clean();
//!     Ok(())
//! }
//! ```
//!
//! - [`Sim::instances`] shows what runs without an API call; [`Sim::calls`] and [`Sim::calls_log`] show what was called.
//! - [`Sim::faults`], or a [`FaultPlan`] read from TOML, says what goes wrong. [`Faults::at_call`] counts over all calls: a
//!   test that fails at every step counts the calls of one good run, then strikes each of them in turn.
//! - [`Latencies`], [`Sim::set_capacity`], [`Sim::set_vcpu_limit`], [`Sim::deny`] and the like shape the cloud;
//!   [`Sim::interrupt_spot`], [`Sim::schedule_event`], [`Sim::shut_down_guest`], [`Sim::stop`], [`Sim::kill`] and [`Sim::impair`]
//!   hurt what runs in it.
//! - [`Sim::assert_clean`] ends a test: whatever is left fails it, but what the test said to [`keep`](Sim::keep).
//!
//! # What is there
//!
//! A fresh [`Sim`] has one account in every region, each with a default VPC of three zones, a default security group, and
//! public images of Debian 12, Ubuntu 24.04 and Amazon Linux 2023 in several versions for `x86_64` and `arm64`. Their
//! ids are the same in every run. [`Sim::add_image`], [`Sim::add_vpc`], [`Sim::add_subnet`],
//! [`Sim::add_instance_profile`] and [`Sim::add_disk_image`] add more.
//!
//! Operations, parameters and filters that are not simulated are refused, never ignored.
//!
//! # S3
//!
//! Buckets and objects, uploads in parts, conditional writes, checksums of every kind, presigned addresses, lifecycle
//! rules: what is uploaded is verified as S3 does, and kept in a temporary file once it is large. Faults strike S3 too:
//! [`Fault::Stall`], [`Fault::ResetMidway`] and [`Fault::ErrorInside`] exist for it alone. [`CallRecord::received`] says
//! how much of an upload arrived.
//!
//! ```
//! use aws_sdk_s3::{Client, primitives::ByteStream};
//! use ec2_stories_sim::{Fault, Sim};
//!
//! #[tokio::main(flavor = "current_thread", start_paused = true)]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let sim = Sim::builder().build();
//!     let s3 = Client::new(&sim.sdk_config());
//!     s3.create_bucket().bucket("images").send().await?;
//!     sim.faults().nth("PutObject", 1, Fault::ResetMidway);
//!     s3.put_object().bucket("images").key("web").body(ByteStream::from_static(b"disk")).send().await?;
//!     assert_eq!(sim.object("images", "web").await?.as_deref(), Some(&b"disk"[..]));
//!     sim.keep_objects("images", "web");
//!     sim.assert_clean();
//!     Ok(())
//! }
//! ```
//!
//! There are no versions, ACLs, object locks or customers' encryption keys: asking for them is refused. Request rates of
//! S3 are not limited, unless a fault says so.
//!
//! # Time
//!
//! The simulated time is a base (2026-01-01T00:00:00Z unless set) plus tokio's elapsed time. Paused time needs the
//! `current_thread` runtime; `spawn_blocking` holds it up. [`Sim::clock`] gives the time to code that asks a clock.
//!
//! The same seed and the same order of calls give the same ids, addresses, latencies and faults. An SDK's own back-off
//! jitter is not seeded: a test that needs exact times sets the SDK's retries off.
//!
//! # Hosts
//!
//! With [`Hosts`] a running instance is a machine that one can log in to; its addresses, its console output and its
//! status checks are that machine's.
//!
//! # Inside an instance
//!
//! [`Sim::metadata`] is an instance's metadata service: what a program on it would ask at 169.254.169.254.
//!
//! # Other languages
//!
//! [`Sim::listen`] serves the same over HTTP, in real or scaled time; requests are signed as for AWS, with any key. S3 is
//! there in path style, and as `BUCKET.localhost`; it checks signatures by [`ACCESS_KEY_ID`] and by keys that AssumeRole
//! gave out.

mod access;
mod calls;
mod clock;
mod config;
mod ctx;
mod dispatch;
mod ebs;
mod fault;
mod faults;
mod filter;
mod hooks;
mod host;
mod http;
mod iam;
mod imds;
mod keep;
mod latency;
mod leak;
mod objects;
mod ops;
mod page;
mod reply;
mod request;
mod s3;
mod seeds;
mod sim;
mod state;
mod throttle;
mod view;
mod wire;
mod world;

pub use calls::{CallOutcome, CallRecord, Calls};
pub use config::{ACCESS_KEY_ID, SECRET_ACCESS_KEY};
pub use fault::{Fault, FaultPlan, FaultPlanError, Outage, Rule};
pub use faults::Faults;
pub use host::{HostState, HostView, Hosts, SshdOptions, Vpc};
pub use http::listen::Listener;
pub use imds::{Metadata, MetadataListener};
pub use latency::Latencies;
pub use leak::{Leak, Leaks};
pub use objects::DiskImageSeed;
pub use seeds::ImageSeed;
pub use sim::{Broken, Sim, SimBuilder};
pub use throttle::Throttling;
pub use view::{InstanceView, State};
