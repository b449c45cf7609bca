//! How a command ended.

use std::fmt;

use russh::{ChannelMsg, Sig};

/// How a command ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exit {
    /// With this status.
    Status(u32),
    /// By this signal, without its `SIG`.
    Signal(String),
}

impl Exit {
    /// With status 0.
    #[must_use]
    pub fn is_success(&self) -> bool {
        *self == Self::Status(0)
    }

    pub(crate) fn of(message: &ChannelMsg) -> Option<Self> {
        match message {
            ChannelMsg::ExitStatus { exit_status } => Some(Self::Status(*exit_status)),
            ChannelMsg::ExitSignal { signal_name, .. } => Some(Self::Signal(match signal_name {
                Sig::Custom(name) => name.clone(),
                known => format!("{known:?}"),
            })),
            _ => None,
        }
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "exit status {status}"),
            Self::Signal(name) => write!(f, "signal {name}"),
        }
    }
}
