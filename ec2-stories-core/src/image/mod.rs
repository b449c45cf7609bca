//! Image files: what they are, whether EC2 can take them, and what an upload of one is.
//!
//! ```no_run
//! use ec2_stories_core::image::ImageSource;
//!
//! let source = ImageSource::open("web.raw")?;
//! println!("{}: {} of {} bytes", source.format(), source.path().display(), source.virtual_bytes());
//! for warning in source.warnings() {
//!     println!("{warning}");
//! }
//! # Ok::<(), ec2_stories_core::Error>(())
//! ```

mod format;
mod inspect;
mod source;

pub use format::ImageFormat;
pub use inspect::{Inspection, inspect};
pub use source::ImageSource;
