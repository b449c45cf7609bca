//! The command line as a process, on a simulation that the test holds.

mod crash;
mod hand_over;
mod image;
mod killed;
mod lifecycle;
mod orders;
mod people;
mod remote;
mod s3;
mod secret_file;
mod secrets;
mod silent;
mod sim;
mod usage;

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use ec2_stories::sim::{ACCESS_KEY_ID, Latencies, Listener, Sim};
use ec2_stories::{Clock, SystemClock};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

/// Far above what any step takes; a test that hangs ends here.
const PATIENCE: Duration = Duration::from_secs(60);

const STORY: &str = "name = 'shop'\n\n[[fleet]]\nname = 'web'\nnodes = 2\nimage = { public = 'debian-12' }\n";

/// A story in a folder of its own, and the cloud that it is deployed to.
struct Shop {
    sim: Sim,
    cloud: Listener,
    folder: TempDir,
    variables: Vec<(String, String)>,
}

impl Shop {
    async fn new(story: &str) -> Self {
        let latency = Latencies::builder()
            .boot(Duration::from_millis(600))
            .terminate(Duration::from_millis(300))
            .status_checks(Duration::from_millis(600))
            .build();
        // The program reads the real clock.
        let sim = Sim::builder().latency(latency).start(SystemClock.now()).build();
        let cloud = sim.listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("shop.toml"), story).unwrap();
        let variables = [("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID), ("AWS_SECRET_ACCESS_KEY", "not-to-be-seen")];
        let variables = variables.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        Self { sim, cloud, folder, variables }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `ec2-stories COMMAND shop.toml --json …`, not started yet.
    fn command(&self, command: &str, more: &[&str]) -> Command {
        let mut process = self.for_people(command, more);
        process.arg("--json");
        process
    }

    /// As [`command`](Self::command), without `--json`.
    fn for_people(&self, command: &str, more: &[&str]) -> Command {
        let mut process = ec2_stories(self.folder.path());
        process.arg(command).arg("shop.toml").args(more);
        process.env("AWS_ENDPOINT_URL", self.cloud.url()).env("AWS_REGION", "us-east-1");
        process.envs(self.variables.iter().cloned());
        process
    }

    /// Runs a command to its end.
    async fn run(&self, command: &str, more: &[&str]) -> Ended {
        Ended::of(self.command(command, more)).await
    }

    /// Starts `start` and leaves it running.
    fn start(&self, more: &[&str]) -> Started {
        Started::spawn(self.command("start", more))
    }

    /// Instances that are pending or running.
    fn alive(&self) -> usize {
        self.sim.running().len()
    }

    /// Waits until `condition` holds.
    async fn until(&self, what: &str, condition: impl Fn(&Sim) -> bool) {
        let reached = async {
            while !condition(&self.sim) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        assert!(tokio::time::timeout(PATIENCE, reached).await.is_ok(), "never: {what}");
    }
}

/// The program, with nothing of this process's environment that could lead it to a real cloud.
fn ec2_stories(folder: &Path) -> Command {
    let mut process = Command::new(env!("CARGO_BIN_EXE_ec2-stories"));
    process.current_dir(folder).env_clear().env("HOME", folder).env("AWS_EC2_METADATA_DISABLED", "true");
    process.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    process
}

/// How a process ended.
#[derive(Debug)]
struct Ended {
    status: ExitStatus,
    stdout: String,
    stderr: String,
}

impl Ended {
    async fn of(mut process: Command) -> Self {
        let output = tokio::time::timeout(PATIENCE, process.output()).await.expect("it ends").unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Self { status: output.status, stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    #[track_caller]
    fn expect(self, code: i32) -> Self {
        assert_eq!(self.status.code(), Some(code), "{self:#?}");
        self
    }

    /// The last line of output, as JSON.
    #[track_caller]
    fn json(&self) -> Value {
        let line = self.stdout.lines().last().unwrap_or_default();
        serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }
}

/// A process that goes on.
struct Started {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    seen: String,
}

impl Started {
    fn spawn(mut process: Command) -> Self {
        let mut child = process.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines, seen: String::new() }
    }

    /// Reads on until a line satisfies `wanted`.
    async fn line(&mut self, wanted: impl Fn(&str) -> bool) -> String {
        let found = async {
            while let Some(line) = self.lines.next_line().await.unwrap() {
                self.seen.push_str(&line);
                self.seen.push('\n');
                if wanted(&line) {
                    return Some(line);
                }
            }
            None
        };
        match tokio::time::timeout(PATIENCE, found).await {
            Ok(Some(line)) => line,
            _ => {
                let errors = self.errors().await;
                panic!("the line never came; standard output was:\n{}\n{errors}", self.seen)
            }
        }
    }

    async fn errors(&mut self) -> String {
        let _ = self.child.start_kill();
        let mut text = String::new();
        if let Some(mut stderr) = self.child.stderr.take() {
            let _ = stderr.read_to_string(&mut text).await;
        }
        text
    }

    /// Waits until the nodes are ready.
    async fn ready(&mut self) {
        self.line(|line| line.starts_with("{\"ready\"")).await;
    }

    /// Sends a signal: `INT`, `TERM`, `HUP`.
    fn signal(&self, signal: &str) {
        let pid = self.child.id().expect("it runs").to_string();
        let sent = std::process::Command::new("kill").args(["-s", signal, &pid]).status().unwrap();
        assert!(sent.success());
    }

    /// Waits for its end.
    async fn end(mut self) -> Ended {
        let mut rest = String::new();
        let ended = async {
            while let Some(line) = self.lines.next_line().await.unwrap() {
                rest.push_str(&line);
                rest.push('\n');
            }
            let mut stderr = String::new();
            self.child.stderr.take().unwrap().read_to_string(&mut stderr).await.unwrap();
            (self.child.wait().await.unwrap(), stderr)
        };
        let (status, stderr) = tokio::time::timeout(PATIENCE, ended).await.expect("it ends");
        Ended { status, stdout: self.seen + &rest, stderr }
    }
}
