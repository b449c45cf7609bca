//! The cloud: a process of its own, which survives every controller.

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;

use ec2_stories::prelude::*;
use ec2_stories::sim::{ACCESS_KEY_ID, SECRET_ACCESS_KEY};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// Simulated seconds in a second: an instance boots in a third of a second.
const TIME_SCALE: &str = "100";

/// `ec2-stories sim`. It ends with this value.
#[derive(Debug)]
pub(super) struct Cloud {
    _process: Child,
    pub(super) url: String,
}

impl Cloud {
    pub(super) async fn start(folder: &Path, seed: u64) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_ec2-stories"));
        process.args(["sim", "--time-scale", TIME_SCALE, "--seed", &seed.to_string()]);
        process.current_dir(folder).env_clear().env("HOME", folder);
        process.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut process = process.spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let first = lines.next_line().await.unwrap().expect("it says where it listens");
        let url = first.strip_prefix("listening on ").expect("it says where it listens").to_owned();
        Self { _process: process, url }
    }
}

/// What any client of the cloud at `url` is configured with.
pub(super) async fn config(url: &str) -> aws_types::SdkConfig {
    let account = StaticAccount::new(ACCESS_KEY_ID, SECRET_ACCESS_KEY, "us-east-1");
    let config = ec2_stories::aws::sdk_config(Arc::new(account)).await.unwrap();
    config.into_builder().endpoint_url(url).build()
}
