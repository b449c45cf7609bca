//! A folder or an archive becomes one stream, the same for the same content.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use ec2_stories_core::{Error, ErrorKind, Result};
use flate2::Compression;
use flate2::write::GzEncoder;
use glob::{MatchOptions, Pattern};
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

use super::archive::{root, unpack};
use super::manifest::{MANIFEST, Manifest};
use crate::links::stays_within;

/// The folder of a release that is ours.
pub(super) const OWN: &str = ".ec2-stories";
/// A manifest is written by people.
const LARGEST_MANIFEST: u64 = 1024 * 1024;
/// `*` stays within a folder, and `**` does not.
const MATCH: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: false,
};

/// A bundle's content, packed.
#[derive(Debug)]
pub(super) struct Pack {
    pub(super) manifest: Manifest,
    /// The text of the bundle's own unit.
    pub(super) unit: Option<String>,
    /// The hash of the content: of names, modes, bytes, and nothing else.
    pub(super) id: String,
    /// The hash of the packed stream so far.
    pub(super) sum: Sha256,
    stream: NamedTempFile,
}

enum Entry {
    File { path: PathBuf, size: u64, mode: u32 },
    Link(PathBuf),
    Folder,
}

impl Pack {
    /// Reads a folder, or a `.tar` or `.tar.gz` archive.
    pub(super) fn open(source: &Path) -> Result<Self> {
        let on = |error: Error| error.on(source.display().to_string());
        let found = fs::metadata(source).map_err(|error| unreadable(source, error))?;
        if found.is_dir() {
            return Self::of_folder(source).map_err(on);
        }
        let unpacked = tempfile::tempdir().map_err(|error| unreadable(source, error))?;
        unpack(source, unpacked.path()).map_err(on)?;
        Self::of_folder(&root(unpacked.path())?).map_err(on)
    }

    fn of_folder(folder: &Path) -> Result<Self> {
        let path = folder.join(MANIFEST);
        let size = fs::metadata(&path).map_err(no_manifest)?.len();
        if size > LARGEST_MANIFEST {
            return Err(Error::invalid(MANIFEST, "is too large to be one"));
        }
        let text = fs::read_to_string(&path).map_err(|error| unreadable(&path, error))?;
        let manifest = Manifest::parse(&text)?;
        let entries = collect(folder, &manifest)?;
        let has =
            |name: &String| matches!(entries.get(name.trim_start_matches("./")), Some(Entry::File { .. }));
        let unit = match &manifest.unit {
            None => None,
            Some(name) if !has(name) => {
                return Err(Error::invalid(
                    format!("{MANIFEST}: unit"),
                    format!("{name:?} is not among the bundle's files"),
                ));
            }
            Some(name) => {
                let path = folder.join(name);
                Some(fs::read_to_string(&path).map_err(|error| unreadable(&path, error))?)
            }
        };
        for (field, words) in [("start", &manifest.start), ("stop", &manifest.stop)] {
            check_program(field, words, &entries)?;
        }
        let broken = |error| Error::new(ErrorKind::Io, "the bundle cannot be packed").because(error);
        let (stream, id, sum) = pack(&entries).map_err(broken)?;
        Ok(Self { manifest, unit, id, sum, stream })
    }

    /// The packed stream, from its beginning.
    pub(super) fn stream(&self) -> Result<File> {
        self.stream.reopen().map_err(|error| unreadable(self.stream.path(), error))
    }
}

/// A program with a slash, but not from the root, is the bundle's own.
fn check_program(field: &str, words: &[String], entries: &BTreeMap<String, Entry>) -> Result<()> {
    let own = |program: &&String| program.contains('/') && !program.starts_with('/');
    let Some(program) = words.first().filter(own) else { return Ok(()) };
    let wrong = match entries.get(program.trim_start_matches("./")) {
        None => "is not among the bundle's files",
        Some(Entry::Folder) => "is a folder",
        Some(Entry::File { mode: 0o644, .. }) => "cannot be run: chmod +x is missing",
        Some(_) => return Ok(()),
    };
    Err(Error::invalid(format!("{MANIFEST}: {field}"), format!("{program:?} {wrong}")))
}

pub(super) fn unreadable(path: &Path, error: io::Error) -> Error {
    let kind = if error.kind() == io::ErrorKind::NotFound { ErrorKind::NotFound } else { ErrorKind::Io };
    Error::new(kind, "cannot be read").during("open bundle").on(path.display().to_string()).because(error)
}

fn no_manifest(error: io::Error) -> Error {
    if error.kind() == io::ErrorKind::NotFound {
        return Error::invalid(
            MANIFEST,
            "is missing: a bundle is a folder or an archive with this file in its root",
        );
    }
    unreadable(Path::new(MANIFEST), error)
}

fn patterns(field: &str, patterns: &[String]) -> Result<Vec<Pattern>> {
    let read = |text: &String| {
        Pattern::new(text.trim_start_matches("./").trim_end_matches('/')).map_err(|error| {
            Error::invalid(format!("{MANIFEST}: {field}"), format!("{text:?}: {}", error.msg))
        })
    };
    patterns.iter().map(read).collect()
}

/// The bundle's files and links, by path. The manifest is always among them.
fn collect(folder: &Path, manifest: &Manifest) -> Result<BTreeMap<String, Entry>> {
    let (files, exclude) = (patterns("files", &manifest.files)?, patterns("exclude", &manifest.exclude)?);
    let mut used = vec![false; files.len()];
    let mut entries = BTreeMap::new();
    let mut folders = vec![String::new()];
    while let Some(at) = folders.pop() {
        let here = folder.join(&at);
        let listed = fs::read_dir(&here).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        for file in listed.map_err(|error| unreadable(&here, error))? {
            let path = file.path();
            let Ok(name) = file.file_name().into_string() else {
                return Err(Error::invalid("bundle", format!("{}: its name is not UTF-8", path.display())));
            };
            let name = if at.is_empty() { name } else { format!("{at}/{name}") };
            if name == OWN {
                return Err(Error::invalid("bundle", format!("{OWN} is a name of ours: rename it")));
            }
            let within = |pattern: &Pattern| {
                Path::new(&name)
                    .ancestors()
                    .any(|part| part.to_str().is_some_and(|part| pattern.matches_with(part, MATCH)))
            };
            if exclude.iter().any(within) && name != MANIFEST {
                continue;
            }
            let found = fs::symlink_metadata(&path).map_err(|error| unreadable(&path, error))?;
            if found.is_dir() {
                folders.push(name.clone());
            }
            let chosen = files.iter().map(within).collect::<Vec<_>>();
            used.iter_mut().zip(&chosen).for_each(|(used, chosen)| *used |= *chosen);
            if !files.is_empty() && name != MANIFEST && !chosen.contains(&true) {
                continue;
            }
            entries.insert(name, entry(&path, &found)?);
        }
    }
    if let Some(unused) = used.iter().position(|used| !used) {
        let message = format!("nothing in the bundle matches {:?}", manifest.files[unused]);
        return Err(Error::invalid(format!("{MANIFEST}: files"), message));
    }
    check_links(&entries)?;
    Ok(entries)
}

fn entry(path: &Path, found: &fs::Metadata) -> Result<Entry> {
    if found.is_symlink() {
        return fs::read_link(path).map(Entry::Link).map_err(|error| unreadable(path, error));
    }
    if found.is_dir() {
        return Ok(Entry::Folder);
    }
    if !found.is_file() {
        let message = format!("{}: a bundle has files, folders and symbolic links only", path.display());
        return Err(Error::invalid("bundle", message));
    }
    // Whether it can be run is content; what the umask made of it is not.
    let mode = if found.permissions().mode() & 0o111 == 0 { 0o644 } else { 0o755 };
    Ok(Entry::File { path: path.to_owned(), size: found.len(), mode })
}

/// A link must not lead out of the bundle: beside it lie other releases, and what is ours.
fn check_links(entries: &BTreeMap<String, Entry>) -> Result<()> {
    let link = |at: &Path| match entries.get(at.to_str()?) {
        Some(Entry::Link(target)) => Some(target.clone()),
        _ => None,
    };
    for (name, entry) in entries {
        let Entry::Link(target) = entry else { continue };
        if !stays_within(Path::new(name), target, link) {
            let message = format!("{name}: the link to {} leads out of the bundle", target.display());
            return Err(Error::invalid("bundle", message));
        }
    }
    Ok(())
}

/// What is the same for every file: no times, no owners.
pub(super) fn header(mode: u32, size: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_mode(mode);
    header.set_size(size);
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    header
}

/// Hashes what goes through.
struct Hashed<W> {
    to: W,
    hash: Sha256,
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.to.write(bytes)?;
        self.hash.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// Packs the files, without the archive's end: what is a node's own follows.
fn pack(entries: &BTreeMap<String, Entry>) -> io::Result<(NamedTempFile, String, Sha256)> {
    let file = tempfile::Builder::new().prefix("ec2-stories-bundle-").tempfile()?;
    let zipped = Hashed { to: BufWriter::new(file), hash: Sha256::new() };
    let plain = Hashed { to: GzEncoder::new(zipped, Compression::fast()), hash: Sha256::new() };
    let mut tar = tar::Builder::new(Gate { to: plain, open: true });
    for (name, entry) in entries {
        match entry {
            Entry::File { path, size, mode } => {
                let content = Exactly { file: File::open(path)?, left: *size };
                tar.append_data(&mut header(*mode, *size), name, content)?;
            }
            Entry::Folder => {
                let mut header = header(0o755, 0);
                header.set_entry_type(tar::EntryType::Directory);
                tar.append_data(&mut header, name, io::empty())?;
            }
            Entry::Link(target) => {
                let mut header = header(0o777, 0);
                header.set_entry_type(tar::EntryType::Symlink);
                tar.append_link(&mut header, name, target)?;
            }
        }
    }
    // Finishing writes the archive's end, which is not wanted yet.
    tar.get_mut().open = false;
    let plain = tar.into_inner()?.to;
    let zipped = plain.to.finish()?;
    let file = zipped.to.into_inner().map_err(io::IntoInnerError::into_error)?;
    Ok((file, hex::encode(plain.hash.finalize()), zipped.hash))
}

/// Throws away what comes once it is shut.
struct Gate<W> {
    to: W,
    open: bool,
}

impl<W: Write> Write for Gate<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.open { self.to.write(bytes) } else { Ok(bytes.len()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// A file of the size that it had: one that grows meanwhile would break the archive.
struct Exactly {
    file: File,
    left: u64,
}

impl Read for Exactly {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let read = self.file.read(&mut buffer[..most])?;
        if read == 0 && most > 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "a file became shorter meanwhile"));
        }
        self.left -= read as u64;
        Ok(read)
    }
}
