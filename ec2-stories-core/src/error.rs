//! The family's error: what kind, whether to try again, during what, on what.

use std::error::Error as StdError;
use std::fmt;

use serde::{Deserialize, Serialize};

/// A result of the family.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ErrorKind {
    /// A description or argument is wrong; the message names the field to change.
    Invalid,
    /// The resource does not exist, or cannot be seen yet.
    NotFound,
    /// The resource exists already, or its version is not the expected one.
    Conflict,
    /// Credentials could not be had, or were refused.
    Credentials,
    /// The credentials are good, but may not do this.
    Forbidden,
    /// The cloud asked to slow down.
    Throttled,
    /// The cloud has no room for this instance type in this zone, definitively for now.
    Capacity,
    /// An account quota or a deployment's own limit stands in the way.
    Limit,
    /// The resource reached a state from which the wanted one cannot be reached.
    Failed,
    /// A wait ended at its deadline.
    Timeout,
    /// Nothing answered, or it answered with a fault of its own.
    Unavailable,
    /// The caller stopped it.
    Canceled,
    /// Stored data is damaged, or of an unknown version.
    Corrupt,
    /// A resource is still used by another.
    InUse,
    /// This implementation does not offer the operation.
    Unsupported,
    /// A file or socket of this machine failed.
    Io,
    /// None of the above; the source says more.
    Unexpected,
}

/// Whether the same call may succeed later. Retry looks at nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The effect did not happen; the same call may succeed later.
    Temporary,
    /// The effect did not happen, and the same call will fail again.
    Permanent,
    /// The reply was lost: the effect may have happened. Replay only under the same token, or look first.
    Ambiguous,
}

/// An error of the family. `Display` never repeats the source; walk [`StdError::source`] for the chain.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    status: Status,
    operation: Option<String>,
    resource: Option<String>,
    code: Option<String>,
    message: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of `kind`, with the status that kind usually has.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        let status = match kind {
            ErrorKind::Throttled | ErrorKind::Capacity | ErrorKind::Unavailable | ErrorKind::InUse => {
                Status::Temporary
            }
            _ => Status::Permanent,
        };
        Self(Box::new(Inner {
            kind,
            status,
            operation: None,
            resource: None,
            code: None,
            message: message.into(),
            source: None,
        }))
    }

    /// A description's field has a wrong value.
    pub fn invalid(field: impl fmt::Display, why: impl fmt::Display) -> Self {
        Self::new(ErrorKind::Invalid, format!("{field}: {why}")).on(field.to_string())
    }

    /// The same about a part of what is at `place`: a field that is wrong is named from there.
    #[must_use]
    pub fn within(&self, place: impl fmt::Display) -> Self {
        let field = self.resource().unwrap_or_default();
        let why = self.message().strip_prefix(&format!("{field}: ")).unwrap_or(self.message());
        Self::invalid(format!("{place}.{field}"), why)
    }

    /// Sets the status.
    #[must_use]
    pub fn status(mut self, status: Status) -> Self {
        self.0.status = status;
        self
    }

    /// Says what was being done: an API operation, or a verb of ours.
    #[must_use]
    pub fn during(mut self, operation: impl Into<String>) -> Self {
        self.0.operation = Some(operation.into());
        self
    }

    /// Says on what: an id, a node's address, a file, a field.
    #[must_use]
    pub fn on(mut self, resource: impl Into<String>) -> Self {
        self.0.resource = Some(resource.into());
        self
    }

    /// Keeps the cloud's own error code, such as `InsufficientInstanceCapacity`.
    #[must_use]
    pub fn code(mut self, code: impl Into<String>) -> Self {
        self.0.code = Some(code.into());
        self
    }

    /// The status.
    #[must_use]
    pub fn status_of(&self) -> Status {
        self.0.status
    }

    /// Keeps the cause. The caller sees to it that it holds no secret.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The operation that failed.
    #[must_use]
    pub fn operation(&self) -> Option<&str> {
        self.0.operation.as_deref()
    }

    /// What it failed on.
    #[must_use]
    pub fn resource(&self) -> Option<&str> {
        self.0.resource.as_deref()
    }

    /// The cloud's own error code.
    #[must_use]
    pub fn api_code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// The bare message, without operation and resource.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The effect did not happen, and the same call may succeed later.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        self.0.status == Status::Temporary
    }

    /// The reply was lost; the effect may have happened.
    #[must_use]
    pub fn is_ambiguous(&self) -> bool {
        self.0.status == Status::Ambiguous
    }

    /// The same call will fail again.
    #[must_use]
    pub fn is_permanent(&self) -> bool {
        self.0.status == Status::Permanent
    }

    /// The error with every cause behind it, on one line.
    #[must_use]
    pub fn chain(&self) -> String {
        let mut line = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            line.push_str(": ");
            line.push_str(&error.to_string());
            cause = error.source();
        }
        line
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { operation, resource, code, message, kind, .. } = &*self.0;
        if let Some(operation) = operation {
            write!(f, "{operation}: ")?;
        }
        if let Some(resource) = resource
            && *kind != ErrorKind::Invalid
        {
            write!(f, "{resource}: ")?;
        }
        if let Some(code) = code {
            write!(f, "{code}: ")?;
        }
        f.write_str(message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { kind, status, .. } = &*self.0;
        write!(f, "{kind:?} ({status:?}) {}", self.chain())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_does_not_repeat_the_source_and_chain_does() {
        let error = Error::new(ErrorKind::Unavailable, "no answer")
            .during("RunInstances")
            .on("web/0")
            .because(std::io::Error::other("connection reset"));
        assert_eq!(error.to_string(), "RunInstances: web/0: no answer");
        assert_eq!(error.chain(), "RunInstances: web/0: no answer: connection reset");
        assert!(error.is_temporary());
    }

    #[test]
    fn an_invalid_field_is_named_once() {
        let error = Error::invalid("fleet.web.nodes", "must be at least 1");
        assert_eq!(error.to_string(), "fleet.web.nodes: must be at least 1");
        assert_eq!(error.resource(), Some("fleet.web.nodes"));
    }
}
