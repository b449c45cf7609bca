//! Looking into a file.

mod foreign;
mod input;
mod partitions;
mod qcow2;
mod raw;
mod vhd;
mod vhdx;
mod vmdk;

use std::fs::File;
use std::path::Path;

use serde::Serialize;

use self::input::{Input, Problem};
use super::ImageFormat;
use crate::{Error, ErrorKind, Result};

/// What a file was seen to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Inspection {
    /// Its format.
    pub format: ImageFormat,
    /// The format's variant, in its own word, such as `streamOptimized` or `dynamic`; empty where there is but one.
    pub variant: String,
    /// The file's size.
    pub bytes: u64,
    /// The disk's size.
    pub virtual_bytes: u64,
    /// Why EC2 cannot import it as it is.
    pub refusal: Option<String>,
    /// What may keep it from booting.
    pub warnings: Vec<String>,
}

/// Says what an image file is, whether or not EC2 can import it.
///
/// # Errors
/// [`Io`](ErrorKind::Io) where the file cannot be read; [`Invalid`](ErrorKind::Invalid) for one that is truncated, damaged or
/// no disk image.
pub fn inspect(path: &Path) -> Result<Inspection> {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    let file = File::open(path).map_err(Problem::Io);
    file.and_then(Input::of_file).and_then(|mut input| look(&mut input, extension)).map_err(|problem| {
        let name = path.display().to_string();
        match problem {
            Problem::Io(error) => Error::new(ErrorKind::Io, "cannot be read").on(name).because(error),
            Problem::Bad(why) => Error::invalid(name, why),
        }
    })
}

fn look(input: &mut Input, extension: &str) -> Result<Inspection, Problem> {
    if input.bytes() == 0 {
        return Err(Problem::bad("is empty"));
    }
    let head = input.head()?;
    if vmdk::is(&head) {
        return vmdk::inspect(input, &head);
    }
    if qcow2::is(&head) {
        return qcow2::inspect(input);
    }
    if vhdx::is(&head) {
        return vhdx::inspect(input);
    }
    if vhd::is(input, &head)? {
        return vhd::inspect(input);
    }
    if let Some(what) = foreign::recognize(input, &head)? {
        return Err(Problem::Bad(what));
    }
    if let Some(promised) = ImageFormat::promised_by(extension) {
        let why =
            format!("is named .{extension}, but is no {promised} image: damaged, truncated, or misnamed");
        return Err(Problem::Bad(why));
    }
    raw::inspect(input, &head)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn look_at(bytes: Vec<u8>, extension: &str) -> Result<Inspection, Problem> {
        look(&mut Input::of_bytes(bytes), extension)
    }

    /// Beginnings that lead deep into each format.
    fn magic() -> impl Strategy<Value = Vec<u8>> {
        let words: [&[u8]; 8] = [
            b"KDMV\x03\0\0\0\x03\0\x03\0",
            b"KDMV\x01\0\0\0\x03\0\0\0",
            b"# Disk DescriptorFile\nversion=1\n",
            b"QFI\xfb\0\0\0\x03",
            b"conectix\0\0\0\x02\0\x01\0\0",
            b"vhdxfile",
            b"",
            b"\x1f\x8b",
        ];
        prop::sample::select(words.to_vec()).prop_map(<[u8]>::to_vec)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn no_bytes_panic_it(
            magic in magic(),
            body in prop::collection::vec(any::<u8>(), 0..4_096),
            zeros in 0_usize..400_000,
            end in prop::sample::select(vec![&b""[..], b"conectix", b"koly"]),
            extension in prop::sample::select(vec!["raw", "vhd", "vmdk"]),
        ) {
            let mut bytes = magic;
            bytes.extend(body);
            bytes.resize(bytes.len() + zeros, 0);
            bytes.extend(end);
            bytes.resize(bytes.len() + (512 - end.len()) * usize::from(!end.is_empty()), 0);
            let size = bytes.len() as u64;
            if let Ok(seen) = look_at(bytes, extension) {
                prop_assert_eq!(seen.bytes, size);
                prop_assert!(seen.virtual_bytes > 0);
            }
        }
    }

    #[test]
    fn an_empty_file_is_refused() {
        assert!(matches!(look_at(Vec::new(), "raw"), Err(Problem::Bad(why)) if why == "is empty"));
    }
}
