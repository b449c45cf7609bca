//! A command.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use ec2_stories_core::Result;
use ec2_stories_core::attributes::Template;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Apply;
use super::file::check_name;
use super::host::Host;
use super::place::check_path;
use super::steps::{failure, refused};
use crate::ready::withhold;
use crate::{Command, Output};

/// Lines of a failed command's complaints that are shown.
const TAIL: usize = 5;

/// A command. With a condition (`only_if`, `unless`, `creates`) it runs when that says so; without one it runs once on
/// an instance, and again when the command itself is another. One that was interrupted runs again.
///
/// Where `only_if` fails the command is not for this node, and is skipped; the others are not asked then. Where `unless` succeeds or
/// `creates` is there the node is as it should be, and unchanged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    run: Vec<Template>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shell: Option<Template>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    only_if: Vec<Template>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    unless: Vec<Template>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    creates: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    env: BTreeMap<String, Template>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    folder: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stdin: Option<Template>,
    #[serde(default = "quarter_of_an_hour", with = "humantime_serde")]
    timeout: Duration,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    undo: Vec<Template>,
}

/// As long as a slow machine needs to compile something small.
fn quarter_of_an_hour() -> Duration {
    Duration::from_secs(900)
}

fn literals<A: Into<String>>(words: impl IntoIterator<Item = A>) -> Vec<Template> {
    words.into_iter().map(Template::literal).collect()
}

impl Run {
    /// A program and its arguments, which reach it as they are.
    pub fn new<A: Into<String>>(words: impl IntoIterator<Item = A>) -> Self {
        Self { run: literals(words), ..Self::empty() }
    }

    /// A program and its arguments, whose references are resolved when the step runs.
    pub fn templates(words: impl IntoIterator<Item = Template>) -> Self {
        Self { run: words.into_iter().collect(), ..Self::empty() }
    }

    /// A script of the host's `/bin/sh`.
    pub fn shell(script: Template) -> Self {
        Self { shell: Some(script), ..Self::empty() }
    }

    fn empty() -> Self {
        Self {
            run: Vec::new(),
            shell: None,
            name: None,
            only_if: Vec::new(),
            unless: Vec::new(),
            creates: None,
            env: BTreeMap::new(),
            folder: None,
            user: None,
            stdin: None,
            timeout: quarter_of_an_hour(),
            undo: Vec::new(),
        }
    }

    /// What it is called in reports. A command that is changed under the same name is the same step.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Runs only where this command succeeds; else it is skipped.
    #[must_use]
    pub fn only_if<A: Into<String>>(mut self, words: impl IntoIterator<Item = A>) -> Self {
        self.only_if = literals(words);
        self
    }

    /// Runs only where this command fails.
    #[must_use]
    pub fn unless<A: Into<String>>(mut self, words: impl IntoIterator<Item = A>) -> Self {
        self.unless = literals(words);
        self
    }

    /// Runs only where nothing is at this path.
    #[must_use]
    pub fn creates(mut self, path: impl Into<String>) -> Self {
        self.creates = Some(path.into());
        self
    }

    /// Sets an environment variable. Other users of the host can see it for a moment: no place for a secret.
    #[must_use]
    pub fn env(mut self, name: impl Into<String>, value: Template) -> Self {
        self.env.insert(name.into(), value);
        self
    }

    /// Runs it in this folder.
    #[must_use]
    pub fn folder(mut self, path: impl Into<String>) -> Self {
        self.folder = Some(path.into());
        self
    }

    /// Runs it, and its conditions, as this user.
    #[must_use]
    pub fn user(mut self, user: impl Into<String>) -> Self {
        self.user = Some(user.into());
        self
    }

    /// Gives it this to read.
    #[must_use]
    pub fn stdin(mut self, text: Template) -> Self {
        self.stdin = Some(text);
        self
    }

    /// Ends it on the host after this long. 15 min where not said.
    #[must_use]
    pub fn timeout(mut self, after: Duration) -> Self {
        self.timeout = after;
        self
    }

    /// Undo runs this command, if the step's own has run.
    #[must_use]
    pub fn undone_by<A: Into<String>>(mut self, words: impl IntoIterator<Item = A>) -> Self {
        self.undo = literals(words);
        self
    }

    fn has_condition(&self) -> bool {
        !self.only_if.is_empty() || !self.unless.is_empty() || self.creates.is_some()
    }

    fn command(&self, host: &Host) -> Result<Command> {
        let mut command = match &self.shell {
            Some(script) => Command::shell(host.resolve(script)?),
            None => words(host, &self.run)?,
        };
        if let Some(text) = &self.stdin {
            command = command.stdin(host.resolve(text)?);
        }
        self.prepared(host, command)
    }

    /// What the command and those that belong to it have in common.
    fn prepared(&self, host: &Host, command: Command) -> Result<Command> {
        let mut command = command.timeout(self.timeout);
        for (name, value) in &self.env {
            command = command.env(name, host.resolve(value)?);
        }
        if let Some(folder) = &self.folder {
            command = command.directory(folder);
        }
        Ok(command)
    }

    async fn run(&self, host: &Host, command: Command) -> Result<Output> {
        match &self.user {
            Some(user) => host.session().exec(&command.as_user(user)).await,
            None => host.run(&command).await,
        }
    }

    async fn says_yes(&self, host: &Host, condition: &[Template]) -> Result<bool> {
        let command = self.prepared(host, words(host, condition)?)?;
        Ok(self.run(host, command).await?.exit.is_success())
    }

    /// Whether `creates` and `unless` leave something to do.
    async fn is_wanted(&self, host: &Host) -> Result<bool> {
        if let Some(path) = &self.creates {
            let there = Command::new("test").args(["-e", path]).timeout(self.timeout);
            if self.run(host, there).await?.exit.is_success() {
                return Ok(false);
            }
        }
        Ok(self.unless.is_empty() || !self.says_yes(host, &self.unless).await?)
    }

    /// What tells this command from another one. Secrets are not kept: it is a hash.
    fn fingerprint(&self, host: &Host) -> Result<String> {
        let mut hash = Sha256::new();
        let mut add = |text: String| {
            hash.update(text.len().to_be_bytes());
            hash.update(text);
        };
        for template in self.run.iter().chain(&self.shell).chain(&self.stdin) {
            add(host.resolve(template)?);
        }
        for (name, value) in &self.env {
            add(name.clone());
            add(host.resolve(value)?);
        }
        add(format!("{:?} {:?}", self.folder, self.user));
        Ok(hex::encode(hash.finalize()))
    }
}

fn words(host: &Host, templates: &[Template]) -> Result<Command> {
    let mut words = templates.iter().map(|template| host.resolve(template));
    let program = words.next().ok_or_else(|| refused("command.run", "is empty"))??;
    Ok(Command::new(program).args(words.collect::<Result<Vec<_>>>()?))
}

/// A failure shows the end of what the command complained of, without what may be a secret.
fn succeeded(output: &Output) -> Result<()> {
    if output.exit.is_success() {
        return Ok(());
    }
    let text = [&output.stderr, &output.stdout].map(|captured| withhold(captured.text().trim_end()));
    let said = text.iter().find(|text| !text.is_empty()).map(String::as_str).unwrap_or_default();
    let lines: Vec<&str> = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let tail: String = lines[lines.len().saturating_sub(TAIL)..].join("; ");
    let tail: String = tail.chars().filter(|c| !c.is_control()).take(400).collect();
    Err(failure(if tail.is_empty() { output.exit.to_string() } else { format!("{}: {tail}", output.exit) }))
}

#[async_trait]
impl Apply for Run {
    fn title(&self) -> String {
        if let Some(name) = &self.name {
            return format!("command {name}");
        }
        let text = match &self.shell {
            Some(script) => script.to_string(),
            None => self.run.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
        };
        let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let short: String = line.chars().take(60).collect();
        format!("command {short}{}", if short.len() < line.len() { "…" } else { "" })
    }

    fn key(&self) -> String {
        self.title()
    }

    fn check(&self) -> Result<()> {
        match (&self.shell, self.run.is_empty()) {
            (Some(_), false) => {
                return Err(refused("command", "has both run and shell: leave one of them away"));
            }
            (None, true) => return Err(refused("command", "has neither run nor shell: say one of them")),
            _ => {}
        }
        if self.timeout.is_zero() {
            return Err(refused("command.timeout", "must be more than nothing"));
        }
        if let Some(path) = &self.creates {
            check_path("command.creates", path)?;
        }
        check_name("command.user", self.user.as_deref())
    }

    fn templates(&self) -> Vec<&Template> {
        let words = [&self.run, &self.only_if, &self.unless, &self.undo].into_iter().flatten();
        words.chain(&self.shell).chain(&self.stdin).chain(self.env.values()).collect()
    }

    fn is_undone(&self) -> bool {
        !self.undo.is_empty()
    }

    async fn is_meant(&self, host: &Host) -> Result<bool> {
        Ok(self.only_if.is_empty() || self.says_yes(host, &self.only_if).await?)
    }

    async fn apply(&self, host: &mut Host) -> Result<bool> {
        let fingerprint = self.fingerprint(host)?;
        let wanted = match self.has_condition() {
            true => self.is_wanted(host).await?,
            false => host.kept::<String>()?.as_ref() != Some(&fingerprint),
        };
        if !wanted {
            return Ok(false);
        }
        host.about_to_change().await?;
        let command = self.command(host)?;
        succeeded(&self.run(host, command).await?)?;
        if !self.has_condition() || self.is_undone() {
            host.keep(&fingerprint).await?;
        }
        Ok(true)
    }

    async fn take_back(&self, host: &mut Host) -> Result<bool> {
        if host.kept::<String>()?.is_none() {
            return Ok(false);
        }
        let command = self.prepared(host, words(host, &self.undo)?)?;
        succeeded(&self.run(host, command).await?)?;
        host.forget().await?;
        Ok(true)
    }
}
