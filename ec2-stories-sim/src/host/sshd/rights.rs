//! What this process may do to make a machine of its own.

use std::process::{Command, Stdio};

use ec2_stories_core::{Error, ErrorKind, Result};

/// How a host's namespaces are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rights {
    /// As root, with all users.
    Root,
    /// Inside of a user namespace, where all users are this one.
    User,
}

/// The kinds of namespaces a host lives in, beside that of users.
const KINDS: [&str; 5] = ["--mount", "--pid", "--uts", "--fork", "--kill-child"];

impl Rights {
    /// Tries, and takes the most that goes; no more than an ordinary user has, if so wanted.
    pub(super) fn find(unprivileged: bool) -> Result<Self> {
        let mut failures = Vec::new();
        let tried: &[Self] = if unprivileged { &[Self::User] } else { &[Self::Root, Self::User] };
        for rights in tried.iter().copied() {
            match Command::new("unshare").args(rights.flags()).arg("true").stdin(Stdio::null()).output() {
                Ok(output) if output.status.success() => return Ok(rights),
                Ok(output) => failures.push(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
                Err(error) => failures.push(format!("unshare (util-linux): {error}")),
            }
        }
        let message = format!(
            "sshd hosts need namespaces: run as root with CAP_SYS_ADMIN, or allow user namespaces \
             (user.max_user_namespaces, kernel.unprivileged_userns_clone, kernel.apparmor_restrict_unprivileged_userns); \
             tried: {}",
            failures.join("; ")
        );
        Err(Error::new(ErrorKind::Unsupported, message))
    }

    /// Arguments of `unshare`.
    pub(super) fn flags(self) -> impl Iterator<Item = &'static str> {
        let user: &[&str] = match self {
            Self::Root => &[],
            Self::User => &["--user", "--map-root-user"],
        };
        user.iter().chain(&KINDS).copied()
    }
}
