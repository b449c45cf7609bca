//! Plans and runs a story: a deployment that is written down.
//!
//! ```sh
//! cargo run --example story_file
//! ```
//!
//! Ends with: nothing is left

mod common;

use ec2_stories::prelude::*;
use ec2_stories::story::Story;
use ec2_stories::terminal::{self, say};

const STORY: &str = r#"
name = "library"

[[fleet]]
name = "catalog"
nodes = 2
image = { public = "debian-12" }
instance_types = ["t3.small", "t3a.small"]
firewall = [
  { tcp = 443, from = "anywhere", description = "readers" },
  { tcp = 22, from = "10.0.0.0/8" },
]
user_data.text = """
#!/bin/sh
echo ${deployment} > /etc/motd
"""
"#;

#[tokio::main]
async fn main() -> Result<()> {
    let common::Place { ec2, clock, sim } = common::On::Embedded.open().await?;

    // A mistake is shown where it is.
    let mistake = Story::parse(STORY.replace("nodes = 2", "nodes = 0")).expect_err("a fleet has nodes");
    say(format_args!("{mistake}\n"));

    let story = Story::parse(STORY)?;
    let library = story.deployment(Arc::new(ec2), Arc::new(MemoryStore::new()), clock)?;
    say(library.plan().await?);

    let running = library.start().await?;
    running.ready().await?;
    say(terminal::nodes(&running.nodes()));
    running.terminate().await?.assert_clean();

    if let Some(sim) = sim {
        sim.assert_clean();
    }
    say("nothing is left");
    Ok(())
}
