//! Deploys a database of a public image and two web servers that know its address, and takes them down.
//!
//! ```sh
//! cargo run --example public_ami
//! EC2_STORIES_LIVE=1 cargo run --example public_ami -- --cloud aws
//! ```
//!
//! Ends with: nothing is left

mod common;

use std::process::ExitCode;

use clap::Parser;
use ec2_stories::prelude::*;
use ec2_stories::terminal::{self, Interrupts, Progress, say};

/// Deploys two fleets of a public image, one after the other.
#[derive(Parser)]
struct Args {
    /// Where to deploy.
    #[arg(long, value_enum, default_value = "embedded")]
    cloud: common::On,
}

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let common::Place { ec2, clock, sim } = Args::parse().cloud.open().await?;

    let db = Fleet::builder().name("db").nodes(1).image(Image::public("debian-12")).build()?;
    let web = Fleet::builder()
        .name("web")
        .nodes(2)
        .after("db")
        .image(Image::public("debian-12"))
        .instance_types(["t3.micro", "t3a.micro"]) // the second where there is no room for the first
        .user_data(Template::new("#!/bin/sh\necho db=${db/0.private_ip} > /etc/shop.conf\n")?)
        .build()?;
    let shop = Deployment::builder()
        .name("public-ami")
        .cloud(ec2)
        .journal(MemoryStore::new())
        .clock(clock)
        .fleet(db)
        .fleet(web)
        .build()?;

    // However the closure ends, the nodes are gone when `run` returns. Ctrl-C ends the program at once unless it is listened to.
    let mut interrupts = Interrupts::listen()?;
    let (exit, report) = shop
        .run(async |running| {
            let progress = Progress::follow(running);
            tokio::select! {
                ready = running.ready() => ready?,
                () = interrupts.next() => return Ok(terminal::interrupted()),
            }
            progress.finish().await;
            say(terminal::nodes(&running.nodes()));
            for (path, value) in running.attributes().iter().filter(|(path, _)| path.key == "private_ip") {
                say(format_args!("{path} = {value}"));
            }
            Ok(ExitCode::SUCCESS)
        })
        .await?;

    report.assert_clean();
    if let Some(sim) = sim {
        sim.assert_clean();
    }
    say("nothing is left");
    Ok(exit)
}
