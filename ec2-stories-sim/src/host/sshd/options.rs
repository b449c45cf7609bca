//! What a test decides about its OpenSSH servers.

use std::path::PathBuf;

use bon::Builder;

/// How the OpenSSH servers behind instances are; every part has a default.
///
/// ```
/// use ec2_stories_sim::SshdOptions;
///
/// let options = SshdOptions::builder().user("ubuntu").config(["MaxSessions 1"]).build();
/// ```
#[derive(Clone, Debug, Builder)]
#[non_exhaustive]
pub struct SshdOptions {
    /// The port of every server of the simulation; one that is free, unless said otherwise.
    pub port: Option<u16>,
    /// The image's own user, as in `admin@…`; some others that images have are there as well.
    #[builder(default = "admin".to_owned(), into)]
    pub user: String,
    /// Whether hosts live in a user namespace, as they do for ordinary users, even if this is root.
    #[builder(default)]
    pub unprivileged: bool,
    /// Whether servers have an RSA host key beside the Ed25519 one. It takes seconds to make.
    #[builder(default)]
    pub rsa: bool,
    /// Public keys of authorities whose certificates let users in, in OpenSSH's format.
    #[builder(default, with = |keys: impl IntoIterator<Item = impl Into<String>>| keys.into_iter().map(Into::into).collect())]
    pub user_authorities: Vec<String>,
    /// The private key, in OpenSSH's format, of an authority that certifies every host key for the host's address and name.
    pub host_authority: Option<PathBuf>,
    /// More lines of `sshd_config`, before all others: the first line to say a thing decides it.
    #[builder(default, with = |lines: impl IntoIterator<Item = impl Into<String>>| lines.into_iter().map(Into::into).collect())]
    pub config: Vec<String>,
}

impl Default for SshdOptions {
    fn default() -> Self {
        Self::builder().build()
    }
}
