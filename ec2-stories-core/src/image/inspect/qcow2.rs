//! QEMU's qcow2 (<https://www.qemu.org/docs/master/interop/qcow2.html>).

use super::input::{Input, Problem, be32, be64};
use super::{ImageFormat, Inspection};

pub(super) fn is(head: &[u8]) -> bool {
    head.starts_with(b"QFI\xfb")
}

pub(super) fn inspect(input: &mut Input) -> Result<Inspection, Problem> {
    let header = input.at("header", 0, 72)?;
    let version = be32(&header, 4);
    let virtual_bytes = be64(&header, 24);
    if virtual_bytes == 0 {
        return Err(Problem::bad("is damaged: its header says that the disk has no bytes"));
    }
    input.must_hold("table of clusters", be64(&header, 40), u64::from(be32(&header, 36)) * 8)?;
    let refusal = if be64(&header, 8) == 0 {
        "is a qcow2 image, which EC2 cannot import"
    } else {
        "is a qcow2 image that needs another file, its backing file, and EC2 cannot import qcow2"
    };
    Ok(Inspection {
        format: ImageFormat::Qcow2,
        variant: format!("version {version}"),
        bytes: input.bytes(),
        virtual_bytes,
        refusal: Some(refusal.to_owned()),
        warnings: Vec::new(),
    })
}
