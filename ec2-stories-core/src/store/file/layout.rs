//! Which file holds which tuple.
//!
//! A name's segments are directories, and the last one a file that ends in `=tuple`. No segment may hold `=`, so `a`
//! and `a/b` can both be tuples, and neither can be taken for the store's own files.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

const SUFFIX: &str = "=tuple";

pub(super) fn lock_file(root: &Path) -> PathBuf {
    root.join("=lock")
}

/// Where new files are written before they are renamed.
pub(super) fn scratch(root: &Path) -> PathBuf {
    root.join("=scratch")
}

/// The file of a tuple whose name was checked.
pub(super) fn path(root: &Path, name: &str) -> PathBuf {
    root.join(format!("{name}{SUFFIX}"))
}

/// The names that begin with `prefix`, sorted. The prefix is compared with what is there, never made a path of.
pub(super) fn names(root: &Path, prefix: &str) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    let mut unread = vec![String::new()];
    while let Some(parent) = unread.pop() {
        let entries = match fs::read_dir(root.join(&parent)) {
            Ok(entries) => entries,
            // It was emptied and removed while this ran.
            Err(error) if error.kind() == io::ErrorKind::NotFound && !parent.is_empty() => continue,
            Err(error) => return Err(error),
        };
        for entry in entries {
            let entry = entry?;
            let Ok(file_name) = entry.file_name().into_string() else { continue };
            if let Some(last) = file_name.strip_suffix(SUFFIX) {
                let name = format!("{parent}{last}");
                if name.starts_with(prefix) {
                    names.push(name);
                }
            } else if !file_name.contains('=') && entry.file_type()?.is_dir() {
                let child = format!("{parent}{file_name}/");
                if child.starts_with(prefix) || prefix.starts_with(&child) {
                    unread.push(child);
                }
            }
        }
    }
    names.sort_unstable();
    Ok(names)
}
