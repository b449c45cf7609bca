//! Standard input and output as bytes, for what is no text.

use std::fs::File;
use std::os::fd::AsFd;

use crate::{Error, ErrorKind, Result};

/// Standard input, from where it is.
///
/// # Errors
/// [`ErrorKind::Io`] where it is closed.
pub fn input() -> Result<tokio::fs::File> {
    open(&std::io::stdin(), "standard input")
}

/// Standard output. What is written to it is flushed before it is dropped.
///
/// # Errors
/// [`ErrorKind::Io`] where it is closed.
pub fn output() -> Result<tokio::fs::File> {
    open(&std::io::stdout(), "standard output")
}

fn open(stream: &impl AsFd, name: &str) -> Result<tokio::fs::File> {
    let opened = stream.as_fd().try_clone_to_owned();
    let opened = opened.map_err(|error| Error::new(ErrorKind::Io, "is closed").on(name).because(error))?;
    Ok(tokio::fs::File::from_std(File::from(opened)))
}
