//! What the SDK's own credentials providers answer, in the family's words.

use std::error::Error as StdError;

use aws_credential_types::Credentials as SdkCredentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_types::error::metadata::ErrorMetadata;
use jiff::Timestamp;

use crate::model::Credentials;
use crate::{Error, ErrorKind, Result, Status};

/// Codes with which a service says "not now"; every other code is a refusal.
const TEMPORARY: [&str; 6] = [
    "InternalFailure",
    "InternalServerException",
    "RequestLimitExceeded",
    "ServiceUnavailable",
    "Throttling",
    "TooManyRequestsException",
];

pub(crate) fn from_sdk(
    answer: Result<SdkCredentials, CredentialsError>,
    origin: &str,
) -> Result<Credentials> {
    from_sdk_else(answer, origin, "")
}

/// As [`from_sdk`]; where there are none, what to do about it comes after the reason.
pub(crate) fn from_sdk_else(
    answer: Result<SdkCredentials, CredentialsError>,
    origin: &str,
    what_to_do: &str,
) -> Result<Credentials> {
    let credentials = answer.map_err(|error| refused(&error, origin, what_to_do))?;
    let expires_at = credentials.expiry().map(Timestamp::try_from).transpose().map_err(|error| {
        Error::new(ErrorKind::Credentials, "the credentials expire at a time that cannot be")
            .on(origin)
            .because(error)
    })?;
    Ok(Credentials {
        access_key_id: credentials.access_key_id().to_owned(),
        secret_access_key: credentials.secret_access_key().into(),
        session_token: credentials.session_token().map(Into::into),
        expires_at,
    })
}

fn refused(error: &CredentialsError, origin: &str, what_to_do: &str) -> Error {
    let (why, status) = match error {
        CredentialsError::CredentialsNotLoaded(_) => ("there are no credentials", Status::Permanent),
        CredentialsError::InvalidConfiguration(_) => {
            ("the credentials are configured wrongly", Status::Permanent)
        }
        _ if is_refusal(error) => ("credentials could not be had", Status::Permanent),
        _ => ("credentials could not be had", Status::Temporary),
    };
    // The SDK's error could show a whole reply when it is debugged: only its words are kept.
    let mut words = String::new();
    let mut cause = error.source();
    while let Some(error) = cause {
        let separator = if words.is_empty() { "" } else { ": " };
        words.push_str(&format!("{separator}{error}"));
        cause = error.source();
    }
    let why = format!("{why}{what_to_do}");
    let error = Error::new(ErrorKind::Credentials, why).status(status).during("credentials").on(origin);
    if words.is_empty() { error } else { error.because(words) }
}

/// Whether a service answered, and said no.
fn is_refusal(error: &CredentialsError) -> bool {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(code) = error.downcast_ref::<ErrorMetadata>().and_then(ErrorMetadata::code) {
            return !TEMPORARY.contains(&code);
        }
        cause = error.source();
    }
    false
}
