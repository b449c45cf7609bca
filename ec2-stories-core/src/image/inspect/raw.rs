//! The disk's own bytes. Nothing marks a raw image but that it is one, so what it holds is looked at.

use super::input::{Input, Problem};
use super::partitions::{self, Table};
use super::{ImageFormat, Inspection};

const SECTOR: u64 = 512;

pub(super) fn inspect(input: &mut Input, head: &[u8]) -> Result<Inspection, Problem> {
    let bytes = input.bytes();
    if !bytes.is_multiple_of(SECTOR) {
        let over = bytes % SECTOR;
        let why = format!(
            "is no raw disk image, or a truncated one: {bytes} bytes are {over} more than whole sectors of {SECTOR}"
        );
        return Err(Problem::Bad(why));
    }
    let mut warnings = Vec::new();
    let variant = match partitions::read(input, head)? {
        Table::Gpt { warning } => {
            warnings.extend(warning);
            "gpt"
        }
        Table::Mbr => "mbr",
        Table::None { why } => {
            warnings.push(why);
            ""
        }
    };
    Ok(Inspection {
        format: ImageFormat::Raw,
        variant: variant.to_owned(),
        bytes,
        virtual_bytes: bytes,
        refusal: None,
        warnings,
    })
}
