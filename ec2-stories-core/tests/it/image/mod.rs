//! Image files, made by the real qemu-img and damaged by hand.

mod disk;
mod raw;
mod real;

use std::path::Path;

use ec2_stories_core::ErrorKind;
use ec2_stories_core::image::ImageSource;

/// Why the file is refused.
#[track_caller]
fn refused(path: &Path) -> String {
    let error = ImageSource::open(path).expect_err("it must not be taken");
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error:?}");
    let text = error.to_string();
    let why = text.strip_prefix(&format!("{}: ", path.display()));
    why.unwrap_or_else(|| panic!("the file is not named: {text}")).to_owned()
}
