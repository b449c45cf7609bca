//! Files that are no disk image, or one of a kind that nothing here reads, and what to do with them.

use super::input::{Input, Problem};

/// Offset, what stands there, and what the file is.
const KNOWN: [(usize, &[u8], &str); 20] = [
    (0, b"\x1f\x8b", "is compressed by gzip; decompress it first: gzip -d"),
    (0, b"\xfd7zXZ\0", "is compressed by xz; decompress it first: xz -d"),
    (0, b"\x28\xb5\x2f\xfd", "is compressed by zstd; decompress it first: zstd -d"),
    (0, b"BZh", "is compressed by bzip2; decompress it first: bzip2 -d"),
    (0, b"PK\x03\x04", "is a zip archive; unpack the image first"),
    (0, b"7z\xbc\xaf\x27\x1c", "is a 7-zip archive; unpack the image first"),
    (257, b"ustar", "is a tar archive, or an OVA; unpack the disk first: tar -x"),
    (32_769, b"CD001", "is an ISO 9660 image of an optical disc; install from it into a disk image first"),
    (64, b"\x7f\x10\xda\xbe", "is a VDI image of VirtualBox; convert it first: qemu-img convert -O raw"),
    (0, b"QED\0", "is a QED image; convert it first: qemu-img convert -O raw"),
    (0, b"WithoutFreeSpace", "is a Parallels image; convert it first: qemu-img convert -O raw"),
    (0, b"WithouFreSpacExt", "is a Parallels image; convert it first: qemu-img convert -O raw"),
    (0, b"MSWIM\0\0\0", "is a Windows image (WIM); apply it to a disk image first"),
    (0, b"hsqs", "is a SquashFS file system, not a disk"),
    (0, b"LUKS\xba\xbe", "is an encrypted LUKS volume, not a disk that can boot"),
    (0, b"\x7fELF", "is a program (ELF), not a disk image"),
    (0, b"%PDF", "is a PDF document, not a disk image"),
    (0, b"version https://git-lfs", "is a Git LFS pointer, not the file; fetch it first: git lfs pull"),
    (0, b"AccessDenied", "is an error message, not a disk image"),
    (0, b"<?xml", "is an XML document, not a disk image; a download may have returned an error page"),
];

const HTML: &str = "is an HTML page, not a disk image; a download may have returned an error page";

/// Says what the file is, where that is known.
pub(super) fn recognize(input: &mut Input, head: &[u8]) -> Result<Option<String>, Problem> {
    if let Some((.., what)) = KNOWN.iter().find(|(at, magic, _)| head[*at..].starts_with(magic)) {
        return Ok(Some((*what).to_owned()));
    }
    if is_html(head) {
        return Ok(Some(HTML.to_owned()));
    }
    // A DMG describes itself in its last sector.
    if input.bytes() >= 512 && input.at("last sector", input.bytes() - 512, 4)? == b"koly" {
        return Ok(Some("is a DMG image; convert it first: qemu-img convert -O raw".to_owned()));
    }
    Ok(None)
}

fn is_html(head: &[u8]) -> bool {
    let text = head[..256].trim_ascii_start().to_ascii_lowercase();
    text.starts_with(b"<!doctype") || text.starts_with(b"<html")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recognized(at: usize, content: &[u8]) -> Option<String> {
        let mut bytes = vec![0; 40_960];
        bytes[at..at + content.len()].copy_from_slice(content);
        let mut input = Input::of_bytes(bytes);
        let head = input.head().unwrap();
        recognize(&mut input, &head).unwrap()
    }

    #[test]
    fn every_known_kind_is_told_by_its_name() {
        for (at, magic, what) in KNOWN {
            assert_eq!(recognized(at, magic).as_deref(), Some(what));
        }
        assert_eq!(recognized(0, b"\n  <!DOCTYPE HTML>").as_deref(), Some(HTML));
        assert!(recognized(40_960 - 512, b"koly").unwrap().contains("DMG"));
        assert_eq!(recognized(510, b"\x55\xaa"), None);
    }
}
