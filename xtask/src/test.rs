//! `cargo xtask test`: everything that can pass or fail, counted on one line.

mod examples;
mod summary;
mod tally;

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::thread::available_parallelism;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::command::{Said, cargo, output, shown, stream};
use crate::packages;
use crate::peers;
use crate::workspace::Workspace;
use tally::Tally;

/// One set of features for every build here: another set would build aws-sdk-ec2 (minutes) once more.
pub(crate) const EVERYTHING: &str = "--workspace --all-features";

/// Tests at once beside one a core that computes: the other groups of `.config/nextest.toml`.
const BESIDE: usize = 3;

/// A cold build of aws-sdk-ec2 says nothing for minutes; what is silent for longer hangs.
pub(crate) const BUILD_PATIENCE: Duration = Duration::from_secs(45 * 60);

/// Runs everything, or the tests that match a nextest filter. The last line is the count.
pub(crate) fn run(workspace: &Workspace, filter: Option<&str>) -> ExitCode {
    let runner = Runner::install(workspace);
    let mut tally = Tally::default();
    tally += runner.tests(filter);
    if filter.is_none() {
        tally += runner.step(&format!("test {EVERYTHING} --doc --no-fail-fast"), summary::cargo_test);
        // The profile of tests, whose dependencies are built by now; a bench profile would build its own.
        tally += runner.step(&format!("build {EVERYTHING} --benches"), |_| Tally::passed(1));
        tally += examples::run(&runner);
    }
    if let Err(error) = &runner.peers {
        tally += Tally::broken(&format!("the peers could not be installed: {error:#}"));
    }
    println!("\n{tally}");
    ExitCode::from(u8::from(tally.failed > 0 || tally.passed == 0))
}

struct Runner<'a> {
    workspace: &'a Workspace,
    peers: Result<OsString>,
}

impl<'a> Runner<'a> {
    fn install(workspace: &'a Workspace) -> Self {
        let root = &workspace.root;
        let peers = packages::install(root).and_then(|()| peers::install(root));
        Self { workspace, peers: peers.map(OsString::from) }
    }

    fn tests(&self, filter: Option<&str>) -> Tally {
        let nextest = output(cargo(&self.workspace.root, "nextest --version")).is_ok();
        match (nextest, filter) {
            (true, filter) => {
                let at_once = available_parallelism().map_or(1, usize::from) + BESIDE;
                let mut tests =
                    self.cargo(&format!("nextest run {EVERYTHING} --no-fail-fast --test-threads {at_once}"));
                tests.args(filter.into_iter().flat_map(|filter| ["--filterset", filter]));
                self.run(tests, BUILD_PATIENCE, summary::nextest)
            }
            (false, None) => {
                self.step(&format!("test {EVERYTHING} --tests --no-fail-fast"), summary::cargo_test)
            }
            (false, Some(_)) => Tally::broken(&"a filter needs cargo-nextest: cargo install cargo-nextest"),
        }
    }

    /// Runs a cargo command and counts what it ran.
    fn step(&self, arguments: &str, count: impl Fn(&Said) -> Tally) -> Tally {
        self.run(self.cargo(arguments), BUILD_PATIENCE, count)
    }

    fn run(&self, command: Command, patience: Duration, count: impl Fn(&Said) -> Tally) -> Tally {
        let shown = shown(&command);
        eprintln!("\n$ {shown}");
        counted(stream(command, patience).context(shown), count)
    }

    /// A cargo whose tests know where the peers are, too.
    fn cargo(&self, arguments: &str) -> Command {
        let mut cargo = cargo_of_tests(&self.workspace.root, arguments);
        if let Ok(peers) = &self.peers {
            cargo.env("EC2_STORIES_PEERS", peers);
        }
        cargo
    }
}

fn counted(said: Result<Said>, count: impl Fn(&Said) -> Tally) -> Tally {
    match said {
        Ok(said) => count(&said).and_ended(said.success),
        Err(error) => Tally::broken(&format!("{error:#}")),
    }
}

/// A cargo whose tests know nothing about any real account.
pub(crate) fn cargo_of_tests(root: &Path, arguments: &str) -> Command {
    let mut cargo = cargo(root, arguments);
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("AWS_") || name == "EC2_STORIES_LIVE") {
            cargo.env_remove(name);
        }
    }
    cargo.env("AWS_EC2_METADATA_DISABLED", "true");
    cargo.env("CARGO_TERM_COLOR", "never"); // Summaries are read by programs.
    cargo
}
