//! What a bundle says of itself: `bundle.toml`.

use std::collections::BTreeMap;
use std::time::Duration;

use ec2_stories_core::attributes::Template;
use ec2_stories_core::model::Name;
use ec2_stories_core::{Error, Result};
use serde::Deserialize;

/// The manifest's file, in the bundle's root.
pub const MANIFEST: &str = "bundle.toml";

/// What a bundle says of itself, as `bundle.toml` has it.
///
/// ```toml
/// name = "shop"
/// version = "2.1.0"
/// exclude = ["**/*.map"]                  # `files` says what goes along; all where not said
/// start = ["bin/shop", "--port", "8080"]  # from the bundle's root; or: unit = "shop.service"
/// stop = ["bin/shop", "drain"]            # before SIGTERM; may be left away
/// stop_within = "20s"
/// user = "www-data"                       # root, or the login's user, where not said
/// keep = 2                                # old versions that stay on the node
///
/// [environment]
/// DATABASE = "${db/0.private_ip}"
///
/// [health]
/// http = { port = 8080, path = "/health" } # or: tcp = 8080, or: command = ["bin/shop", "check"]
/// within = "30s"
/// ```
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Manifest {
    /// The name of its folder and of its service on the node.
    pub name: Name,
    /// Its version, for people: what identifies a bundle is its content.
    pub version: String,
    /// Patterns of what belongs to it; a folder stands for all that is in it. Everything where not said.
    #[serde(default)]
    pub files: Vec<String>,
    /// Patterns of what does not.
    #[serde(default)]
    pub exclude: Vec<String>,
    /// The program that it runs, and its arguments. It stays in the foreground.
    #[serde(default)]
    pub start: Vec<String>,
    /// A file of it that is a systemd unit, instead of `start`. The node needs systemd then.
    #[serde(default)]
    pub unit: Option<String>,
    /// Asks it to end, before SIGTERM does.
    #[serde(default)]
    pub stop: Vec<String>,
    /// How long it may take to end before it is killed.
    #[serde(default = "default_stop_within", with = "humantime_serde")]
    pub stop_within: Duration,
    /// The user that it runs as.
    #[serde(default)]
    pub user: Option<String>,
    /// How many old versions stay on the node.
    #[serde(default = "default_keep")]
    pub keep: u32,
    /// Its environment; attributes of other nodes may be in it. No place for a secret.
    #[serde(default)]
    pub environment: BTreeMap<String, Template>,
    /// How a node sees that it works. Where not said, it must stay up for two seconds.
    #[serde(default)]
    pub health: Option<Health>,
}

/// How a node sees that a bundle works; one of the three.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Health {
    /// A command that ends with status 0.
    #[serde(default)]
    pub command: Vec<String>,
    /// Somebody listens on this port of the node.
    #[serde(default)]
    pub tcp: Option<u16>,
    /// A page on the node's loopback is answered with a status below 400. The node needs curl or wget.
    #[serde(default)]
    pub http: Option<Page>,
    /// How long it may take until it is so.
    #[serde(default = "default_within", with = "humantime_serde")]
    pub within: Duration,
}

/// A page of the node itself.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Page {
    /// The port.
    pub port: u16,
    /// The path, with its query.
    #[serde(default = "default_path")]
    pub path: String,
}

fn default_stop_within() -> Duration {
    Duration::from_secs(10)
}

fn default_keep() -> u32 {
    2
}

fn default_within() -> Duration {
    Duration::from_secs(30)
}

fn default_path() -> String {
    "/".to_owned()
}

impl Manifest {
    /// Reads and checks a manifest.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](ec2_stories_core::ErrorKind::Invalid), with the line and column, or naming the field.
    pub fn parse(text: &str) -> Result<Self> {
        let manifest: Self = toml::from_str(text).map_err(|error| {
            let place = error.span().map(|span| place(text, span.start)).unwrap_or_default();
            Error::invalid(format!("{MANIFEST}{place}"), error.message().to_owned())
        })?;
        manifest.check()?;
        Ok(manifest)
    }

    fn check(&self) -> Result<()> {
        let wrong =
            |field: &str, message: String| Err(Error::invalid(format!("{MANIFEST}: {field}"), message));
        let version = |c: char| c.is_ascii_alphanumeric() || "._+-~:".contains(c);
        if self.version.is_empty() || !self.version.chars().all(version) {
            return wrong("version", format!("{:?} is not a version such as \"2.1.0\"", self.version));
        }
        match (self.start.first(), &self.unit) {
            (None, None) => {
                return wrong("start", "say what runs, as a list of words, or a systemd `unit`".into());
            }
            (Some(_), Some(_)) => {
                return wrong("unit", "stands in the place of `start`: say one of them".into());
            }
            (None, Some(_)) if !self.stop.is_empty() => {
                return wrong("stop", "belongs into the unit, as ExecStop".into());
            }
            (None, Some(_)) if self.user.is_some() => {
                return wrong("user", "belongs into the unit, as User".into());
            }
            (None, Some(_)) if !self.environment.is_empty() => {
                return wrong("environment", "belongs into the unit, as Environment".into());
            }
            _ => {}
        }
        for (field, words) in [("start", &self.start), ("stop", &self.stop)] {
            check_words(field, words)?;
        }
        for (field, time) in [
            ("stop_within", Some(self.stop_within)),
            ("health.within", self.health.as_ref().map(|health| health.within)),
        ] {
            if time.is_some_and(|time| time < Duration::from_secs(1)) {
                return wrong(field, "must be at least one second".into());
            }
        }
        if let Some(user) = &self.user
            && (user.is_empty()
                || user.starts_with('-')
                || !user.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c)))
        {
            return wrong("user", format!("{user:?} is not a user's name"));
        }
        for (name, value) in &self.environment {
            let letter = |c: char| c.is_ascii_alphabetic() || c == '_';
            if !name.starts_with(letter) || !name.chars().all(|c| letter(c) || c.is_ascii_digit()) {
                return wrong("environment", format!("{name:?} is not a variable's name"));
            }
            if value.to_string().contains('\0') {
                return wrong("environment", format!("{name} has a NUL byte, which no variable can have"));
            }
        }
        self.health.as_ref().map_or(Ok(()), Health::check)
    }
}

impl Health {
    fn check(&self) -> Result<()> {
        let said = [!self.command.is_empty(), self.tcp.is_some(), self.http.is_some()];
        if said.into_iter().filter(|said| *said).count() != 1 {
            return Err(Error::invalid(
                format!("{MANIFEST}: health"),
                "say one of `command`, `tcp` and `http`",
            ));
        }
        check_words("health.command", &self.command)?;
        let bad = |page: &Page| {
            !page.path.starts_with('/') || page.path.contains(|c: char| c.is_whitespace() || c.is_control())
        };
        if self.http.as_ref().is_some_and(bad) {
            return Err(Error::invalid(
                format!("{MANIFEST}: health.http.path"),
                "is not a path such as \"/health\"",
            ));
        }
        if self.tcp == Some(0) || self.http.as_ref().is_some_and(|page| page.port == 0) {
            return Err(Error::invalid(format!("{MANIFEST}: health"), "0 is no port"));
        }
        Ok(())
    }
}

fn check_words(field: &str, words: &[String]) -> Result<()> {
    let field = format!("{MANIFEST}: {field}");
    if words.first().is_some_and(String::is_empty) {
        return Err(Error::invalid(field, "its first word is the program, and it is empty"));
    }
    if words.iter().any(|word| word.contains('\0')) {
        return Err(Error::invalid(field, "has a NUL byte, which no argument can have"));
    }
    Ok(())
}

/// `:3:7`, the line and column of a byte.
fn place(text: &str, at: usize) -> String {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    format!(":{line}:{column}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEAST: &str = "name = 'shop'\nversion = '1'\n";

    #[test]
    fn what_is_not_said_has_a_default() {
        let manifest = Manifest::parse(&format!("{LEAST}start = ['bin/shop']")).unwrap();
        assert_eq!(
            (manifest.keep, manifest.stop_within, manifest.health),
            (2, Duration::from_secs(10), None)
        );
    }

    #[test]
    fn mistakes_are_named_with_their_place_or_field() {
        for (text, said) in [
            ("start = ['x']\nkepe = 3", "bundle.toml:4:1: unknown field `kepe`"),
            ("start = 'bin/shop'", "bundle.toml:3:9"),
            ("", "bundle.toml: start: say what runs"),
            ("start = ['']", "bundle.toml: start: its first word"),
            ("start = ['x']\nunit = 'x.service'", "bundle.toml: unit: stands in the place"),
            ("unit = 'x.service'\nuser = 'www'", "bundle.toml: user: belongs into the unit"),
            ("start = ['x']\nuser = '-r'", "bundle.toml: user: \"-r\""),
            ("start = ['x']\nstop_within = '0s'", "bundle.toml: stop_within"),
            ("start = ['x']\n[health]\ntcp = 1\ncommand = ['x']", "bundle.toml: health: say one"),
            ("start = ['x']\n[health]\nhttp = { port = 80, path = 'x' }", "bundle.toml: health.http.path"),
            ("start = ['x']\n[environment]\n'A;B' = 'x'", "bundle.toml: environment: \"A;B\""),
            ("start = ['x']\n[environment]\nA = '${HOME}'", "bundle.toml:5:5"),
        ] {
            let error = Manifest::parse(&format!("{LEAST}{text}")).unwrap_err().to_string();
            assert!(error.contains(said), "{text}: {error}");
        }
        assert!(Manifest::parse("name = '../x'\nversion = '1'\nstart = ['x']").is_err());
        assert!(Manifest::parse("name = 'x'\nversion = '1 2'\nstart = ['x']").is_err());
    }
}
