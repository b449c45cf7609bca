//! What a controller process is told, and how one is run.

use std::fs::File;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::process::Command;

use super::TEST;
use super::boundary::Boundaries;
use super::place::Place;
use super::plan::{Duty, Life};

/// The variable that makes this test's program a controller.
const ORDER: &str = "EC2_STORIES_TEST_CONTROLLER";

/// Far above what any life takes; one that hangs ends here.
const PATIENCE: Duration = Duration::from_secs(120);

/// Lines of what a controller said that are shown, before and after what went wrong.
const LAST: usize = 15;

/// What a controller is told.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Order {
    pub(super) url: String,
    pub(super) folder: PathBuf,
    pub(super) scenario: String,
    /// As a plan writes it.
    pub(super) life: String,
}

/// How a controller ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// By its own SIGKILL.
    Killed,
    /// It did all that it was to do.
    Done,
}

impl Order {
    /// What this process is told, if it is a controller.
    pub(super) fn from_environment() -> Option<Self> {
        Some(serde_json::from_str(&std::env::var(ORDER).ok()?).expect("an order"))
    }

    /// Does what the order says, or dies on the way.
    pub(super) async fn obey(self) {
        let life: Life = self.life.parse().unwrap();
        let boundaries = Boundaries::dying_at(life.dies_at);
        let place = Place { url: self.url, folder: self.folder, boundaries };
        let scenario: super::scenario::Scenario = self.scenario.parse().unwrap();
        match life.duty {
            Duty::Whole => scenario.live(&place).await,
            Duty::TakeDown => {
                scenario.deployment(&place).await.terminate().await.unwrap().assert_clean();
            }
        }
    }

    /// Runs a process that obeys; what it says goes to `log`.
    ///
    /// # Errors
    /// How it failed, and the end of what it said.
    pub(super) async fn run(&self, log: &Path) -> Result<End, String> {
        let mut process = Command::new(std::env::current_exe().unwrap());
        process.args(["--exact", TEST, "--nocapture"]);
        process.env(ORDER, serde_json::to_string(self).unwrap());
        let said = File::create(log).unwrap();
        process.stdin(Stdio::null()).stdout(said.try_clone().unwrap()).stderr(said).kill_on_drop(true);
        let mut process = process.spawn().unwrap();
        let status = match tokio::time::timeout(PATIENCE, process.wait()).await {
            Ok(status) => status.unwrap(),
            Err(_) => return Err(format!("it hangs\n{}", tail(log))),
        };
        match (status.success(), status.signal()) {
            (true, _) => Ok(End::Done),
            (false, Some(9)) => Ok(End::Killed),
            _ => Err(format!("{status}\n{}", tail(log))),
        }
    }
}

/// What it said when it failed, and last.
fn tail(log: &Path) -> String {
    let said = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = said.lines().collect();
    let panic = lines.iter().position(|line| line.contains("panicked at")).unwrap_or(lines.len());
    let last = lines.len().saturating_sub(LAST).max(panic);
    let before = panic.saturating_sub(LAST);
    [&lines[before..lines.len().min(panic + LAST)], &["…"], &lines[last..]].concat().join("\n")
}

/// How many boundaries a controller passed, by what it said.
pub(super) fn boundaries(log: &Path) -> u64 {
    let said = std::fs::read_to_string(log).unwrap();
    let boundary = |line: &str| line.strip_prefix("boundary ")?.split(':').next()?.parse().ok();
    said.lines().filter_map(boundary).max().unwrap_or(0)
}
