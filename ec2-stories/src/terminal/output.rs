//! The only place that writes to the standard streams.

use std::fmt::Display;
use std::io::Write;

/// Writes a text to standard output, ended by one line break. A reader that went away ends nothing: the deployment
/// matters more.
pub fn say(text: impl Display) {
    write(std::io::stdout(), &text);
}

/// Writes a text to standard error, ended by one line break.
pub fn note(text: impl Display) {
    write(std::io::stderr(), &text);
}

fn write(mut stream: impl Write, text: &impl Display) {
    let text = text.to_string();
    let _ = writeln!(stream, "{}", text.trim_end_matches('\n'));
}
