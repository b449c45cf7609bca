//! Deploys three nodes of an image of your own, shows that they are there, and takes everything down.
//!
//! ```sh
//! cargo run --example private_ami
//! cargo run --example private_ami -- --nodes 5 --mode production
//! EC2_STORIES_LIVE=1 cargo run --example private_ami -- --cloud aws --image 'web-*'
//! ```
//!
//! Ends with: nothing is left

mod common;

use std::process::ExitCode;

use clap::Parser;
use ec2_stories::prelude::*;
use ec2_stories::terminal::{self, Interrupts, Progress, say};

/// Deploys a fleet of a private image and takes it down again.
#[derive(Parser)]
struct Args {
    /// How many nodes.
    #[arg(long, default_value_t = 3)]
    nodes: u32,
    /// What becomes of the nodes when the program goes.
    #[arg(long, default_value = "dev", value_parser = ["dev", "production"])]
    mode: String,
    /// Where to deploy.
    #[arg(long, value_enum, default_value = "embedded")]
    cloud: common::On,
    /// The name of the image, one of the account's own; the newest that matches is taken.
    #[arg(long, default_value = "web-*")]
    image: String,
}

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let args = Args::parse();
    let common::Place { ec2, clock, sim } = args.cloud.open().await?;
    if let Some(sim) = &sim {
        sim.add_image(ImageSeed::builder().name("web-7").build()); // a real account has its own
    }
    let mode = if args.mode == "dev" { Mode::Dev } else { Mode::Production };
    let journal = Arc::new(MemoryStore::new());

    let shop = Deployment::builder()
        .name("private-ami")
        .mode(mode)
        .cloud(ec2.clone())
        .journal(journal.clone())
        .clock(clock)
        .fleet(
            Fleet::builder()
                .name("web")
                .nodes(args.nodes)
                .image(Image::own(args.image, Architecture::X86_64))
                .firewall(FirewallPolicy::builder().tcp(443, Source::Anywhere).build())
                .build()?,
        )
        .build()?;
    say(shop.plan().await?);

    // Dropped at ctrl-C, `running` takes dev nodes down and leaves production nodes.
    let mut interrupts = Interrupts::listen()?;
    tokio::select! {
        done = up_and_down(&shop, &ec2, mode) => done?,
        () = interrupts.next() => return Ok(terminal::interrupted()),
    }

    say("API calls, the dry runs of the plan and of the start among them:");
    for (operation, count) in ec2.calls() {
        say(format_args!("  {count:4}  {operation}"));
    }
    if let Some(sim) = sim {
        sim.assert_clean();
    }
    say("nothing is left");
    Ok(ExitCode::SUCCESS)
}

async fn up_and_down(shop: &Deployment, ec2: &Ec2, mode: Mode) -> Result<()> {
    let running = shop.start().await?;
    let progress = Progress::follow(&running);
    running.ready().await?;
    progress.finish().await;
    let nodes = running.nodes();
    say(terminal::nodes(&nodes));

    let ids: Vec<_> = nodes.iter().filter_map(|node| Some(node.instance.as_ref()?.id.clone())).collect();
    let seen = ec2.describe(&ids).await?;
    let alive = seen.iter().filter(|instance| instance.state == InstanceState::Running).count();
    say(format_args!("a describe shows {alive} of {} running", nodes.len()));

    let progress = Progress::follow(&running);
    let report = match mode {
        Mode::Dev => running.terminate().await?,
        // Production nodes outlive their controller; whoever has the journal, or the tags, can take them down later.
        Mode::Production => {
            say(running.detach().await?);
            shop.terminate().await?
        }
    };
    progress.finish().await;
    report.assert_clean();
    say(format_args!("launched {} instances and terminated them", nodes.len()));
    Ok(())
}
