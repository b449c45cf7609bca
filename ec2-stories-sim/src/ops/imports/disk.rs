//! Whether an object is the disk that it was said to be, and how large that disk is.
//!
//! Sources: "Virtual Hard Disk Image Format Specification" (VHD), [MS-VHDX], "VMware Virtual Disk Format 5.0" (sparse
//! extents). Messages: VM Import/Export user guide, "Troubleshoot VM Import/Export".

use crate::objects::DiskImage;

const GIB: u64 = 1 << 30;
/// VM Import/Export user guide, "Image formats and limitations": 16 TiB.
const LARGEST: u64 = 16 << 40;

/// The size of the disk inside of `image`, in whole GiB.
///
/// # Errors
/// What the import task says as it fails.
pub(super) fn virtual_gib(format: &str, image: &DiskImage) -> Result<i32, String> {
    if image.bytes == 0 {
        return Err(failed("The disk image is empty"));
    }
    let bytes = match format {
        "VHD" => vhd(image)?,
        "VHDX" => vhdx(image)?,
        "VMDK" => vmdk(image)?,
        // Any content makes a raw disk: nothing tells that it is not one.
        _ => image.bytes,
    };
    if bytes == 0 || bytes > LARGEST {
        return Err(failed(&format!("Unsupported disk size: {bytes} bytes")));
    }
    i32::try_from(bytes.div_ceil(GIB)).map_err(|_| failed("Unsupported disk size"))
}

fn failed(why: &str) -> String {
    format!("ClientError: Disk validation failed [{why}]")
}

const UNKNOWN: &str = "ClientError: Unknown disk image format";

/// The footer is the last sector; a dynamic disk begins with a copy of it.
fn vhd(image: &DiskImage) -> Result<u64, String> {
    let last = &image.tail[image.tail.len().saturating_sub(512)..];
    if !last.starts_with(b"conectix") {
        let begun = image.head.starts_with(b"conectix");
        return Err(if begun { failed("Invalid VHD footer") } else { UNKNOWN.to_owned() });
    }
    // Current size, big endian, at 48; disk type at 60, where 4 is a difference to another disk.
    if last.get(60..64) == Some(&[0, 0, 0, 4]) {
        return Err(failed("Unsupported VHD: differencing disk"));
    }
    let size = last.get(48..56).and_then(|bytes| bytes.try_into().ok()).map(u64::from_be_bytes);
    size.ok_or_else(|| failed("Invalid VHD footer"))
}

/// A sparse extent's header; only stream-optimized ones can be imported.
fn vmdk(image: &DiskImage) -> Result<u64, String> {
    let head = &image.head;
    if !head.starts_with(b"KDMV") {
        let descriptor = head.starts_with(b"# Disk DescriptorFile");
        return Err(if descriptor { failed("Unsupported VMDK File Format") } else { UNKNOWN.to_owned() });
    }
    let flags = u32_at(head, 8).unwrap_or_default();
    // Bit 16: compressed grains; bit 17: markers between them.
    if flags & 0x3_0000 != 0x3_0000 {
        return Err(failed("Unsupported VMDK File Format"));
    }
    // Where the grain directory stands at the end, a second header precedes the last sector.
    if u64_at(head, 56) == Some(u64::MAX) && !image.tail.starts_with(b"KDMV") {
        return Err(failed("Incomplete VMDK: footer not found"));
    }
    if last_grain(head).is_some_and(|sector| u64::from(sector) * 512 >= image.bytes) {
        return Err(failed("Incomplete VMDK: grains are missing"));
    }
    u64_at(head, 12).and_then(|sectors| sectors.checked_mul(512)).ok_or_else(|| failed("Invalid VMDK header"))
}

/// The sector of the grain that stands last, by the tables that follow the header.
fn last_grain(head: &[u8]) -> Option<u32> {
    let (capacity, grain, directory) = (u64_at(head, 12)?, u64_at(head, 20)?, u64_at(head, 56)?);
    let per_table = u32_at(head, 44)?;
    let tables = capacity.div_ceil(grain.checked_mul(u64::from(per_table)).filter(|sectors| *sectors > 0)?);
    let sector = |at: u64, entry: u64| {
        u32_at(head, usize::try_from(at.checked_mul(512)?.checked_add(entry.checked_mul(4)?)?).ok()?)
    };
    // What lies beyond the head is not looked at.
    let tables = (0..tables).map_while(|table| sector(directory, table));
    let grains =
        tables.flat_map(|table| (0..u64::from(per_table)).map_while(move |g| sector(u64::from(table), g)));
    grains.max()
}

/// The region table at 192 KiB leads to the metadata table, and that to the disk's size.
fn vhdx(image: &DiskImage) -> Result<u64, String> {
    const METADATA_REGION: [u8; 16] = guid(0x8b7c_a206, 0x4790, 0x4b9a, *b"\xb8\xfe\x57\x5f\x05\x0f\x88\x6e");
    const VIRTUAL_SIZE: [u8; 16] = guid(0x2fa5_4224, 0xcd1b, 0x4876, *b"\xb2\x11\x5d\xbe\xd8\x3b\xf4\xb8");
    let head = &image.head;
    if !head.starts_with(b"vhdxfile") {
        return Err(UNKNOWN.to_owned());
    }
    let find = || {
        let regions = head.get(192 << 10..)?;
        let region = entry(regions, b"regi", 8, 16, METADATA_REGION)?;
        let table = head.get(usize::try_from(u64_at(region, 16)?).ok()?..)?;
        let item = entry(table, b"metadata", 10, 32, VIRTUAL_SIZE)?;
        u64_at(table, usize::try_from(u32_at(item, 16)?).ok()?)
    };
    find().ok_or_else(|| failed("Invalid VHDX metadata"))
}

/// Finds an item of 32 bytes by the identifier that it begins with; `count` is where their number stands.
fn entry<'a>(
    table: &'a [u8],
    signature: &[u8],
    count: usize,
    first: usize,
    id: [u8; 16],
) -> Option<&'a [u8]> {
    if !table.starts_with(signature) {
        return None;
    }
    let count = u16::from_le_bytes(table.get(count..count + 2)?.try_into().ok()?);
    table.get(first..)?.chunks_exact(32).take(usize::from(count)).find(|item| item[..16] == id)
}

/// An identifier as it is stored: the first three parts in little endian.
const fn guid(a: u32, b: u16, c: u16, d: [u8; 8]) -> [u8; 16] {
    let (a, b, c) = (a.to_le_bytes(), b.to_le_bytes(), c.to_le_bytes());
    [a[0], a[1], a[2], a[3], b[0], b[1], c[0], c[1], d[0], d[1], d[2], d[3], d[4], d[5], d[6], d[7]]
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at.checked_add(8)?)?.try_into().ok()?))
}
