//! A small disk, and what qemu-img makes of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

pub(super) const MIB: usize = 1 << 20;
/// The disk's size.
pub(super) const BYTES: usize = 8 * MIB;

/// A disk in a file, in a folder of its own.
pub(super) struct Disk {
    folder: TempDir,
    pub(super) raw: PathBuf,
}

impl Disk {
    /// A partition, with data at its beginning and in the last sector.
    pub(super) fn new() -> Self {
        let mut bytes = vec![0; BYTES];
        let sectors = u32::try_from(BYTES / 512).unwrap();
        set_mbr(&mut bytes, 0x83, 2048, sectors - 2048);
        for at in (MIB..2 * MIB).chain(BYTES - 512..BYTES) {
            bytes[at] = (at * 31 % 251) as u8;
        }
        let folder = tempfile::tempdir().unwrap();
        let raw = folder.path().join("disk.raw");
        fs::write(&raw, bytes).unwrap();
        Self { folder, raw }
    }

    /// The disk in another format, with the options of `qemu-img convert -o`.
    pub(super) fn convert(&self, format: &str, extension: &str, options: &str) -> PathBuf {
        let name = format!("{format}-{}.{extension}", options.replace(['=', ','], "-"));
        let to = self.path(&name);
        let mut command = Command::new("qemu-img");
        command.args(["convert", "-f", "raw", "-O", format]);
        if !options.is_empty() {
            command.args(["-o", options]);
        }
        let output = command.arg(&self.raw).arg(&to).output().expect("qemu-img, of the package qemu-utils");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        to
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A copy that was changed.
    pub(super) fn changed(&self, of: &Path, change: impl FnOnce(&mut Vec<u8>)) -> PathBuf {
        let mut bytes = fs::read(of).unwrap();
        change(&mut bytes);
        let to = self.path("changed").with_extension(of.extension().unwrap());
        fs::write(&to, bytes).unwrap();
        to
    }
}

/// Writes a partition table with one entry; its numbers are sectors.
pub(super) fn set_mbr(bytes: &mut [u8], kind: u8, start: u32, sectors: u32) {
    bytes[446] = 0x80;
    bytes[450] = kind;
    bytes[454..458].copy_from_slice(&start.to_le_bytes());
    bytes[458..462].copy_from_slice(&sectors.to_le_bytes());
    bytes[510..512].copy_from_slice(&[0x55, 0xaa]);
}
