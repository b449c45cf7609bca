//! Packages of the distribution.

mod apt;
mod rpm;

use std::time::Duration;

use async_trait::async_trait;
use ec2_stories_core::{Error, Result};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};

use super::host::Host;
use super::steps::{failure, refused};
use super::{Apply, is_false};
use crate::{Command, Output};

/// Between two tries while another program holds the package manager's lock.
const LOCKED: Duration = Duration::from_secs(3);

/// Packages that shall be there; one that is there already is a success. A version is said as `nginx=1.22.1-9`.
///
/// Debian's and Ubuntu's names (`apt`) and those of the RPM distributions (`dnf`) can both be said: each host takes its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Packages {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    apt: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    dnf: Vec<String>,
    #[serde(default = "an_hour", with = "humantime_serde")]
    lists: Duration,
    #[serde(default = "five_minutes", with = "humantime_serde")]
    lock: Duration,
    #[serde(default = "half_an_hour", with = "humantime_serde")]
    timeout: Duration,
    #[serde(default, skip_serializing_if = "is_false")]
    undo: bool,
}

fn an_hour() -> Duration {
    Duration::from_secs(3600)
}

/// The first boot's own updates take this long on a small machine.
fn five_minutes() -> Duration {
    Duration::from_secs(300)
}

fn half_an_hour() -> Duration {
    Duration::from_secs(1800)
}

impl Packages {
    /// These packages of Debian or Ubuntu.
    pub fn apt<P: Into<String>>(packages: impl IntoIterator<Item = P>) -> Self {
        Self { apt: packages.into_iter().map(Into::into).collect(), ..Self::empty() }
    }

    /// These packages of Amazon Linux, Fedora and their like: by dnf, or by yum where there is no dnf.
    pub fn dnf<P: Into<String>>(packages: impl IntoIterator<Item = P>) -> Self {
        Self { dnf: packages.into_iter().map(Into::into).collect(), ..Self::empty() }
    }

    fn empty() -> Self {
        Self {
            apt: Vec::new(),
            dnf: Vec::new(),
            lists: an_hour(),
            lock: five_minutes(),
            timeout: half_an_hour(),
            undo: false,
        }
    }

    /// And on RPM distributions these.
    #[must_use]
    pub fn or_dnf<P: Into<String>>(mut self, packages: impl IntoIterator<Item = P>) -> Self {
        self.dnf = packages.into_iter().map(Into::into).collect();
        self
    }

    /// Gets apt's lists anew when they are older than this. 1 h where not said.
    #[must_use]
    pub fn lists(mut self, no_older_than: Duration) -> Self {
        self.lists = no_older_than;
        self
    }

    /// Waits this long for another program that holds the package manager's lock. 5 min where not said.
    #[must_use]
    pub fn lock(mut self, limit: Duration) -> Self {
        self.lock = limit;
        self
    }

    /// Ends an installation on the host after this long. 30 min where not said.
    #[must_use]
    pub fn timeout(mut self, after: Duration) -> Self {
        self.timeout = after;
        self
    }

    /// Undo removes those that were not there before.
    #[must_use]
    pub fn undone(mut self) -> Self {
        self.undo = true;
        self
    }

    /// Runs a package manager's command, again and again while another holds the lock.
    async fn unlocked(&self, host: &Host, command: &Command, is_locked: fn(&str) -> bool) -> Result<Output> {
        let deadline = Instant::now() + self.lock;
        loop {
            let output = host.run(&command.clone().timeout(self.timeout)).await?;
            let said = output.stderr.text();
            let Some(locked) = said.lines().find(|line| !output.exit.is_success() && is_locked(line)) else {
                return Ok(output);
            };
            if Instant::now() + LOCKED >= deadline {
                let why = format!("another program has held the lock for {:?}", self.lock);
                return Err(failure(format!("{why}: {locked}")));
            }
            sleep(LOCKED).await;
        }
    }

    async fn manager(&self, host: &Host) -> Result<Manager> {
        let output = host.script("look for a package manager", MANAGER, &[]).await?;
        match output.stdout.text().trim() {
            "apt-get" if !self.apt.is_empty() => Ok(Manager::Apt),
            "dnf" if !self.dnf.is_empty() => Ok(Manager::Rpm("dnf")),
            "yum" if !self.dnf.is_empty() => Ok(Manager::Rpm("yum")),
            "" => Err(failure("the host has none of apt-get, dnf and yum")),
            other => Err(failure(format!("the host has {other}, and no package is named for it"))),
        }
    }

    fn wanted(&self, manager: Manager) -> Vec<Wanted<'_>> {
        let names = if manager == Manager::Apt { &self.apt } else { &self.dnf };
        names.iter().map(|name| Wanted::of(name)).collect()
    }

    async fn remove(&self, host: &Host, manager: Manager, names: &[String]) -> Result<()> {
        let removed = match manager {
            Manager::Apt => self.unlocked(host, &apt::remove(names, self.lock), apt::is_locked).await?,
            Manager::Rpm(program) => {
                self.unlocked(host, &rpm::remove(program, names), rpm::is_locked).await?
            }
        };
        removed.checked("remove packages").map(drop)
    }
}

/// What the host installs packages with.
const MANAGER: &str = "for manager in apt-get dnf yum; do \
    command -v $manager >/dev/null 2>&1 && echo $manager && exit 0; done; exit 0";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manager {
    Apt,
    Rpm(&'static str),
}

/// A package, and its version where that is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Wanted<'a> {
    name: &'a str,
    version: Option<&'a str>,
}

impl<'a> Wanted<'a> {
    fn of(text: &'a str) -> Self {
        match text.split_once('=') {
            Some((name, version)) => Self { name, version: Some(version) },
            None => Self { name: text, version: None },
        }
    }
}

fn check_names(field: &str, names: &[String]) -> Result<()> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "+.:~_-^@/".contains(c);
    let good = |part: &str| !part.is_empty() && !part.starts_with('-') && part.chars().all(plain);
    for name in names {
        let Wanted { name: package, version } = Wanted::of(name);
        if !good(package) || package.ends_with(['-', '+']) || !version.is_none_or(good) {
            return Err(Error::invalid(
                field,
                format!("{name:?} is not a package, such as \"nginx\" or \"nginx=1.22.1-9\""),
            ));
        }
    }
    Ok(())
}

#[async_trait]
impl Apply for Packages {
    fn title(&self) -> String {
        let names = if self.apt.is_empty() { &self.dnf } else { &self.apt };
        format!("packages {}", names.join(" "))
    }

    fn key(&self) -> String {
        self.title()
    }

    fn check(&self) -> Result<()> {
        if self.apt.is_empty() && self.dnf.is_empty() {
            return Err(refused("packages", "names no package: say apt, dnf or both"));
        }
        if self.timeout.is_zero() {
            return Err(refused("packages.timeout", "must be more than nothing"));
        }
        check_names("packages.apt", &self.apt)?;
        check_names("packages.dnf", &self.dnf)
    }

    fn is_undone(&self) -> bool {
        self.undo
    }

    async fn apply(&self, host: &mut Host) -> Result<bool> {
        let manager = self.manager(host).await?;
        let wanted = self.wanted(manager);
        let missing = match manager {
            Manager::Apt => apt::missing(host, &wanted).await?,
            Manager::Rpm(_) => rpm::missing(host, &wanted).await?,
        };
        if missing.is_empty() {
            return Ok(false);
        }
        if self.undo {
            let mut ours: Vec<String> = host.kept()?.unwrap_or_default();
            ours.extend(
                missing.iter().filter(|missing| !missing.is_there).map(|missing| missing.name.clone()),
            );
            ours.sort();
            ours.dedup();
            host.keep(&ours).await?;
        }
        host.about_to_change().await?;
        let names: Vec<String> = missing.into_iter().map(|missing| missing.asked).collect();
        match manager {
            Manager::Apt => apt::install(self, host, &names).await,
            Manager::Rpm(program) => rpm::install(self, host, program, &names).await,
        }
    }

    async fn take_back(&self, host: &mut Host) -> Result<bool> {
        let ours: Vec<String> = host.kept()?.unwrap_or_default();
        if !ours.is_empty() {
            let manager = self.manager(host).await?;
            self.remove(host, manager, &ours).await?;
        }
        let did = host.kept::<Vec<String>>()?.is_some();
        host.forget().await?;
        Ok(did)
    }
}

/// A package that is not there, or not in the version that is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Missing {
    name: String,
    /// As the package manager is asked for it.
    asked: String,
    /// In another version.
    is_there: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_would_be_options_or_removals_are_refused() {
        for name in ["-y", "", "nginx-", "g++ ; reboot", "nginx=", "=1", "nginx=-1", "a b", "vim+"] {
            assert!(Packages::apt([name]).check().is_err(), "{name}");
        }
        Packages::apt(["nginx=1.22.1-9+deb12u1", "libc6:arm64", "python3.11"]).check().unwrap();
        assert!(Packages::apt(Vec::<String>::new()).check().is_err());
    }
}
