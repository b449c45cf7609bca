//! Client tokens.
//!
//! Source: EC2 developer guide, "Ensuring idempotency in Amazon EC2 API requests": at most 64 ASCII characters,
//! case-sensitive; the scope is the zone where a launch names one (or a subnet), else the region; the same token with
//! other parameters is IdempotentParameterMismatch.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;

use crate::wire::ApiError;

/// A token counts for as long; after that it names a new launch.
const VALID_FOR: Duration = Duration::from_secs(24 * 3600);
const MAX_LENGTH: usize = 64;

#[derive(Clone, Debug)]
struct Used {
    fingerprint: String,
    result: String,
    at: Timestamp,
}

/// Tokens of one operation: (scope, token) to the id of what the first call made.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tokens(HashMap<(String, String), Used>);

impl Tokens {
    /// What an earlier call with this token made.
    pub(crate) fn replay(
        &self,
        scope: &str,
        token: &str,
        fingerprint: &str,
        now: Timestamp,
    ) -> Result<Option<String>, ApiError> {
        check(token)?;
        let key = (scope.to_owned(), token.to_owned());
        match self.0.get(&key).filter(|used| now < used.at + VALID_FOR) {
            None => Ok(None),
            Some(used) if used.fingerprint == fingerprint => Ok(Some(used.result.clone())),
            Some(_) => Err(ApiError::new(
                "IdempotentParameterMismatch",
                "Arguments on this idempotent request are inconsistent with arguments used in previous request(s).",
            )),
        }
    }

    pub(crate) fn remember(
        &mut self,
        scope: &str,
        token: &str,
        fingerprint: &str,
        result: &str,
        now: Timestamp,
    ) {
        let used = Used { fingerprint: fingerprint.to_owned(), result: result.to_owned(), at: now };
        self.0.insert((scope.to_owned(), token.to_owned()), used);
    }
}

fn check(token: &str) -> Result<(), ApiError> {
    if token.len() <= MAX_LENGTH && token.is_ascii() {
        return Ok(());
    }
    let message = format!("Client token must be at most {MAX_LENGTH} ASCII characters");
    Err(ApiError::new("InvalidParameterValue", message))
}
