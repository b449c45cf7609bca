//! One controller per deployment and state folder.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;

use ec2_stories::model::Name;
use ec2_stories::{Error, ErrorKind, Result};

use crate::exit::Exit;
use crate::failure::Failure;

/// The right to change a deployment. The system gives it back when the process ends, however it ends.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the right, or says which process has it.
    pub(crate) fn take(state: &Path, deployment: &Name) -> Result<Self, Failure> {
        match Self::attempt(state, deployment)? {
            Ok(lock) => Ok(lock),
            Err(pid) => Err(Failure::new(
                Exit::Busy,
                format!(
                    "{deployment}: process {pid} controls this deployment; `update` goes over to what the story says now, \
                     `detach` and `terminate` end that process"
                ),
            )),
        }
    }

    /// Takes the right if nobody has it; otherwise returns the process that has.
    pub(crate) fn attempt(state: &Path, deployment: &Name) -> Result<Result<Self, String>> {
        let folder = state.join("locks");
        let path = folder.join(format!("{deployment}.lock"));
        let failed = |error: std::io::Error| {
            Error::new(ErrorKind::Io, "the lock file cannot be used")
                .on(path.display().to_string())
                .because(error)
        };
        std::fs::create_dir_all(&folder).map_err(failed)?;
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {
                file.set_len(0).map_err(failed)?;
                file.rewind().map_err(failed)?;
                write!(file, "{}", std::process::id()).map_err(failed)?;
                Ok(Ok(Self { _file: file }))
            }
            Err(TryLockError::WouldBlock) => {
                let mut pid = String::new();
                file.read_to_string(&mut pid).map_err(failed)?;
                Ok(Err(pid))
            }
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }
}
