//! What a call does.

use crate::Status;

/// Whether a call changes something, which decides what a lost reply means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It does not.
    Reads,
    /// It does.
    Changes,
}

impl Effect {
    /// The status of a call of which nobody knows whether it was carried out.
    #[must_use]
    pub fn when_unknown(self) -> Status {
        match self {
            Self::Reads => Status::Temporary,
            Self::Changes => Status::Ambiguous,
        }
    }
}
