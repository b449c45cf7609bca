//! Images: what a file is and whether EC2 can take it, how it is registered, and which are old enough to go.
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

mod encryption;
mod format;
mod hash;
mod inspect;
mod ownership;
mod retention;
mod source;
mod spec;

pub use encryption::Encryption;
pub use format::ImageFormat;
pub use inspect::{Inspection, inspect};
pub use ownership::{CONTENT_TAG, COPY_TAG, IMAGE_TAG, content_tags, image_tags};
pub use retention::Retention;
pub use source::ImageSource;
pub use spec::{BootMode, ImageSpec};
