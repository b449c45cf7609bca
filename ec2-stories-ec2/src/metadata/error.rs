//! What went wrong, and what to change.

use std::error::Error as StdError;

use aws_config::imds::client::error::ImdsError;
use ec2_stories_core::{Error, ErrorKind, Result, Status};

const HOP_LIMIT: &str = "the connection works, and the reply with the token does not arrive: the instance's hop limit \
    is too small, as it is for a container with the default of 1; set MetadataOptions.hop_limit to 2 or more, or give \
    the container the host's network";
const OFF: &str = "the metadata service is off for this instance (HttpEndpoint), or a firewall on it refuses";
const NOBODY: &str = "nobody answers: this machine is no EC2 instance, or its way to the service is blocked";

/// Nothing for what is not there; else the error.
pub(super) fn read(error: ImdsError, path: &str, base: &str) -> Result<Option<String>> {
    let (kind, message) = match &error {
        ImdsError::ErrorResponse(reply) => match reply.response().status().as_u16() {
            404 => return Ok(None),
            401 => (ErrorKind::Credentials, "the token is refused".to_owned()),
            403 => (ErrorKind::Forbidden, OFF.to_owned()),
            429 | 503 => (ErrorKind::Throttled, "the service asks to slow down".to_owned()),
            status @ 500.. => (ErrorKind::Unavailable, format!("the service answers {status}")),
            status => (ErrorKind::Unexpected, format!("the service answers {status}")),
        },
        // The only reason in the chain of which we say more than it does itself.
        _ => explain(&chain(&error), matches!(error, ImdsError::FailedToLoadToken(_))),
    };
    let said = Error::new(kind, message).during("metadata").on(format!("{base}/latest/{path}"));
    let said = if kind == ErrorKind::Timeout { said.status(Status::Temporary) } else { said };
    Err(match error {
        // Its text is the whole reply.
        ImdsError::ErrorResponse(_) => said,
        error => said.because(chain(&error)),
    })
}

fn explain(chain: &str, for_token: bool) -> (ErrorKind, String) {
    let has = |words: &[&str]| words.iter().any(|word| chain.contains(word));
    if has(&["orbidden"]) {
        return (ErrorKind::Forbidden, OFF.to_owned());
    }
    if has(&["timeout", "timed out", "deadline has elapsed"]) && !has(&["connect timeout"]) {
        return match for_token {
            true => (ErrorKind::Timeout, HOP_LIMIT.to_owned()),
            false => (ErrorKind::Timeout, "the service does not answer in time".to_owned()),
        };
    }
    (ErrorKind::Unavailable, NOBODY.to_owned())
}

fn chain(error: &dyn StdError) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        line = format!("{line}: {error}");
        cause = error.source();
    }
    line
}
