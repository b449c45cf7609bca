//! Uploads: files, bytes and streams of any size, in bounded memory, that go on where they were cut off.
//!
//! ```no_run
//! # async fn upload(s3: ec2_stories_s3::S3, journal: std::sync::Arc<dyn ec2_stories_core::provider::TupleStore>) -> ec2_stories_core::Result<()> {
//! use ec2_stories_s3::upload::{Content, Upload, UploadSpec};
//!
//! let spec = UploadSpec::builder()
//!     .bucket("images")
//!     .key("web.raw")
//!     .content(Content::file("web.raw"))
//!     .journal(journal)
//!     .build()?;
//! let uploaded = Upload::start(&s3, spec).await?;
//! println!("{} bytes, {} of them sent", uploaded.size, uploaded.sent);
//! # Ok(())
//! # }
//! ```

mod body;
mod buffers;
mod climb;
pub(crate) mod crc;
mod engine;
mod file;
mod flight;
mod handle;
mod images;
mod journal;
mod moves;
mod plan;
mod progress;
mod pulse;
mod requests;
mod retry;
mod span;
mod spec;
mod spool;
mod wire;

pub use crc::Crc64;
pub use handle::{Upload, Uploaded};
pub use images::S3Images;
pub use progress::Progress;
pub use spec::{Content, OnDrop, UploadSpec};

pub(crate) use wire::is_gone;
