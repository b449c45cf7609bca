//! VMDK (VMware's "Virtual Disk Format 5.0"). EC2 takes the stream-optimized variant alone
//! (<https://docs.aws.amazon.com/vm-import/latest/userguide/prerequisites.html>).

use std::collections::BTreeSet;

use super::input::{Input, Problem, le32, le64};
use super::{ImageFormat, Inspection};

const SECTOR: u64 = 512;
/// In the header of an image that was written as a stream: the grain directory stands at the end, where the footer says.
const AT_THE_END: u64 = u64::MAX;
/// Bits of the flags: grains are compressed; markers stand before them.
const STREAM_FLAGS: u32 = 0b11 << 16;
/// The disk of 64 TiB is EBS's largest; a header that says more is damaged, and its tables are not walked.
const MOST_SECTORS: u64 = (64 << 40) / SECTOR;
/// Tables of 512 grains of 64 KiB, as all have, are 2 Mi for such a disk. A sparse file costs nothing: one that says more would
/// fill the memory.
const MOST_TABLES: u64 = 4 << 20;

pub(super) fn is(head: &[u8]) -> bool {
    head.starts_with(b"KDMV") || head.starts_with(b"COWD") || head.starts_with(b"# Disk DescriptorFile")
}

pub(super) fn inspect(input: &mut Input, head: &[u8]) -> Result<Inspection, Problem> {
    if head.starts_with(b"KDMV") {
        sparse(input)
    } else if head.starts_with(b"COWD") {
        let virtual_bytes = u64::from(le32(head, 12)) * SECTOR;
        seen(input, "vmfsSparse".to_owned(), virtual_bytes)
    } else {
        let text = String::from_utf8_lossy(head);
        seen(input, create_type(&text), extents(&text))
    }
}

/// An extent that describes itself, which a stream-optimized image is.
fn sparse(input: &mut Input) -> Result<Inspection, Problem> {
    let header = Header::read(input, "header", 0)?;
    let text = match header.descriptor_bytes() {
        0 => String::new(),
        len => {
            let text = input.at("descriptor", header.descriptor.saturating_mul(SECTOR), len)?;
            String::from_utf8_lossy(&text).into_owned()
        }
    };
    if header.flags & STREAM_FLAGS == STREAM_FLAGS {
        check_grains(input, &header)?;
    }
    let variant = match create_type(&text) {
        told if told.is_empty() && header.flags & STREAM_FLAGS == STREAM_FLAGS => {
            "streamOptimized".to_owned()
        }
        told => told,
    };
    seen(input, variant, header.capacity * SECTOR)
}

fn seen(input: &Input, variant: String, virtual_bytes: u64) -> Result<Inspection, Problem> {
    if virtual_bytes == 0 {
        return Err(Problem::bad("is damaged: its header says that the disk has no bytes"));
    }
    let refusal = (variant != "streamOptimized").then(|| {
        let kind = if variant.is_empty() { "unknown" } else { &variant };
        format!("is a VMDK image of the kind {kind}, and EC2 imports streamOptimized ones alone")
    });
    let (format, bytes, warnings) = (ImageFormat::Vmdk, input.bytes(), Vec::new());
    Ok(Inspection { format, variant, bytes, virtual_bytes, refusal, warnings })
}

/// Sizes and offsets are in sectors.
struct Header {
    flags: u32,
    capacity: u64,
    grain: u64,
    descriptor: u64,
    descriptor_size: u64,
    entries_per_table: u32,
    directory: u64,
}

impl Header {
    fn read(input: &mut Input, what: &str, offset: u64) -> Result<Self, Problem> {
        let bytes = input.at(what, offset, 512)?;
        // A transfer as text changes these.
        if bytes[73..77] != *b"\n \r\n" {
            return Err(Problem::bad(
                "is damaged: it was transferred as text, and must be transferred as binary",
            ));
        }
        let header = Self {
            flags: le32(&bytes, 8),
            capacity: le64(&bytes, 12),
            grain: le64(&bytes, 20),
            descriptor: le64(&bytes, 28),
            descriptor_size: le64(&bytes, 36),
            entries_per_table: le32(&bytes, 44),
            directory: le64(&bytes, 56),
        };
        let grain_is_sound = header.grain.is_power_of_two() && (8..=1 << 20).contains(&header.grain);
        let table_is_sound = (1..=65_536).contains(&header.entries_per_table);
        if header.capacity > MOST_SECTORS || !grain_is_sound || !table_is_sound {
            return Err(Problem::bad(format!("is damaged: its {what} holds sizes that cannot be")));
        }
        Ok(header)
    }

    fn descriptor_bytes(&self) -> usize {
        // Descriptors have 20 sectors; a damaged size must not make us read gigabytes.
        usize::try_from(self.descriptor_size.min(256) * SECTOR).unwrap_or(0)
    }
}

/// Walks the tables: a file that was cut off lacks the grains that they point to.
fn check_grains(input: &mut Input, header: &Header) -> Result<(), Problem> {
    let footer;
    let header = if header.directory == AT_THE_END {
        footer = find_footer(input)?;
        &footer
    } else {
        header
    };
    let per_table = header.grain * u64::from(header.entries_per_table);
    let tables = header.capacity.div_ceil(per_table);
    if tables > MOST_TABLES {
        return Err(Problem::bad("is damaged: its header holds sizes that cannot be"));
    }
    let start = header.directory.saturating_mul(SECTOR);
    let directory = input.at("grain directory", start, tables as usize * 4)?;
    // Each once: a damaged directory may name one table a million times.
    let tables: BTreeSet<u32> = directory.chunks_exact(4).map(|entry| le32(entry, 0)).collect();
    let mut last = 0;
    for table in tables.into_iter().filter(|table| *table != 0) {
        let offset = u64::from(table) * SECTOR;
        let entries = input.at("grain table", offset, header.entries_per_table as usize * 4)?;
        last = entries.chunks_exact(4).map(|entry| le32(entry, 0)).fold(last, u32::max);
    }
    if last > 0 {
        // Its marker: the sector's number, then the size of the compressed grain.
        let offset = u64::from(last) * SECTOR;
        let marker = input.at("last grain", offset, 12)?;
        input.must_hold("last grain", offset, 12 + u64::from(le32(&marker, 8)))?;
    }
    Ok(())
}

/// The last three sectors are a marker, the footer, and the mark of the end, save for what pads the file.
fn find_footer(input: &mut Input) -> Result<Header, Problem> {
    let sectors = input.bytes() / SECTOR;
    let end = if sectors >= 4 { input.at("footer", (sectors - 2) * SECTOR, 1024)? } else { Vec::new() };
    if !end.starts_with(b"KDMV") || end[512..].iter().any(|byte| *byte != 0) {
        return Err(Problem::bad("is truncated: it has no footer at its end, where its tables are named"));
    }
    let footer = Header::read(input, "footer", (sectors - 2) * SECTOR)?;
    if footer.directory == AT_THE_END {
        return Err(Problem::bad("is damaged: its footer does not say where the tables are"));
    }
    Ok(footer)
}

fn create_type(text: &str) -> String {
    let line = text.lines().find_map(|line| line.trim().strip_prefix("createType="));
    line.map_or_else(String::new, |value| value.trim().trim_matches('"').to_owned())
}

/// The sectors of all extents: `RW 6144 FLAT "disk-flat.vmdk" 0`.
fn extents(text: &str) -> u64 {
    let sectors = text.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        matches!(words.next()?, "RW" | "RDONLY").then(|| words.next()?.parse::<u64>().ok())?
    });
    sectors.fold(0, u64::saturating_add).saturating_mul(SECTOR)
}
