//! VMDK, VHD, VHDX and qcow2 as qemu-img makes them.

use std::fs;

use ec2_stories_core::image::{ImageFormat, ImageSource, inspect};

use super::disk::{BYTES, Disk, MIB};
use super::refused;

#[test]
fn formats_that_ec2_takes_are_taken_with_the_size_of_the_disk() {
    let disk = Disk::new();
    let cases = [
        ("vmdk", "vmdk", "subformat=streamOptimized", ImageFormat::Vmdk, "streamOptimized"),
        ("vpc", "vhd", "subformat=dynamic,force_size=on", ImageFormat::Vhd, "dynamic"),
        ("vpc", "vhd", "subformat=fixed,force_size=on", ImageFormat::Vhd, "fixed"),
        ("vhdx", "vhdx", "subformat=dynamic", ImageFormat::Vhdx, "dynamic"),
        ("vhdx", "vhdx", "subformat=fixed", ImageFormat::Vhdx, "fixed"),
    ];
    for (qemu, extension, options, format, variant) in cases {
        let path = disk.convert(qemu, extension, options);
        let source = ImageSource::open(&path).unwrap_or_else(|error| panic!("{options}: {error}"));
        assert_eq!((source.format(), source.virtual_bytes()), (format, BYTES as u64), "{options}");
        assert_eq!(source.bytes(), fs::metadata(&path).unwrap().len());
        assert_eq!(inspect(&path).unwrap().variant, variant);
        assert_eq!(source.warnings(), [] as [String; 0]);
    }
}

#[test]
fn a_vhd_without_a_forced_size_has_the_size_of_its_geometry() {
    let disk = Disk::new();
    for options in ["subformat=dynamic", "subformat=fixed"] {
        let source = ImageSource::open(disk.convert("vpc", "vhd", options)).unwrap();
        let size = source.virtual_bytes();
        assert!((BYTES as u64..BYTES as u64 + MIB as u64).contains(&size), "{options}: {size}");
    }
}

#[test]
fn a_vmdk_that_is_no_stream_is_refused_with_the_command_that_converts_it() {
    let disk = Disk::new();
    for kind in ["monolithicSparse", "monolithicFlat", "twoGbMaxExtentSparse", "twoGbMaxExtentFlat"] {
        let path = disk.convert("vmdk", "vmdk", &format!("subformat={kind}"));
        let seen = inspect(&path).unwrap();
        assert_eq!((seen.variant.as_str(), seen.virtual_bytes), (kind, BYTES as u64));
        let why = refused(&path);
        assert!(why.contains(kind), "{why}");
        assert!(why.contains("qemu-img convert -O vmdk -o subformat=streamOptimized"), "{why}");
    }
}

#[test]
fn the_command_of_a_refusal_makes_an_image_that_is_taken() {
    let disk = Disk::new();
    let sparse = disk.convert("vmdk", "vmdk", "subformat=monolithicSparse");
    for path in [sparse, disk.convert("qcow2", "qcow2", "")] {
        let why = refused(&path);
        let (_, command) = why.split_once("convert it: ").expect("a command");
        let run = std::process::Command::new("sh").args(["-c", command]).status().unwrap();
        assert!(run.success(), "{command}");
        let made = command.rsplit('\'').nth(1).unwrap();
        assert_eq!(ImageSource::open(made).unwrap().virtual_bytes(), BYTES as u64, "{command}");
    }
}

#[test]
fn a_qcow2_is_inspected_and_refused() {
    let disk = Disk::new();
    let path = disk.convert("qcow2", "qcow2", "");
    let seen = inspect(&path).unwrap();
    assert_eq!((seen.format, seen.virtual_bytes), (ImageFormat::Qcow2, BYTES as u64));
    assert!(refused(&path).contains("qcow2 image, which EC2 cannot import"));
}

#[test]
fn a_file_that_was_cut_off_is_told_at_every_length() {
    let disk = Disk::new();
    let cases = [
        ("vmdk", "vmdk", "subformat=streamOptimized"),
        ("vpc", "vhd", "subformat=dynamic,force_size=on"),
        ("vpc", "vhd", "subformat=fixed,force_size=on"),
        ("vhdx", "vhdx", "subformat=dynamic"),
        ("qcow2", "qcow2", ""),
    ];
    for (qemu, extension, options) in cases {
        let whole = disk.convert(qemu, extension, options);
        let bytes = fs::read(&whole).unwrap();
        // What follows the last byte that means something may be missing.
        let end = bytes.iter().rposition(|byte| *byte != 0).unwrap();
        let cuts = [16, 100, 512, 4096, 70_000, end / 2, end.saturating_sub(70_000)];
        for cut in cuts.into_iter().filter(|cut| *cut < end) {
            let path = disk.changed(&whole, |bytes| bytes.truncate(cut));
            let why = refused(&path);
            let told =
                ["truncated", "damaged", "misnamed", "convert it"].iter().any(|word| why.contains(word));
            assert!(told, "{options} {extension} of {cut} bytes: {why}");
        }
    }
}

#[test]
fn damage_is_named() {
    let disk = Disk::new();
    let cases: [(&str, &str, &str, usize, &str); 5] = [
        ("vmdk", "vmdk", "subformat=streamOptimized", 73, "transferred as text"),
        ("vmdk", "vmdk", "subformat=streamOptimized", 19, "sizes that cannot be"),
        ("vpc", "vhd", "subformat=dynamic,force_size=on", BYTES, "checksum of its footer"),
        ("vpc", "vhd", "subformat=dynamic,force_size=on", 512 + 60, "checksum of its dynamic header"),
        ("vhdx", "vhdx", "subformat=dynamic", 192 << 10, "no region table"),
    ];
    for (qemu, extension, options, at, expected) in cases {
        let whole = disk.convert(qemu, extension, options);
        let path = disk.changed(&whole, |bytes| {
            let at = if at == BYTES { bytes.len() - 512 + 50 } else { at };
            bytes[at] ^= 0xff;
        });
        let why = refused(&path);
        assert!(why.contains(expected), "{options} at {at}: {why}");
    }
}

#[test]
fn a_stream_with_its_tables_at_the_end_is_walked_from_the_footer() {
    let disk = Disk::new();
    let whole = disk.convert("vmdk", "vmdk", "subformat=streamOptimized");
    // What VMware writes: the header says that the tables are at the end, the footer where.
    let streamed = disk.changed(&whole, |bytes| {
        let mut footer = bytes[..512].to_vec();
        let tables = u64::from_le_bytes(footer[56..64].try_into().unwrap());
        bytes[56..64].copy_from_slice(&u64::MAX.to_le_bytes());
        footer[56..64].copy_from_slice(&tables.to_le_bytes());
        bytes.extend([0; 512]);
        bytes.extend(footer);
        bytes.extend([0; 512]);
    });
    assert_eq!(ImageSource::open(&streamed).unwrap().virtual_bytes(), BYTES as u64);
    let cut = disk.changed(&streamed, |bytes| bytes.truncate(bytes.len() - 1024));
    assert!(refused(&cut).contains("no footer"), "{}", refused(&cut));
}
