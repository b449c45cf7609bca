//! `ec2-stories image`, on the simulation.

mod commands;
mod kill;
mod story;

use std::time::Duration;

use ec2_stories::sim::{ACCESS_KEY_ID, Latencies, Sim};
use ec2_stories::{Clock, SystemClock};
use tokio::process::Command;

use super::{Ended, Shop, ec2_stories};

/// The simulation compares signatures of requests to S3 and EBS direct.
const SECRET: &str = "simulated-secret-access-key";

const BUCKET: &str = "images";

/// A cloud where work on images takes moments, and a folder for files.
async fn desk(story: &str) -> Shop {
    let moment = Duration::from_millis(50);
    let latency = Latencies::builder().boot(moment).terminate(moment).visibility(moment);
    let latency = latency.import(moment).register(moment).copy(moment).snapshot(moment);
    let latency = latency.import_per_gib(moment).copy_per_gib(moment).snapshot_per_gib(moment).build();
    // The program reads the real clock.
    let sim = Sim::builder().latency(latency).start(SystemClock.now()).build();
    sim.keep_bucket(BUCKET);
    let cloud = sim.listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("shop.toml"), story).unwrap();
    let variables = [("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID), ("AWS_SECRET_ACCESS_KEY", SECRET)];
    let variables = variables.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    Shop { sim, cloud, folder, variables }
}

/// `ec2-stories image …`, not started yet.
fn image(shop: &Shop, arguments: &[&str]) -> Command {
    let mut process = ec2_stories(shop.folder.path());
    process.arg("image").args(arguments).args(["--region", "us-east-1"]);
    process.env("AWS_ENDPOINT_URL", shop.cloud.url()).envs(shop.variables.iter().cloned());
    process
}

/// A disk of this size whose content no compression shortens.
fn disk(shop: &Shop, name: &str, bytes: usize) {
    let mut state = 0x9e37_79b9_u32 ^ bytes as u32;
    let mut content: Vec<u8> = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (state >> 24) as u8
    })
    .take(bytes)
    .collect();
    content[510..512].copy_from_slice(&[0x55, 0xaa]);
    content[446..510].fill(0);
    std::fs::write(shop.path(name), content).unwrap();
}
