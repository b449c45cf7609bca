//! How a request is refused.
//!
//! Codes and statuses are those of AWS's page "Error codes for the Amazon EC2 API"
//! (<https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-error-codes.html>); messages are what EC2 was seen to say.

use std::borrow::Cow;

/// An error reply.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ApiError {
    pub(crate) code: Cow<'static, str>,
    pub(crate) message: String,
    /// The HTTP status, which decides whether an SDK tries again.
    pub(crate) status: u16,
}

impl ApiError {
    /// A client's error, status 400.
    pub(crate) fn new(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into(), status: 400 }
    }

    pub(crate) fn with_status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    pub(crate) fn missing_action() -> Self {
        Self::new("MissingAction", "The request is missing an action or a required parameter.")
    }

    pub(crate) fn invalid_action(action: &str) -> Self {
        Self::new("InvalidAction", format!("The action {action} is not valid for this web service."))
    }

    pub(crate) fn unknown_parameter(name: &str) -> Self {
        Self::new("UnknownParameter", format!("The parameter {name} is not recognized"))
    }

    pub(crate) fn missing_parameter(name: &str) -> Self {
        Self::new("MissingParameter", format!("The request must contain the parameter {name}"))
    }

    /// A value that cannot be what the parameter wants.
    pub(crate) fn invalid_value(value: &str, name: &str) -> Self {
        Self::new("InvalidParameterValue", format!("Value ({value}) for parameter {name} is invalid."))
    }

    /// As `invalid_value`, with more to say.
    pub(crate) fn invalid_parameter(message: impl Into<String>) -> Self {
        Self::new("InvalidParameterValue", message)
    }

    pub(crate) fn invalid_combination(message: impl Into<String>) -> Self {
        Self::new("InvalidParameterCombination", message)
    }

    /// An identifier without its prefix: `Invalid id: "x" (expecting "sg-...")`.
    pub(crate) fn malformed_id(code: &'static str, id: &str, prefix: &str) -> Self {
        Self::new(code, format!("Invalid id: \"{id}\" (expecting \"{prefix}-...\")"))
    }

    /// What EC2 knows and the simulation does not act on: ignoring it would mislead.
    pub(crate) fn unsimulated(name: &str) -> Self {
        let message = format!("The simulation does not act on the parameter {name}.");
        Self::new("UnsupportedOperation", message)
    }

    pub(crate) fn dry_run() -> Self {
        Self::new("DryRunOperation", "Request would have succeeded, but DryRun flag is set.").with_status(412)
    }
}
