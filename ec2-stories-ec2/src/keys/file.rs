//! The private key's file: readable by its owner only, complete or absent, never overwritten.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use ec2_stories_core::{Error, ErrorKind, Result, check_private_key};

/// The file's text, or `None` where there is no file.
///
/// # Errors
/// Also where others may use the file: found here, it has not cost an instance yet.
pub(super) async fn read(path: &Path) -> Result<Option<String>> {
    let place = path.to_owned();
    let read = move || {
        let failed = |error| failed(&place, error);
        let mut file = match File::open(&place) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened.map_err(failed)?,
        };
        check_private_key(&file, &place)?;
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(failed)?;
        Ok(Some(text))
    };
    match tokio::task::spawn_blocking(read).await {
        Ok(read) => read,
        Err(stopped) => Err(failed(path, io::Error::other(stopped))),
    }
}

/// Finds out before the key is made that its directory is not there.
pub(super) async fn check_place(path: &Path) -> Result<()> {
    tokio::fs::metadata(directory(path)).await.map(drop).map_err(|error| failed(path, error))
}

/// Written under another name, with mode 0600 from the start, then linked to its own unless that is taken.
pub(super) async fn write_new(path: &Path, text: String) -> Result<()> {
    let place = path.to_owned();
    let write = move || -> io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(directory(&place))?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist_noclobber(&place)?;
        File::open(directory(&place))?.sync_all()
    };
    match tokio::task::spawn_blocking(write).await {
        Ok(written) => written.map_err(|error| failed(path, error)),
        Err(stopped) => Err(failed(path, io::Error::other(stopped))),
    }
}

fn directory(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

fn failed(path: &Path, error: io::Error) -> Error {
    Error::new(ErrorKind::Io, "the private key's file").on(path.display().to_string()).because(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_key_is_its_owners_alone_and_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.pem");
        assert_eq!(read(&path).await.unwrap(), None);
        write_new(&path, "one".to_owned()).await.unwrap();
        assert_eq!(write_new(&path, "two".to_owned()).await.unwrap_err().kind(), ErrorKind::Io);
        assert_eq!(read(&path).await.unwrap().as_deref(), Some("one"));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
            let error = read(&path).await.unwrap_err();
            assert!(error.to_string().contains("mode 0640"), "{error}");
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
