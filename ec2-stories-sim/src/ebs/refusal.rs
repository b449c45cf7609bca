//! Refusals in the words of the EBS direct APIs.

use crate::wire::ApiError;

/// An error reply: JSON with a message, and a reason where the request was invalid.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Refusal {
    pub(super) code: String,
    pub(super) status: u16,
    pub(super) message: String,
    pub(super) reason: Option<&'static str>,
}

impl Refusal {
    pub(super) fn new(code: &str, status: u16, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), status, message: message.into(), reason: None }
    }

    /// `ValidationException`; the reasons are those of the model.
    pub(super) fn invalid(reason: &'static str, message: impl Into<String>) -> Self {
        Self { reason: Some(reason), ..Self::new("ValidationException", 400, message) }
    }

    pub(super) fn no_snapshot(id: &str) -> Self {
        let message = format!("The snapshot '{id}' does not exist.");
        Self { reason: Some("SNAPSHOT_NOT_FOUND"), ..Self::new("ResourceNotFoundException", 404, message) }
    }

    pub(super) fn throttled(reason: &'static str) -> Self {
        let message = "The number of API requests has exceeded the maximum allowed.";
        Self { reason: Some(reason), ..Self::new("RequestThrottledException", 400, message) }
    }
}

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        Self::new(&error.code, error.status, error.message)
    }
}
