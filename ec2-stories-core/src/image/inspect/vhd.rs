//! VHD (Microsoft's "Virtual Hard Disk Image Format Specification", version 1.0). Its footer is the last sector.

use super::input::{Input, Problem, be32, be64};
use super::{ImageFormat, Inspection};

const COOKIE: &[u8] = b"conectix";
const SECTOR: u64 = 512;
const FIXED: u32 = 2;
const DYNAMIC: u32 = 3;
const DIFFERENCING: u32 = 4;
/// In the table of blocks: not there, so all zeros.
const ABSENT: u32 = u32::MAX;
/// A dynamic disk has at most 2,040 GiB in blocks of at least 512 KiB.
const MOST_BLOCKS: u32 = 4 * 1024 * 1024;

/// A dynamic disk has a copy of the footer at its beginning too.
pub(super) fn is(input: &mut Input, head: &[u8]) -> Result<bool, Problem> {
    Ok(head.starts_with(COOKIE) || footer(input)?.is_some())
}

pub(super) fn inspect(input: &mut Input) -> Result<Inspection, Problem> {
    let Some(footer) = footer(input)? else {
        return Err(Problem::bad("is truncated: it begins as a VHD image, and has no footer at its end"));
    };
    check_sum("footer", &footer, 64)?;
    let virtual_bytes = be64(&footer, 48);
    if virtual_bytes == 0 {
        return Err(Problem::bad("is damaged: its footer says that the disk has no bytes"));
    }
    let (variant, refusal) = match be32(&footer, 60) {
        FIXED => {
            check_fixed(input.bytes(), virtual_bytes)?;
            ("fixed", None)
        }
        DYNAMIC => {
            check_blocks(input, be64(&footer, 16), virtual_bytes)?;
            ("dynamic", None)
        }
        DIFFERENCING => {
            ("differencing", Some("is a VHD image that needs another file, its parent; EC2 cannot import it"))
        }
        kind => {
            return Err(Problem::Bad(format!("is damaged: its footer tells of a disk of the kind {kind}")));
        }
    };
    Ok(Inspection {
        format: ImageFormat::Vhd,
        variant: variant.to_owned(),
        bytes: input.bytes(),
        virtual_bytes,
        refusal: refusal.map(ToOwned::to_owned),
        warnings: Vec::new(),
    })
}

fn footer(input: &mut Input) -> Result<Option<Vec<u8>>, Problem> {
    if input.bytes() < SECTOR {
        return Ok(None);
    }
    let last = input.at("footer", input.bytes() - SECTOR, 512)?;
    Ok(last.starts_with(COOKIE).then_some(last))
}

fn check_fixed(bytes: u64, virtual_bytes: u64) -> Result<(), Problem> {
    if virtual_bytes.checked_add(SECTOR) == Some(bytes) {
        return Ok(());
    }
    let disk = bytes - SECTOR;
    let why =
        format!("is damaged: its footer tells of a disk of {virtual_bytes} bytes, and {disk} are there");
    Err(Problem::Bad(why))
}

/// The one's complement of the sum of all bytes but its own.
fn check_sum(what: &str, bytes: &[u8], at: usize) -> Result<(), Problem> {
    let summed = bytes.iter().enumerate().filter(|(index, _)| !(at..at + 4).contains(index));
    let sum = !summed.fold(0_u32, |sum, (_, byte)| sum.wrapping_add(u32::from(*byte)));
    if sum == be32(bytes, at) {
        return Ok(());
    }
    Err(Problem::Bad(format!("is damaged: the checksum of its {what} is wrong")))
}

/// Walks the table of blocks: each must be in the file, before the footer.
fn check_blocks(input: &mut Input, header_at: u64, virtual_bytes: u64) -> Result<(), Problem> {
    let header = input.at("dynamic header", header_at, 1024)?;
    if !header.starts_with(b"cxsparse") {
        return Err(Problem::bad("is damaged: its footer does not lead to a dynamic header"));
    }
    check_sum("dynamic header", &header, 36)?;
    let (table_at, blocks, block) = (be64(&header, 16), be32(&header, 28), be32(&header, 32));
    let covered = u64::from(blocks) * u64::from(block);
    if blocks > MOST_BLOCKS || !block.is_power_of_two() || block < 4096 || covered < virtual_bytes {
        return Err(Problem::bad("is damaged: its dynamic header holds sizes that cannot be"));
    }
    let table = input.at("table of blocks", table_at, blocks as usize * 4)?;
    let present = table.chunks_exact(4).map(|entry| be32(entry, 0)).filter(|block| *block != ABSENT);
    let Some(last) = present.max() else { return Ok(()) };
    let bitmap = (u64::from(block) / SECTOR / 8).next_multiple_of(SECTOR);
    input.must_hold("last block and footer", u64::from(last) * SECTOR, bitmap + u64::from(block) + SECTOR)
}
