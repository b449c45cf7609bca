//! The partition table of a raw disk: where it tells of more than is there, the file was cut off.

use flate2::Crc;

use super::input::{Input, Problem, le32, le64};

const SECTOR: u64 = 512;
const GPT: &[u8] = b"EFI PART";
/// In an MBR: the disk has a GPT.
const PROTECTIVE: u8 = 0xee;
/// The specification's least; other sizes are rare, and the entries' use of these bytes is the same.
const MOST_ENTRIES: u32 = 1_024;

/// What a disk is divided by.
pub(super) enum Table {
    Gpt { warning: Option<String> },
    Mbr,
    None { why: String },
}

pub(super) fn read(input: &mut Input, head: &[u8]) -> Result<Table, Problem> {
    if head[512..].starts_with(GPT) && input.bytes() >= 2 * SECTOR {
        return gpt(input, &head[512..1024]);
    }
    if head[4096..].starts_with(GPT) {
        let why =
            "its partition table is for sectors of 4,096 bytes, and EC2's disks have 512: it will not boot";
        return Ok(Table::None { why: why.to_owned() });
    }
    if head[510..512] != [0x55, 0xaa] {
        return Ok(Table::None { why: without_table(head) });
    }
    let entries: Vec<&[u8]> = head[446..510].chunks_exact(16).filter(|entry| entry[4] != 0).collect();
    if entries.iter().any(|entry| entry[4] == PROTECTIVE) {
        return Err(Problem::bad("is damaged: its MBR tells of a GPT that is not there"));
    }
    for (index, entry) in entries.iter().enumerate() {
        let end = u64::from(le32(entry, 8)) + u64::from(le32(entry, 12));
        must_end_within(input, index + 1, end)?;
    }
    if entries.is_empty() {
        // A boot sector of a file system looks the same.
        return Ok(Table::None { why: without_table(head) });
    }
    Ok(Table::Mbr)
}

fn gpt(input: &mut Input, header: &[u8]) -> Result<Table, Problem> {
    let size = (le32(header, 12) as usize).clamp(92, 512);
    let mut crc = Crc::new();
    crc.update(&header[..16]);
    crc.update(&[0; 4]);
    crc.update(&header[20..size]);
    if crc.sum() != le32(header, 16) {
        let warning = "the checksum of its partition table (GPT) is wrong: it may not boot".to_owned();
        return Ok(Table::Gpt { warning: Some(warning) });
    }
    let (entries_at, count, size) = (le64(header, 72), le32(header, 80), le32(header, 84));
    if count > MOST_ENTRIES || !(128..=4096).contains(&size) {
        return Err(Problem::bad("is damaged: its partition table (GPT) holds sizes that cannot be"));
    }
    let len = count as usize * size as usize;
    let entries = input.at("partition table", entries_at.saturating_mul(SECTOR), len)?;
    for (index, entry) in entries.chunks_exact(size as usize).enumerate() {
        if entry[..16] != [0; 16] {
            must_end_within(input, index + 1, le64(entry, 40).saturating_add(1))?;
        }
    }
    let backup_is_there = le64(header, 32) < input.bytes() / SECTOR;
    let warning = "the copy of its partition table (GPT) lies past the end: the file may be truncated";
    Ok(Table::Gpt { warning: (!backup_is_there).then(|| warning.to_owned()) })
}

fn must_end_within(input: &Input, partition: usize, end: u64) -> Result<(), Problem> {
    input.must_hold(&format!("partition {partition}"), 0, end.saturating_mul(SECTOR))
}

fn without_table(head: &[u8]) -> String {
    // The magic number of ext2, 3 and 4; the superblock is at byte 1,024.
    let kind = if head[1080..1082] == [0x53, 0xef] {
        "an ext file system"
    } else if head.starts_with(b"XFSB") {
        "an XFS file system"
    } else {
        return "it has no partition table: it will not boot".to_owned();
    };
    format!("it is {kind} without a partition table: a volume can hold it, but it will not boot")
}
