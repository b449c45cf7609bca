//! A user.

use async_trait::async_trait;
use ec2_stories_core::{ErrorKind, Result};
use serde::{Deserialize, Serialize};

use super::file::check_name;
use super::host::Host;
use super::place::check_path;
use super::steps::{failure, refused};
use super::{Apply, is_false};

/// `$1` is the name. What there is of it: nothing, or shell, home, and all groups.
const LOOK: &str = r#"entry=$(getent passwd "$1") || exit 0
printf '%s\n' "${entry##*:}"
entry=${entry%:*}
printf '%s\n' "${entry##*:}"
id -nG -- "$1""#;

/// `$1` is the name; the rest are groups.
const GROUPS: &str = r#"for group; do
  getent group "$group" >/dev/null || groupadd -- "$group" || exit 1
done"#;

/// A user of the node. One that is there keeps what is not said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    name: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    groups: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shell: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    home: Option<String>,
    #[serde(default, skip_serializing_if = "is_false")]
    system: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    undo: bool,
}

#[derive(Debug, PartialEq, Eq)]
struct Found {
    shell: String,
    home: String,
    groups: Vec<String>,
}

impl User {
    /// A user of this name, with a home and `/bin/sh`.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), groups: Vec::new(), shell: None, home: None, system: false, undo: false }
    }

    /// Who is in these groups as well. A group that is not there is made.
    #[must_use]
    pub fn groups<G: Into<String>>(mut self, groups: impl IntoIterator<Item = G>) -> Self {
        self.groups = groups.into_iter().map(Into::into).collect();
        self
    }

    /// With this shell.
    #[must_use]
    pub fn shell(mut self, path: impl Into<String>) -> Self {
        self.shell = Some(path.into());
        self
    }

    /// With this home. One that a user has already is not moved.
    #[must_use]
    pub fn home(mut self, path: impl Into<String>) -> Self {
        self.home = Some(path.into());
        self
    }

    /// For a service: with a low number.
    #[must_use]
    pub fn system(mut self) -> Self {
        self.system = true;
        self
    }

    /// Undo removes the user, with its home, if this step made it.
    #[must_use]
    pub fn undone(mut self) -> Self {
        self.undo = true;
        self
    }

    async fn look(&self, host: &Host) -> Result<Option<Found>> {
        let said = host.script("look for the user", LOOK, &[&self.name]).await?.stdout.text();
        Ok(parse(&said))
    }

    fn is_settled(&self, found: &Found) -> bool {
        self.shell.as_ref().is_none_or(|shell| *shell == found.shell)
            && self.home.as_ref().is_none_or(|home| *home == found.home)
            && self.groups.iter().all(|group| found.groups.contains(group))
    }

    fn add(&self) -> Vec<&str> {
        let mut arguments = vec!["-m", "-s", self.shell.as_deref().unwrap_or("/bin/sh")];
        if self.system {
            arguments.push("-r");
        }
        if let Some(home) = &self.home {
            arguments.extend(["-d", home]);
        }
        arguments
    }

    fn change(&self) -> Vec<&str> {
        let mut arguments = Vec::new();
        if let Some(shell) = &self.shell {
            arguments.extend(["-s", shell.as_str()]);
        }
        if let Some(home) = &self.home {
            arguments.extend(["-d", home.as_str()]);
        }
        arguments
    }
}

fn parse(said: &str) -> Option<Found> {
    let mut lines = said.lines();
    let (shell, home) = (lines.next()?.to_owned(), lines.next()?.to_owned());
    let groups = lines.next().unwrap_or_default().split_whitespace().map(str::to_owned).collect();
    Some(Found { shell, home, groups })
}

#[async_trait]
impl Apply for User {
    fn title(&self) -> String {
        format!("user {}", self.name)
    }

    fn key(&self) -> String {
        self.title()
    }

    fn check(&self) -> Result<()> {
        check_name("user.name", Some(&self.name))?;
        for group in &self.groups {
            check_name("user.groups", Some(group))?;
        }
        if self.undo && self.name == "root" {
            return Err(refused("user.undo", "root cannot be removed"));
        }
        for (field, path) in [("user.shell", &self.shell), ("user.home", &self.home)] {
            if let Some(path) = path {
                check_path(field, path)?;
            }
        }
        Ok(())
    }

    fn is_undone(&self) -> bool {
        self.undo
    }

    async fn apply(&self, host: &mut Host) -> Result<bool> {
        let found = self.look(host).await?;
        if found.as_ref().is_some_and(|found| self.is_settled(found)) {
            return Ok(false);
        }
        if self.undo && host.kept::<bool>()?.is_none() {
            host.keep(&found.is_none()).await?;
        }
        host.about_to_change().await?;
        let groups: Vec<&str> = self.groups.iter().map(String::as_str).collect();
        host.script("make groups", GROUPS, &groups).await?;
        let (program, mut arguments) =
            if found.is_some() { ("usermod", self.change()) } else { ("useradd", self.add()) };
        let list = groups.join(",");
        if !groups.is_empty() {
            let append: &[&str] = if found.is_some() { &["-a", "-G"] } else { &["-G"] };
            arguments.extend(append);
            arguments.push(&list);
        }
        arguments.extend(["--", &self.name]);
        let script = format!("exec {program} \"$@\"");
        host.script(program, &script, &arguments).await?;
        match self.look(host).await? {
            Some(found) if self.is_settled(&found) => Ok(true),
            _ => Err(failure("the host does not show the user as it was made")),
        }
    }

    async fn take_back(&self, host: &mut Host) -> Result<bool> {
        let Some(made) = host.kept::<bool>()? else { return Ok(false) };
        let there = self.look(host).await?.is_some();
        if made && there {
            // Status 12: the home could not be removed, 6: the user is gone. -f: also while one of its processes runs.
            let script = r#"userdel -f -r -- "$1" 2>&1; s=$?; [ $s = 6 ] || [ $s = 12 ] || exit $s"#;
            let removed = host.script("userdel", script, &[&self.name]).await;
            removed.map_err(|error| match error.kind() {
                ErrorKind::Failed => failure("userdel failed").because(error),
                _ => error,
            })?;
        }
        host.forget().await?;
        Ok(made && there)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_there_is_of_a_user_is_read() {
        let found = parse("/bin/bash\n/home/app\napp www-data\n").unwrap();
        let user = User::named("app").groups(["www-data"]);
        assert!(user.is_settled(&found) && user.clone().shell("/bin/bash").is_settled(&found));
        assert!(!user.clone().groups(["docker"]).is_settled(&found) && !user.home("/srv").is_settled(&found));
        assert_eq!(parse(""), None);
    }

    #[test]
    fn names_are_names() {
        for name in ["", "-r", "a b", "a;b", "root\n", "x/y"] {
            assert!(User::named(name).check().is_err(), "{name:?}");
        }
        assert!(User::named("root").undone().check().is_err());
        assert!(User::named("app").shell("bash").check().is_err());
    }
}
