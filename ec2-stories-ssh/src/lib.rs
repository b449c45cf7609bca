//! Nodes over SSH: readiness, commands, customization, copies and bundles.
//!
//! [`Ssh`] says how hosts are logged in to: the user, what proves who we are ([`Identity`]), what proves who the host is
//! ([`HostKeys`]). It logs in to a [`Target`] and gives a [`Session`], which runs [`Command`]s and has an [`Sftp`].
//! A [`SessionPool`] keeps one session per host; [`FanOut`] does one job on many. A [`CommandProbe`] asks whether a node lives.
//!
//! ```no_run
//! # async fn example() -> ec2_stories_core::Result<()> {
//! use ec2_stories_ssh::{Command, HostKeys, Identity, Ssh, Target};
//!
//! let ssh = Ssh::builder()
//!     .user("admin")
//!     .identity(Identity::key_file("shop.pem"))
//!     .host_keys(HostKeys::known_hosts("known_hosts"))
//!     .build()?;
//! let session = ssh.connect(&Target::new("192.0.2.7", 22)).await?;
//! let output = session.exec(&Command::new("uname").arg("-r")).await?;
//! println!("{}", output.stdout.text());
//! # Ok(())
//! # }
//! ```
//!
//! There is no way to connect without a verified host key.

pub mod bundle;
mod command;
mod connect;
mod error;
mod fan_out;
mod host_keys;
mod identity;
mod links;
mod pool;
mod probe;
mod ready;
mod scp;
mod session;
mod sftp;
mod ssh;
pub mod step;
mod target;
mod tree;

pub use command::{Captured, Chunk, Command, Exit, LineBuffer, Output, Running, quote};
pub use connect::{Connect, Direct, Jump, Stream};
pub use error::code;
pub use fan_out::{FanOut, Outcomes};
pub use host_keys::{CloudConsole, Console, HostKeys};
pub use identity::Identity;
pub use pool::SessionPool;
pub use probe::CommandProbe;
pub use ready::Readiness;
pub use scp::Scp;
pub use session::{Pty, Session, Shell, ShellEvent, ShellInput};
pub use sftp::{FileKind, FileStat, Listed, Sftp, WriteOptions};
pub use ssh::Ssh;
pub use target::Target;
pub use tree::{Copied, Tree};
