//! What steps must know later, in a small file on the node.

use std::collections::{BTreeMap, BTreeSet};

use ec2_stories_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Command;

/// `$1` is the folder; the user's own where it is empty.
const READ: &str = r#"folder=${1:-$HOME/.ec2-stories}
printf '%s\n' "$folder"
[ ! -e "$folder/steps.json" ] || cat -- "$folder/steps.json""#;

const WRITE: &str = r#"set -e
umask 077
mkdir -p -- "$1"
cat >"$1/.steps.json"
sync -- "$1/.steps.json" 2>/dev/null || sync
mv -f -- "$1/.steps.json" "$1/steps.json""#;

/// A node with a hundred thousand commands has as much; more is not ours.
const LARGEST: usize = 64 * 1024 * 1024;

/// What steps left behind for later runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    /// What a step did, or what was there before it, by the step's key.
    #[serde(default)]
    pub(super) steps: BTreeMap<String, Value>,
    /// Steps that heed changes, and before which something changed since they ran last.
    #[serde(default)]
    pub(super) heeded: BTreeSet<String>,
}

pub(super) fn read(folder: &str) -> Command {
    Command::shell(READ).arg(folder).keep(LARGEST)
}

/// The folder, and what is kept in it.
pub(super) fn parse(stdout: &[u8]) -> Result<(String, State)> {
    let text = String::from_utf8_lossy(stdout);
    let (folder, state) = text.split_once('\n').unwrap_or((&text, ""));
    let state = match state.trim() {
        "" => State::default(),
        state => serde_json::from_str(state).map_err(|error| {
            let damaged = "cannot be read: what steps did before is not known. Remove it to begin anew";
            Error::new(ErrorKind::Corrupt, damaged).on(format!("{folder}/steps.json")).because(error)
        })?,
    };
    Ok((folder.to_owned(), state))
}

pub(super) fn write(folder: &str, state: &State) -> Result<Command> {
    let text = serde_json::to_vec_pretty(state).map_err(|error| {
        Error::new(ErrorKind::Unexpected, "what steps did cannot be written").because(error)
    })?;
    Ok(Command::shell(WRITE).arg(folder).stdin(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_damage_is_named() {
        let mut state = State::default();
        state.steps.insert("file /etc/x".to_owned(), Value::from("é\n'"));
        state.heeded.insert("service web".to_owned());
        let text = format!("/etc/ec2-stories\n{}", serde_json::to_string_pretty(&state).unwrap());
        assert_eq!(parse(text.as_bytes()).unwrap(), ("/etc/ec2-stories".to_owned(), state));
        assert_eq!(parse(b"/home/web/.ec2-stories\n").unwrap().1, State::default());
        let damaged = parse(b"/etc/ec2-stories\n{\"steps\": {").unwrap_err();
        assert_eq!(damaged.kind(), ErrorKind::Corrupt);
        assert_eq!(damaged.resource(), Some("/etc/ec2-stories/steps.json"));
    }
}
