//! The files of a host key: the private one complete or absent, its owner's alone, never overwritten.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::HostKey;
use crate::deployment::journal::InjectedKey;
use crate::model::{FleetSpec, HostKeys, Name};
use crate::{Error, ErrorKind, Result, Status, check_private_key};

/// The file of the private key that the fleet's nodes are to be known by at the first login.
pub(crate) fn injected_file(fleet: &FleetSpec) -> Option<&Path> {
    match &fleet.login.host_keys {
        Some(HostKeys::Injected(file)) => Some(file),
        _ => None,
    }
}

/// The fleet's key, made where there is none yet, and its file. Nothing where the fleet asks for none.
pub(crate) async fn of_fleet(deployment: &Name, fleet: &FleetSpec) -> Result<Option<(HostKey, PathBuf)>> {
    let Some(private) = injected_file(fleet) else { return Ok(None) };
    // The journal names it: another start may be in another folder.
    let private = std::path::absolute(private).map_err(|error| failed(private, error))?;
    let public = private.with_added_extension("pub");
    let comment = format!("{deployment}.{}", fleet.name);
    let file = private.clone();
    let key = blocking(private, move |private| {
        let key = match read(private)? {
            None => make(private, &comment)?,
            Some(key) => key,
        };
        write(&public, &format!("{}\n", key.public), true).map_err(|error| failed(&public, error))?;
        Ok(key)
    });
    Ok(Some((key.await?, file)))
}

/// The key that a recorded launch sent, or was about to.
///
/// # Errors
/// The file is gone, or holds another key: the same launch cannot be said again.
pub(crate) async fn of_record(record: &InjectedKey) -> Result<HostKey> {
    let recorded = record.public.clone();
    blocking(record.file.clone(), move |file| {
        let key = existing(file)?;
        if key.public != recorded {
            let message = "the host key's file holds another key than the launch was written down with; put the \
                           old one back";
            return Err(Error::new(ErrorKind::Corrupt, message).on(file.display().to_string()));
        }
        Ok(key)
    })
    .await
}

async fn blocking<T: Send + 'static>(
    file: PathBuf,
    act: impl FnOnce(&Path) -> Result<T> + Send + 'static,
) -> Result<T> {
    let name = file.display().to_string();
    match tokio::task::spawn_blocking(move || act(&file)).await {
        Ok(outcome) => outcome,
        Err(stopped) => Err(Error::new(ErrorKind::Io, "the host key's file").on(name).because(stopped)),
    }
}

fn make(private: &Path, comment: &str) -> Result<HostKey> {
    use secrecy::ExposeSecret;
    let key = HostKey::random(comment)?;
    match write(private, key.private.expose_secret(), false) {
        Ok(()) => Ok(key),
        // Another fleet's task, or another process, was faster: theirs counts.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => existing(private),
        Err(error) => Err(failed(private, error)),
    }
}

/// The key in the file, where there is one already.
///
/// # Errors
/// Others may use the file, or what it holds is no such key.
pub(crate) fn read(file: &Path) -> Result<Option<HostKey>> {
    let mut opened = match File::open(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(|error| failed(file, error))?,
    };
    check_private_key(&opened, file)?;
    let mut text = String::new();
    opened.read_to_string(&mut text).map_err(|error| failed(file, error))?;
    HostKey::read(&text).map(Some).map_err(|error| error.on(file.display().to_string()))
}

fn existing(file: &Path) -> Result<HostKey> {
    read(file)?.ok_or_else(|| failed(file, io::ErrorKind::NotFound.into()))
}

/// Written under another name, with mode 0600 from the start, then moved to its own.
fn write(file: &Path, text: &str, replace: bool) -> io::Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut made = tempfile::NamedTempFile::new_in(folder)?;
    made.write_all(text.as_bytes())?;
    made.as_file().sync_all()?;
    match replace {
        true => made.persist(file).map(drop)?,
        false => made.persist_noclobber(file).map(drop)?,
    }
    std::fs::File::open(folder)?.sync_all()
}

fn failed(file: &Path, error: io::Error) -> Error {
    let what = Error::new(ErrorKind::Io, "the host key's file").status(Status::Permanent);
    what.on(file.display().to_string()).because(error)
}
