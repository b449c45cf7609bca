//! How failures of SSH become the family's error.

use ec2_stories_core::{Error, ErrorKind, Status};

/// What [`Error::api_code`] says, for what a caller may want to tell apart.
pub mod code {
    /// The host showed a key of which nothing is known.
    pub const HOST_KEY_UNKNOWN: &str = "HostKeyUnknown";
    /// The host showed another key than the one known.
    pub const HOST_KEY_CHANGED: &str = "HostKeyChanged";
    /// The host showed a key that is marked as revoked.
    pub const HOST_KEY_REVOKED: &str = "HostKeyRevoked";
    /// The console does not show the host's keys yet.
    pub const HOST_KEY_NOT_PRINTED: &str = "HostKeyNotPrinted";
    /// The host does not let this user in with any of the identities.
    pub const LOGIN_REFUSED: &str = "LoginRefused";
    /// The command was not started: no such directory, or sudo said no.
    pub const NOT_STARTED: &str = "NotStarted";
    /// The file system of the host is full.
    pub const DISK_FULL: &str = "DiskFull";
    /// The link to the host broke.
    pub const LINK_LOST: &str = "LinkLost";
    /// cloud-init ended with an error.
    pub const CLOUD_INIT_FAILED: &str = "CloudInitFailed";
}

/// The link broke while `operation` was under way. Whether it took effect is not known.
pub(crate) fn lost(operation: &str, on: &str) -> Error {
    Error::new(ErrorKind::Unavailable, "the link to the host broke")
        .status(Status::Ambiguous)
        .code(code::LINK_LOST)
        .during(operation)
        .on(on)
}

/// A failure of the protocol that had no effect on the host.
pub(crate) fn protocol(error: russh::Error, operation: &str, on: &str) -> Error {
    use russh::Error as E;
    let (kind, status, message) = match &error {
        E::ChannelOpenFailure(reason) => {
            return Error::new(ErrorKind::Forbidden, format!("the host opened no channel: {reason:?}"))
                .status(match reason {
                    russh::ChannelOpenFailure::AdministrativelyProhibited => Status::Permanent,
                    _ => Status::Temporary,
                })
                .during(operation)
                .on(on);
        }
        E::NoCommonAlgo { kind, .. } => {
            let message = format!("the host and we have no {kind:?} algorithm in common");
            return Error::new(ErrorKind::Unsupported, message).during(operation).on(on).because(error);
        }
        E::RequestDenied => (ErrorKind::Forbidden, Status::Permanent, "the host refused the request"),
        _ => (ErrorKind::Unavailable, Status::Temporary, "the link to the host broke"),
    };
    let failure = Error::new(kind, message).status(status).during(operation).on(on).because(error);
    if kind == ErrorKind::Unavailable { failure.code(code::LINK_LOST) } else { failure }
}
