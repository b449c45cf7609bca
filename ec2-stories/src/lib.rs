//! Deploy machines on Amazon EC2 and keep them alive.
//!
//! Describe fleets, plan, start, use, take down:
//!
//! ```
//! use ec2_stories::prelude::*;
//!
//! # #[cfg(all(feature = "ec2", feature = "sim"))]
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<()> {
//! // On a real account: Ec2::connect(Arc::new(SharedProfile::named("staging").region("eu-west-1"))).await?
//! let sim = Sim::builder().seed(7).build();
//! let ec2 = Ec2::from_config(&sim.sdk_config());
//!
//! let shop = Deployment::builder()
//!     .name("shop")
//!     .mode(Mode::Dev) // Mode::Production: the nodes outlive the program
//!     .cloud(ec2)
//!     .journal(MemoryStore::new()) // FileStore::open("shop.journal")? survives the process
//!     .clock(sim.clock())
//!     .fleet(Fleet::builder().name("db").nodes(1).image(Image::public("debian-12")).build()?)
//!     .fleet(
//!         Fleet::builder()
//!             .name("web")
//!             .nodes(3)
//!             .after("db")
//!             .image(Image::public("debian-12"))
//!             .firewall(FirewallPolicy::builder().tcp(443, Source::Anywhere).build())
//!             .user_data(Template::new("#!/bin/sh\necho db=${db/0.private_ip} > /etc/shop.conf\n")?)
//!             .build()?,
//!     )
//!     .build()?;
//!
//! println!("{}", shop.plan().await?); // decided and checked, nothing done
//! let running = shop.start().await?; // crash here and the next start goes on
//! running.ready().await?;
//! running.terminate().await?.assert_clean();
//! # sim.assert_clean();
//! # Ok(())
//! # }
//! # #[cfg(not(all(feature = "ec2", feature = "sim")))]
//! # fn main() {}
//! ```
//!
//! What a machine does at each step, what survives a crash and what dropping a handle does is in the docs of
//! [`Deployment`] and [`Running`]; what an implementation must keep to, in those of the traits in [`provider`].
//!
//! # Testing
//! `Sim` is a simulated EC2 below the real AWS SDK: under `#[tokio::test(start_paused = true)]` a day passes in a
//! moment, and `sim.faults()` makes calls fail where it hurts. The feature `mock` has a mock of every provider trait.
//!
//! # Features
//! | Feature | | |
//! | --- | --- | --- |
//! | `ec2` | on by default | `Ec2`: the cloud, through the AWS SDK. Without it aws-sdk-ec2, minutes of compilation, is not built |
//! | `s3` | on by default | `S3`: buckets, objects, uploads, tuples; plain HTTP |
//! | `sim` | on by default | `Sim`: the embedded cloud |
//! | `ssh` | on by default | `ssh`: customization steps, commands and files on nodes |
//! | `probes` | on by default | `probe`: HTTP, TLS, ICMP and heartbeats; TCP and what combines them is always there |
//! | `story` | on by default | `story`: deployments written down as TOML; with `ssh` and `probes` |
//! | `cli` | on by default | the program `ec2-stories`, and `terminal`: progress and tables; it needs those above |
//! | `mock` | | `mock`: mockall mocks of every provider trait |

pub use ec2_stories_core::*;
#[cfg(feature = "ec2")]
pub use ec2_stories_ec2 as ec2;
#[cfg(feature = "ec2")]
pub use ec2_stories_ec2::Ec2;
#[cfg(feature = "s3")]
pub use ec2_stories_s3 as s3;
#[cfg(feature = "s3")]
pub use ec2_stories_s3::S3;
#[cfg(feature = "sim")]
pub use ec2_stories_sim as sim;
#[cfg(feature = "ssh")]
pub use ec2_stories_ssh as ssh;

pub mod prelude;
/// What the page on probes shows is compiled.
#[cfg(all(doctest, feature = "story"))]
#[doc = include_str!("../../docs/probes.md")]
mod probes_page {}
#[cfg(feature = "story")]
pub mod story;
#[cfg(feature = "cli")]
pub mod terminal;
