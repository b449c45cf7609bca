//! Raw disks, and files that are none.

use std::fs;

use ec2_stories_core::ErrorKind;
use ec2_stories_core::image::{ImageFormat, ImageSource, inspect};

use super::disk::{BYTES, Disk, set_mbr};
use super::refused;

#[test]
fn a_disk_with_a_partition_table_is_taken_without_a_warning() {
    let disk = Disk::new();
    let source = ImageSource::open(&disk.raw).unwrap();
    assert_eq!((source.format(), source.bytes()), (ImageFormat::Raw, BYTES as u64));
    assert_eq!(source.virtual_bytes(), BYTES as u64);
    assert_eq!(source.warnings(), [] as [String; 0]);
    assert_eq!(inspect(&disk.raw).unwrap().variant, "mbr");
}

#[test]
fn a_partition_that_ends_past_the_file_means_that_the_file_was_cut_off() {
    let disk = Disk::new();
    let cut = disk.changed(&disk.raw, |bytes| bytes.truncate(BYTES - 512));
    assert!(refused(&cut).contains("is truncated: its partition 1 would end at byte 8388608"));
    let odd = disk.changed(&disk.raw, |bytes| bytes.truncate(BYTES - 5));
    assert!(refused(&odd).contains("more than whole sectors"));
}

#[test]
fn what_will_not_boot_is_a_warning() {
    let disk = Disk::new();
    let warnings = |change: &dyn Fn(&mut Vec<u8>)| {
        let path = disk.changed(&disk.raw, |bytes| change(bytes));
        ImageSource::open(path).unwrap().warnings().join("; ")
    };
    assert!(warnings(&|bytes| bytes.fill(0)).contains("no partition table"));
    assert!(warnings(&|bytes| bytes[446..512].fill(0)).contains("no partition table"));
    let ext = |bytes: &mut Vec<u8>| {
        bytes[..512].fill(0);
        bytes[1080..1082].copy_from_slice(&[0x53, 0xef]);
    };
    assert!(warnings(&ext).contains("ext file system without a partition table"));
    let sectors_of_4096 = |bytes: &mut Vec<u8>| bytes[4096..4104].copy_from_slice(b"EFI PART");
    assert!(warnings(&sectors_of_4096).contains("4,096"));
}

/// A GPT with one entry, from sector 34 to `last`, whose copy is in the file's last sector.
fn set_gpt(bytes: &mut [u8], last: u64) {
    set_mbr(bytes, 0xee, 1, u32::MAX);
    let (header, entry) = (512, 1024);
    bytes[header..header + 8].copy_from_slice(b"EFI PART");
    bytes[header + 12..header + 16].copy_from_slice(&92_u32.to_le_bytes());
    let backup = BYTES as u64 / 512 - 1;
    bytes[header + 32..header + 40].copy_from_slice(&backup.to_le_bytes());
    bytes[header + 72..header + 80].copy_from_slice(&2_u64.to_le_bytes());
    bytes[header + 80..header + 84].copy_from_slice(&128_u32.to_le_bytes());
    bytes[header + 84..header + 88].copy_from_slice(&128_u32.to_le_bytes());
    bytes[entry..entry + 16].fill(7);
    bytes[entry + 40..entry + 48].copy_from_slice(&last.to_le_bytes());
    let mut crc = flate2::Crc::new();
    crc.update(&bytes[header..header + 92]);
    let sum = crc.sum();
    bytes[header + 16..header + 20].copy_from_slice(&sum.to_le_bytes());
}

#[test]
fn a_gpt_is_read() {
    let disk = Disk::new();
    let last = BYTES as u64 / 512 - 34;
    let good = disk.changed(&disk.raw, |bytes| set_gpt(bytes, last));
    assert_eq!(ImageSource::open(&good).unwrap().warnings(), [] as [String; 0]);
    assert_eq!(inspect(&good).unwrap().variant, "gpt");
    let warning = |change: &dyn Fn(&mut Vec<u8>)| {
        let path = disk.changed(&disk.raw, |bytes| {
            set_gpt(bytes, last);
            change(bytes);
        });
        ImageSource::open(path).unwrap().warnings().join("; ")
    };
    assert!(warning(&|bytes| bytes[512 + 50] ^= 1).contains("checksum"));
    assert!(warning(&|bytes| bytes.truncate(BYTES - 512)).contains("may be truncated"));
    let cut = disk.changed(&disk.raw, |bytes| {
        set_gpt(bytes, last);
        bytes.truncate(BYTES / 2);
    });
    assert!(refused(&cut).contains("is truncated: its partition 1"), "{}", refused(&cut));
    let lost = disk.changed(&disk.raw, |bytes| {
        set_gpt(bytes, last);
        bytes[512..1024].fill(0);
    });
    assert!(refused(&lost).contains("GPT that is not there"), "{}", refused(&lost));
}

#[test]
fn files_that_are_no_disk_are_refused_by_their_name() {
    let disk = Disk::new();
    let file = |name: &str, content: &[u8]| {
        let path = disk.path(name);
        fs::write(&path, content).unwrap();
        refused(&path)
    };
    assert!(file("web.raw.gz", b"\x1f\x8b\x08\0some").contains("gzip -d"));
    assert!(file("web.raw", b"<!DOCTYPE html><title>404</title>").contains("HTML page"));
    assert!(file("web.raw", b"").contains("is empty"));
    assert!(file("web.raw", &vec![7; 1000]).contains("more than whole sectors"));
    assert!(file("web.vmdk", &vec![0; 1024]).contains("is named .vmdk, but is no vmdk image"));
    let mut iso = vec![0; 40_960];
    iso[32_769..32_774].copy_from_slice(b"CD001");
    assert!(file("debian.iso", &iso).contains("ISO 9660"));
}

#[test]
fn a_file_that_cannot_be_read_is_io_and_a_folder_is_refused() {
    let disk = Disk::new();
    let error = ImageSource::open(disk.path("none.raw")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(error.to_string().contains("none.raw"), "{error}");
    assert!(refused(disk.path("x").parent().unwrap()).contains("not a regular file"));
}

/// A sparse file that says that its directory has a GiB: it is refused before that is read.
#[test]
fn a_header_cannot_make_us_read_more_than_any_disk_needs() {
    let disk = Disk::new();
    let mut header = vec![0; 512];
    header[..4].copy_from_slice(b"KDMV");
    header[8..12].copy_from_slice(&(0b11_u32 << 16).to_le_bytes());
    header[12..20].copy_from_slice(&(1_u64 << 31).to_le_bytes());
    header[20..28].copy_from_slice(&8_u64.to_le_bytes());
    header[44..48].copy_from_slice(&1_u32.to_le_bytes());
    header[56..64].copy_from_slice(&1_u64.to_le_bytes());
    header[73..77].copy_from_slice(b"\n \r\n");
    let path = disk.path("web.vmdk");
    fs::write(&path, header).unwrap();
    fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(2 << 30).unwrap();
    assert!(refused(&path).contains("sizes that cannot be"), "{}", refused(&path));
}
