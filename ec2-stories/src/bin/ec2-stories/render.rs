//! JSON for programs.

use ec2_stories::Report;
use ec2_stories::terminal::say;
use serde::Serialize;

use crate::exit::Exit;
use crate::failure::Failure;

pub(crate) fn json(value: &impl Serialize) -> Result<String, Failure> {
    serde_json::to_string(value).map_err(|error| Failure::new(Exit::Failed, error.to_string()))
}

/// Shows how a deployment was left or taken down, and whether it is clean.
pub(crate) fn report(report: &Report, as_json: bool) -> Result<Exit, Failure> {
    if as_json {
        say(json(report)?);
    } else {
        say(report);
    }
    Ok(if report.is_clean() { Exit::Done } else { Exit::NotClean })
}
