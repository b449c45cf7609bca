//! Tests of what the environment says run again in a process of their own, since a process must not change its own.

use std::process::{Command, Stdio};

const PART: &str = "EC2_STORIES_TEST_PART";

/// What this process is to do, where it is such a child.
pub(crate) fn part() -> Option<String> {
    std::env::var(PART).ok()
}

/// Runs the test of this name in a child with this part and these variables, and none of AWS's beside them.
pub(crate) async fn run(test: &'static str, part: &str, variables: &[(&str, &str)]) {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", test]);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("AWS_")) {
        child.env_remove(name);
    }
    child.env("HOME", "/nonexistent").env(PART, part).envs(variables.iter().copied());
    // Its summary is not a second one of this run.
    child.stdout(Stdio::null());
    let status = tokio::task::spawn_blocking(move || child.status()).await.unwrap().unwrap();
    assert!(status.success(), "{test} {part:?} {variables:?}");
}
