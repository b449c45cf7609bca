//! `cargo xtask kills`: controllers that are killed at every boundary, and what came of it on one line.

use anyhow::{Context, Result, bail};

use crate::command::stream;
use crate::test::{BUILD_PATIENCE, EVERYTHING, cargo_of_tests};
use crate::workspace::Workspace;

/// The test that does it; `cargo xtask test` runs a sample of it.
const TEST: &str = "kills::a_controller_killed_at_any_boundary_launches_nothing_twice_and_leaves_nothing";

const DEFAULT_KILLS: &str = "1000";

/// Kills as often as the options say, and prints the figures once more as the last line.
pub(crate) fn run(workspace: &Workspace, options: &[&str]) -> Result<()> {
    let settings = settings(options)?;
    let mut tests = cargo_of_tests(
        &workspace.root,
        &format!("test {EVERYTHING} --test it -- --exact {TEST} --nocapture"),
    );
    tests.envs(settings);
    let said = stream(tests, BUILD_PATIENCE)?;
    let figures = said.out.iter().find(|line| line.starts_with("kills: "));
    if let Some(figures) = figures {
        println!("\n{figures}");
    }
    if !said.success {
        bail!("a controller that was killed did harm, or could not be followed by another: see above");
    }
    figures.map(drop).context("the test said nothing of kills")
}

/// The test's settings, as variables of the environment.
fn settings(options: &[&str]) -> Result<Vec<(&'static str, String)>> {
    let mut settings = vec![("EC2_STORIES_KILLS", DEFAULT_KILLS.to_owned())];
    for option in options.chunks(2) {
        match option {
            ["--kills", kills] => settings.push(("EC2_STORIES_KILLS", (*kills).to_owned())),
            ["--seed", seed] => settings.push(("EC2_STORIES_KILLS_SEED", (*seed).to_owned())),
            ["--only", plan] => settings.push(("EC2_STORIES_KILLS_ONLY", (*plan).to_owned())),
            other => bail!("`{}` is none of --kills N, --seed S, --only PLAN", other.join(" ")),
        }
    }
    Ok(settings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_become_settings_and_nonsense_is_refused() {
        let settings = settings(&["--seed", "7", "--kills", "50"]).unwrap();
        assert_eq!(settings.last().unwrap(), &("EC2_STORIES_KILLS", "50".to_owned()));
        assert!(super::settings(&["--kills"]).is_err());
        assert!(super::settings(&["--sede", "7"]).is_err());
    }
}
