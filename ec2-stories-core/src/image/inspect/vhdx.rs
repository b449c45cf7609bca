//! VHDX ([MS-VHDX](https://learn.microsoft.com/openspecs/windows_protocols/ms-vhdx)).

use super::input::{Input, Problem, le16, le32, le64};
use super::{ImageFormat, Inspection};

/// GUIDs, as they stand in the file.
const BLOCK_TABLE: [u8; 16] =
    guid(0x2dc2_7766, 0xf623, 0x4200, [0x9d, 0x64, 0x11, 0x5e, 0x9b, 0xfd, 0x4a, 0x08]);
const METADATA: [u8; 16] =
    guid(0x8b7c_a206, 0x4790, 0x4b9a, [0xb8, 0xfe, 0x57, 0x5f, 0x05, 0x0f, 0x88, 0x6e]);
const FILE_PARAMETERS: [u8; 16] =
    guid(0xcaa1_6737, 0xfa36, 0x4d43, [0xb3, 0xb6, 0x33, 0xf0, 0xaa, 0x44, 0xe7, 0x6b]);
const DISK_SIZE: [u8; 16] =
    guid(0x2fa5_4224, 0xcd1b, 0x4876, [0xb2, 0x11, 0x5d, 0xbe, 0xd8, 0x3b, 0xf4, 0xb8]);

const HEADERS: [u64; 2] = [64 << 10, 128 << 10];
const REGIONS: u64 = 192 << 10;
const MIB: u64 = 1 << 20;
/// Of a block that is in the file.
const PRESENT: u64 = 6;
/// More entries of a table than its 64 KiB hold.
const MOST_ENTRIES: usize = 2_047;
/// The format's limit, 64 TiB, in blocks of 1 MiB and with the bitmaps between them.
const MOST_TABLE_BYTES: u32 = 1 << 30;

const fn guid(a: u32, b: u16, c: u16, d: [u8; 8]) -> [u8; 16] {
    let (a, b, c) = (a.to_le_bytes(), b.to_le_bytes(), c.to_le_bytes());
    [a[0], a[1], a[2], a[3], b[0], b[1], c[0], c[1], d[0], d[1], d[2], d[3], d[4], d[5], d[6], d[7]]
}

pub(super) fn is(head: &[u8]) -> bool {
    head.starts_with(b"vhdxfile")
}

pub(super) fn inspect(input: &mut Input) -> Result<Inspection, Problem> {
    let clean = is_closed(input)?;
    let regions = input.at("region table", REGIONS, 64 << 10)?;
    let damaged = |what: &str| Problem::Bad(format!("is damaged: {what}"));
    if !regions.starts_with(b"regi") {
        return Err(damaged("it has no region table"));
    }
    let region = |id: &[u8; 16]| {
        let count = (le32(&regions, 8) as usize).min(MOST_ENTRIES);
        let entries = regions[16..].chunks_exact(32).take(count);
        entries.into_iter().find(|entry| entry[..16] == *id).map(|entry| (le64(entry, 16), le32(entry, 24)))
    };
    let (metadata_at, _) = region(&METADATA).ok_or_else(|| damaged("its metadata is not to be found"))?;
    let (blocks_at, blocks_len) =
        region(&BLOCK_TABLE).ok_or_else(|| damaged("its table of blocks is not to be found"))?;

    let metadata = input.at("metadata", metadata_at, 64 << 10)?;
    if !metadata.starts_with(b"metadata") {
        return Err(damaged("it has no metadata"));
    }
    let item = |id: &[u8; 16]| {
        let entries =
            metadata[32..].chunks_exact(32).take(usize::from(le16(&metadata, 10)).min(MOST_ENTRIES));
        let at = entries.into_iter().find(|entry| entry[..16] == *id).map(|entry| le32(entry, 16));
        at.and_then(|at| metadata_at.checked_add(at.into()))
    };
    let size_at = item(&DISK_SIZE).ok_or_else(|| damaged("it does not say how large the disk is"))?;
    let parameters_at =
        item(&FILE_PARAMETERS).ok_or_else(|| damaged("it does not say how large a block is"))?;
    let virtual_bytes = le64(&input.at("disk size", size_at, 8)?, 0);
    let parameters = input.at("file parameters", parameters_at, 8)?;
    let (block, flags) = (u64::from(le32(&parameters, 0)), le32(&parameters, 4));
    if virtual_bytes == 0 || !block.is_power_of_two() || block < MIB {
        return Err(damaged("it holds sizes that cannot be"));
    }
    if blocks_len > MOST_TABLE_BYTES {
        return Err(damaged("its table of blocks has a size that cannot be"));
    }
    check_blocks(input, blocks_at, blocks_len as usize, block)?;

    let (variant, refusal) = match flags & 0b11 {
        0b00 => ("dynamic", None),
        0b01 => ("fixed", None),
        _ => (
            "differencing",
            Some("is a VHDX image that needs another file, its parent; EC2 cannot import it"),
        ),
    };
    let dirty = "is a VHDX image that was not closed: it has a log to be replayed";
    Ok(Inspection {
        format: ImageFormat::Vhdx,
        variant: variant.to_owned(),
        bytes: input.bytes(),
        virtual_bytes,
        refusal: refusal.or((!clean).then_some(dirty)).map(ToOwned::to_owned),
        warnings: Vec::new(),
    })
}

/// The newer one of the two headers names a log where the file was not closed.
fn is_closed(input: &mut Input) -> Result<bool, Problem> {
    let mut newest = None;
    for at in HEADERS {
        let header = input.at("header", at, 4096)?;
        if header.starts_with(b"head") {
            newest = newest.max(Some((le64(&header, 8), header[48..64].iter().all(|byte| *byte == 0))));
        }
    }
    let missing = || Problem::bad("is damaged: it has no header");
    newest.map(|(_, closed)| closed).ok_or_else(missing)
}

/// As much of the table of blocks is read at once: it may be of a gibibyte.
const TABLE_PIECE: usize = 1 << 20;

fn check_blocks(input: &mut Input, at: u64, len: usize, block: u64) -> Result<(), Problem> {
    input.must_hold("table of blocks", at, len as u64)?;
    let mut last = None;
    for start in (0..len).step_by(TABLE_PIECE) {
        let piece = input.at("table of blocks", at + start as u64, TABLE_PIECE.min(len - start))?;
        let entries = piece.chunks_exact(8).map(|entry| le64(entry, 0));
        last = last.max(entries.filter(|entry| entry & 0b111 == PRESENT).map(|entry| entry >> 20).max());
    }
    match last {
        // An entry of the bitmaps between the blocks has 1 MiB; there are none without a parent.
        Some(last) => input.must_hold("last block", last.saturating_mul(MIB), block),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file with a table of so many bytes, whose last entry names a block.
    fn look_at(table: usize, last: u64) -> (Result<(), Problem>, usize) {
        let mut bytes = vec![0; table];
        bytes[table - 8..].copy_from_slice(&((last << 20) | PRESENT).to_le_bytes());
        let mut input = Input::of_bytes(bytes);
        let seen = check_blocks(&mut input, 0, table, MIB);
        (seen, input.most_read())
    }

    #[test]
    fn a_large_table_is_read_in_pieces_and_to_its_end() {
        let table = 3 * TABLE_PIECE + 64;
        let (seen, most) = look_at(table, 1 << 30);
        assert!(matches!(&seen, Err(Problem::Bad(why)) if why.contains("last block")), "{seen:?}");
        assert!(most <= TABLE_PIECE, "{most} bytes at once");
        assert!(look_at(table, 0).0.is_ok());
    }
}
