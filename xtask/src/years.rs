//! `cargo xtask years`: lives of deployments in virtual time, and what came of them on one line.

use anyhow::{Context, Result, bail};

use crate::command::stream;
use crate::test::{BUILD_PATIENCE, cargo_of_tests};
use crate::workspace::Workspace;

/// The test that does it; `cargo xtask test` lives seventeen node-years of it.
const TEST: &str = "years::in_decades_nothing_is_launched_twice_nothing_healthy_harmed_and_nothing_left";

const DEFAULT_YEARS: &str = "200";

/// Lives as long as the options say, and prints the figures once more as the last line.
pub(crate) fn run(workspace: &Workspace, options: &[&str]) -> Result<()> {
    let settings = settings(options)?;
    // The core alone, optimized: a decade then costs a minute.
    let arguments =
        format!("test --release -p ec2-stories-core --all-features --test it -- --exact {TEST} --nocapture");
    let mut tests = cargo_of_tests(&workspace.root, &arguments);
    tests.envs(settings);
    let said = stream(tests, BUILD_PATIENCE)?;
    let figures = said.out.iter().find(|line| line.starts_with("years: "));
    if let Some(figures) = figures {
        println!("\n{figures}");
    }
    if !said.success {
        bail!("in some life something happened that must not: see above");
    }
    figures.map(drop).context("the test said nothing of years")
}

/// The test's settings, as variables of the environment.
fn settings(options: &[&str]) -> Result<Vec<(&'static str, String)>> {
    let mut settings = vec![("EC2_STORIES_YEARS", DEFAULT_YEARS.to_owned())];
    for option in options.chunks(2) {
        match option {
            ["--years", years] => settings.push(("EC2_STORIES_YEARS", (*years).to_owned())),
            ["--seed", seed] => settings.push(("EC2_STORIES_YEARS_FROM", (*seed).to_owned())),
            other => bail!("`{}` is none of --years N, --seed S", other.join(" ")),
        }
    }
    Ok(settings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_become_settings_and_nonsense_is_refused() {
        let settings = settings(&["--seed", "7", "--years", "50"]).unwrap();
        assert_eq!(settings.last().unwrap(), &("EC2_STORIES_YEARS", "50".to_owned()));
        assert!(super::settings(&["--years"]).is_err());
        assert!(super::settings(&["--jears", "7"]).is_err());
    }
}
