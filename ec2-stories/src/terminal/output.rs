//! The only place that writes to the standard streams.

use std::fmt::Display;
use std::io::Write;

/// Writes a line to standard output. A reader that went away ends nothing: the deployment matters more.
pub fn say(line: impl Display) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// Writes a line to standard error.
pub fn note(line: impl Display) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
