//! Failures of SFTP, in our words.

use ec2_stories_core::{Error, ErrorKind, Status};
use russh_sftp::client::error::Error as Sftp;
use russh_sftp::protocol::{Packet, StatusCode};

use crate::error::code;

pub(super) type Failure = Sftp;

pub(super) fn is_missing(error: &Failure) -> bool {
    matches!(error, Sftp::Status(status) if status.status_code == StatusCode::NoSuchFile)
}

/// A server that has no better word for it: a full disk, a file that is there already, a folder that is not empty.
pub(super) fn is_vague(error: &Failure) -> bool {
    matches!(error, Sftp::Status(status) if status.status_code == StatusCode::Failure)
}

/// The reply to a request that is answered with a status alone.
pub(super) fn status(reply: Result<Packet, Failure>) -> Result<(), Failure> {
    match reply? {
        Packet::Status(status) if status.status_code == StatusCode::Ok => Ok(()),
        Packet::Status(status) => Err(Sftp::Status(status)),
        _ => Err(Sftp::UnexpectedPacket),
    }
}

pub(super) fn failed(error: Failure, operation: &str, path: &str, on: &str) -> Error {
    let (kind, status, message) = match &error {
        Sftp::Status(status) => match status.status_code {
            StatusCode::NoSuchFile => {
                (ErrorKind::NotFound, Status::Permanent, "there is no such file or folder")
            }
            StatusCode::PermissionDenied => {
                (ErrorKind::Forbidden, Status::Permanent, "the host does not allow it")
            }
            StatusCode::OpUnsupported => {
                (ErrorKind::Unsupported, Status::Permanent, "the host's SFTP server cannot do it")
            }
            _ => (ErrorKind::Failed, Status::Permanent, "the host's SFTP server could not do it"),
        },
        Sftp::Timeout => (ErrorKind::Timeout, Status::Ambiguous, "the host did not answer"),
        Sftp::IO(_) | Sftp::UnexpectedBehavior(_) => {
            let lost = Error::new(ErrorKind::Unavailable, "the link to the host broke");
            return lost
                .status(Status::Ambiguous)
                .code(code::LINK_LOST)
                .during(operation)
                .on(format!("{on}:{path}"))
                .because(error);
        }
        Sftp::Limited(_) | Sftp::UnexpectedPacket => {
            (ErrorKind::Unexpected, Status::Permanent, "the host's SFTP server does not keep to the protocol")
        }
    };
    Error::new(kind, message)
        .status(status)
        .during(operation)
        .on(format!("{on}:{path}"))
        .because(words(&error))
}

/// Most servers name the status alone, and its name is said once.
fn words(error: &Failure) -> String {
    match error {
        Sftp::Status(status) if status.status_code.to_string() == status.error_message => {
            status.error_message.clone()
        }
        _ => error.to_string(),
    }
}

pub(super) fn disk_full(path: &str, free: u64, on: &str) -> Error {
    Error::new(ErrorKind::Limit, format!("the disk is full: {free} bytes are free"))
        .code(code::DISK_FULL)
        .during("write")
        .on(format!("{on}:{path}"))
}

pub(super) fn no_sftp(on: &str) -> Error {
    Error::new(ErrorKind::Unsupported, "the host has no SFTP").during("sftp").on(on)
}

pub(super) fn no_server(error: Failure, on: &str) -> Error {
    Error::new(
        ErrorKind::Unsupported,
        "the host's SFTP server did not start: it is not installed, or sudo said no",
    )
    .during("sftp")
    .on(on)
    .because(error)
}
