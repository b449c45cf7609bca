//! Story files.

mod errors;
mod forms;
mod probes;
mod round_trip;
mod steps;

use ec2_stories::story::{Story, StoryError};

const HEAD: &str = "name = \"shop\"\n\n[[fleet]]\nname = \"web\"\nnodes = 2\n";

/// A story whose fleet has these further lines; the first of them is line 6.
fn with(lines: &str) -> Result<Story, StoryError> {
    let image = if lines.contains("image") { "" } else { "\nimage = \"ami-1\"" };
    Story::parse(format!("{HEAD}{lines}{image}\n"))
}
