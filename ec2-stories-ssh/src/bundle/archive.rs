//! An archive becomes a folder.

use std::cell::Cell;
use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use ec2_stories_core::{Error, Result};
use flate2::bufread::GzDecoder;

use super::manifest::MANIFEST;
use super::pack::unreadable;

/// Two empty blocks where a file's header would be end an archive (POSIX, pax); one that is cut between two files differs by nothing
/// else.
const BLOCK: usize = 512;

/// Unpacks a `.tar` or `.tar.gz` archive, and refuses what would leave the folder.
pub(super) fn unpack(source: &Path, into: &Path) -> Result<()> {
    let wrong = |message: String| Error::invalid("bundle", message);
    let unreadable = |error| unreadable(source, error);
    let mut file = BufReader::new(File::open(source).map_err(unreadable)?);
    let zipped = is_member(&mut file).map_err(unreadable)?;
    let stream: Box<dyn Read> = if zipped { Box::new(Members::of(file)) } else { Box::new(file) };
    let mut archive = tar::Archive::new(stream);
    archive.set_preserve_mtime(false);
    let begun = Cell::new(false);
    let broken = |error| {
        let what =
            if begun.get() { "is damaged" } else { "is neither a folder nor a .tar or .tar.gz archive" };
        wrong(format!("{} {what}", source.display())).because(error)
    };
    for entry in archive.entries().map_err(broken)? {
        let mut entry = entry.map_err(broken)?;
        begun.set(true);
        let path = entry.path().map_err(broken)?.into_owned();
        let kind = entry.header().entry_type();
        if !(kind.is_file() || kind.is_dir() || kind.is_symlink()) {
            let what = "a bundle has files, folders and symbolic links only";
            return Err(wrong(format!("{}: {what}", path.display())));
        }
        let stays = entry.unpack_in(into).map_err(|error| {
            wrong(format!("{}: {} cannot be unpacked", source.display(), path.display())).because(error)
        })?;
        if path.is_absolute() || !stays {
            return Err(wrong(format!("{}: leads out of the bundle", path.display())));
        }
    }
    // The library stops behind the first empty block, or where there is nothing more.
    let (mut rest, mut second) = (archive.into_inner(), Vec::new());
    rest.by_ref().take(BLOCK as u64).read_to_end(&mut second).map_err(broken)?;
    if second != [0; BLOCK] {
        return Err(wrong(format!("{} is damaged: it has no end", source.display())));
    }
    // Padding and the like follow; of what is compressed they are read, too: a checksum is at the end.
    io::copy(&mut rest, &mut io::sink()).map(drop).map_err(broken)
}

/// Archives are often made of a folder instead of its content.
pub(super) fn root(unpacked: &Path) -> Result<PathBuf> {
    let listed = fs::read_dir(unpacked).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    let listed = listed.map_err(|error| unreadable(unpacked, error))?;
    Ok(match &listed[..] {
        [only] if only.path().join(MANIFEST).is_file() => only.path(),
        _ => unpacked.to_owned(),
    })
}

/// What the members of a gzip file hold, one behind the other. What is behind the last and is no member, such as padding, is passed over,
/// as gzip does.
struct Members(Option<GzDecoder<BufReader<File>>>);

impl Members {
    fn of(file: BufReader<File>) -> Self {
        Self(Some(GzDecoder::new(file)))
    }
}

impl Read for Members {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.0 {
            let read = member.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            if !is_member(member.get_mut())? {
                break;
            }
            self.0 = self.0.take().map(|ended| GzDecoder::new(ended.into_inner()));
        }
        Ok(0)
    }
}

/// Whether a member of a gzip file begins here (RFC 1952, section 2.3.1).
fn is_member(file: &mut BufReader<File>) -> io::Result<bool> {
    let mut magic = Vec::new();
    let length = file.take(2).read_to_end(&mut magic)?;
    file.seek_relative(-(length as i64))?;
    Ok(magic == [0x1f, 0x8b])
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    enum What {
        File(&'static str, &'static [u8]),
        Link(&'static str, &'static str),
        HardLink(&'static str, &'static str),
    }

    /// Names as they are: the library itself would not write most of these.
    fn archive(entries: &[What]) -> Vec<u8> {
        let mut tar = tar::Builder::new(Vec::new());
        for entry in entries {
            let mut header = tar::Header::new_gnu();
            let (name, content, kind, target) = match entry {
                What::File(name, content) => (name, *content, tar::EntryType::Regular, ""),
                What::Link(name, target) => (name, &b""[..], tar::EntryType::Symlink, *target),
                What::HardLink(name, target) => (name, &b""[..], tar::EntryType::Link, *target),
            };
            let gnu = header.as_gnu_mut().unwrap();
            gnu.name[..name.len()].copy_from_slice(name.as_bytes());
            gnu.linkname[..target.len()].copy_from_slice(target.as_bytes());
            header.set_entry_type(kind);
            header.set_mode(0o644);
            header.set_size(content.len() as u64);
            header.set_cksum();
            tar.append(&header, content).unwrap();
        }
        tar.into_inner().unwrap()
    }

    fn zipped(bytes: &[u8]) -> Vec<u8> {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::none());
        gzip.write_all(bytes).unwrap();
        gzip.finish().unwrap()
    }

    /// Unpacks it into a folder, beside which there must be nothing afterwards.
    fn unpacked(bytes: &[u8]) -> Result<usize> {
        let place = tempfile::tempdir().unwrap();
        let (source, into) = (place.path().join("shop.tar"), place.path().join("in/to"));
        fs::write(&source, bytes).unwrap();
        fs::create_dir_all(&into).unwrap();
        let outcome = unpack(&source, &into);
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 2);
        assert_eq!(fs::read_dir(place.path().join("in")).unwrap().count(), 1);
        outcome.map(|()| fs::read_dir(into).unwrap().count())
    }

    #[test]
    fn what_would_leave_the_folder_is_refused() {
        use What::{File, HardLink, Link};
        let outside = tempfile::tempdir().unwrap();
        let there: &'static str = outside.path().to_str().unwrap().to_owned().leak();
        let inner: &'static str = format!("{there}/file").leak();
        for entries in [
            &[File("../out", b"x")][..],
            &[File("sub/../../out", b"x")],
            &[File(inner, b"x")],
            &[Link("up", ".."), File("up/out", b"x")],
            &[Link("there", there), File("there/file", b"x")],
            &[HardLink("passwd", "/etc/passwd")],
        ] {
            let said = unpacked(&archive(entries)).unwrap_err().to_string();
            let known =
                ["leads out of the bundle", "cannot be unpacked", "files, folders and symbolic links only"];
            assert!(known.iter().any(|words| said.contains(words)), "{said}");
            assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
        }
        assert_eq!(unpacked(&archive(&[File("./a", b"x"), Link("b", "a")])).unwrap(), 2);
    }

    #[test]
    fn empty_content_is_no_end() {
        let zeros: &'static [u8] = &[0; 4096];
        let whole = archive(&[What::File("run", b"x"), What::File("zeros", zeros), What::File("last", b"y")]);
        assert_eq!(unpacked(&whole).unwrap(), 3);
        let last = whole.len() - 1024 - 1024;
        for cut in [whole[..last].to_vec(), zipped(&whole[..last])] {
            let said = unpacked(&cut).unwrap_err().to_string();
            assert!(said.contains("is damaged: it has no end"), "{said}");
        }
        // One empty block is not an end, whatever is behind it.
        let one = [&whole[..last + 512 + 512 + 512], b"more".as_slice()].concat();
        assert!(unpacked(&one).unwrap_err().to_string().contains("has no end"));
    }

    #[test]
    fn what_is_behind_the_end_is_passed_over() {
        let whole = archive(&[What::File("a", b"x"), What::File("b", b"y")]);
        for behind in [&[0; 8000][..], &[0; 7], b"more", &[0x1f], &[[0; 3].as_slice(), b"more"].concat()] {
            assert_eq!(unpacked(&[&whole[..], behind].concat()).unwrap(), 2, "{behind:?}");
            assert_eq!(unpacked(&[&zipped(&whole)[..], behind].concat()).unwrap(), 2, "zipped, {behind:?}");
        }
        // As tools write it that compress with several threads.
        let (head, tail) = whole.split_at(700);
        let members = [zipped(head), zipped(tail)].concat();
        assert_eq!(unpacked(&members).unwrap(), 2);
        assert!(unpacked(&zipped(head)).is_err());
        assert!(unpacked(&members[..members.len() - 1]).is_err());
    }

    #[test]
    fn damage_is_said_wherever_it_is() {
        let content: &'static [u8] = vec![b'x'; 3000].leak();
        let whole = archive(&[What::File("a", content), What::File("b", b"y")]);
        assert_eq!(unpacked(&whole).unwrap(), 2);
        let packed = zipped(&whole);
        assert_eq!(unpacked(&packed).unwrap(), 2);
        // In a header, within a file, between two files, behind the last, within the end.
        for length in [100, 2000, 512 + 3072, whole.len() - 1024, whole.len() - 1000] {
            let error = unpacked(&whole[..length]).unwrap_err();
            let said = error.chain();
            let known = ["shop.tar is damaged", "shop.tar is neither", "a cannot be unpacked"];
            assert!(known.iter().any(|words| said.contains(words)), "{length}: {said}");
        }
        for length in 3..packed.len() {
            assert!(unpacked(&packed[..length]).is_err(), "{length}");
        }
        // Nothing but the checksum tells: a byte of a file's content.
        let mut flipped = packed;
        flipped[2000] ^= 1;
        let error = unpacked(&flipped).unwrap_err();
        assert!(error.to_string().contains("is damaged"), "{error}");
        assert!(unpacked(b"no archive").unwrap_err().to_string().contains("neither a folder nor"));
        assert!(unpacked(b"").is_err());
    }
}
