//! Programs that end when this one does, however that comes.

use tokio::process::Command;

const LIFELINE: &str = include_str!("lifeline.sh");

/// A program that ends with its child when its standard input does; to be added to: its arguments.
pub(super) fn program(name: &str) -> Command {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", LIFELINE, "sh", name]);
    command
}
