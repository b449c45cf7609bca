//! A service of systemd.

use async_trait::async_trait;
use ec2_stories_core::attributes::Template;
use ec2_stories_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::host::Host;
use super::payload::Payload;
use super::place::Place;
use super::steps::failure;
use super::{Apply, Mode, is_false};

/// `$1` is the unit. Whether it is enabled, whether it runs, whether its file was changed since it was read.
const LOOK: &str = r#"command -v systemctl >/dev/null 2>&1 || { echo 'the host has no systemd' >&2; exit 1; }
printf '%s\n' "$(systemctl is-enabled -- "$1" 2>/dev/null)"
printf '%s\n' "$(systemctl is-active -- "$1" 2>/dev/null)"
systemctl show -p NeedDaemonReload --value -- "$1" 2>/dev/null
exit 0"#;

/// `$1` is the verb, `$2` the unit. What it said itself last belongs to a failure, or else what systemd says of it.
const ACT: &str = r#"began=$(date +%s)
systemctl "$1" -- "$2" && exit 0
status=$?
# What was said last may be on its way to the journal.
journalctl --sync 2>/dev/null
words() { journalctl -q --no-pager -b -n 3 -o cat "$@" 2>/dev/null | tr '\n' ' '; }
run=$(systemctl show -p InvocationID --value -- "$2" 2>/dev/null)
said=
[ -z "$run" ] || said=$(words "_SYSTEMD_INVOCATION_ID=$run")
# One that ended at once may have been gone before the journal could ask for its run.
[ -n "$said" ] || said=$(words --since "@$began" "_SYSTEMD_UNIT=$2")
[ -n "$said" ] || said=$(words -u "$2")
[ -z "$said" ] || printf '%s: %s\n' "$2" "$said" >&2
exit $status"#;

const RELOAD: &str = "systemctl daemon-reload";

/// A service that is enabled and runs. It is restarted when a step before it changed something since it was started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unit: Option<Template>,
    #[serde(default = "yes", skip_serializing_if = "Clone::clone")]
    enabled: bool,
    #[serde(default = "yes", skip_serializing_if = "Clone::clone")]
    started: bool,
    #[serde(default = "yes", skip_serializing_if = "Clone::clone")]
    restart: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    undo: bool,
}

fn yes() -> bool {
    true
}

/// What was so before the step came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Was {
    enabled: bool,
    active: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    enabled: String,
    active: String,
    stale: bool,
}

impl Seen {
    /// Units without an `[Install]` part cannot be enabled, and need not be.
    fn is_enabled(&self) -> bool {
        matches!(
            self.enabled.as_str(),
            "enabled" | "enabled-runtime" | "static" | "alias" | "indirect" | "generated"
        )
    }

    fn is_active(&self) -> bool {
        matches!(self.active.as_str(), "active" | "reloading")
    }
}

impl Service {
    /// The service of this name, which a package or a step before has brought.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), unit: None, enabled: true, started: true, restart: true, undo: false }
    }

    /// With this unit file, in `/etc/systemd/system`.
    #[must_use]
    pub fn unit(mut self, text: Template) -> Self {
        self.unit = Some(text);
        self
    }

    /// Does not start at boot.
    #[must_use]
    pub fn disabled(mut self) -> Self {
        self.enabled = false;
        self
    }

    /// Does not run.
    #[must_use]
    pub fn stopped(mut self) -> Self {
        self.started = false;
        self
    }

    /// Is not restarted for changes before it.
    #[must_use]
    pub fn not_restarted(mut self) -> Self {
        self.restart = false;
        self
    }

    /// Undo stops and disables what this step started and enabled, and removes its unit file.
    #[must_use]
    pub fn undone(mut self) -> Self {
        self.undo = true;
        self
    }

    pub(super) fn full_name(&self) -> String {
        if self.name.contains('.') { self.name.clone() } else { format!("{}.service", self.name) }
    }

    pub(super) fn path(&self) -> String {
        format!("/etc/systemd/system/{}", self.full_name())
    }

    async fn look(&self, host: &Host) -> Result<Seen> {
        let said = host.script("look at the service", LOOK, &[&self.full_name()]).await?.stdout.text();
        let mut lines = said.lines().map(str::to_owned);
        let (enabled, active) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
        Ok(Seen { enabled, active, stale: lines.next().as_deref() == Some("yes") })
    }

    async fn act(&self, host: &Host, verb: &str) -> Result<()> {
        host.script(&format!("systemctl {verb}"), ACT, &[verb, &self.full_name()]).await.map(drop)
    }

    /// What has to be done, in order.
    fn verbs(&self, seen: &Seen, due: bool) -> Vec<&'static str> {
        let mut verbs = Vec::new();
        match (self.enabled, seen.is_enabled()) {
            (true, false) => verbs.push("enable"),
            (false, true) if seen.enabled.starts_with("enabled") => verbs.push("disable"),
            _ => {}
        }
        match (self.started, seen.is_active()) {
            (true, false) => verbs.push("start"),
            (true, true) if due => verbs.push("restart"),
            (false, true) => verbs.push("stop"),
            _ => {}
        }
        verbs
    }

    async fn put_unit(&self, host: &mut Host, was: &Was) -> Result<bool> {
        let Some(unit) = &self.unit else { return Ok(false) };
        let (path, text) = (self.path(), host.resolve(unit)?);
        let place = Place { path: &path, mode: Some(Mode::new(0o644)), owner: None, group: None };
        let before = async |host: &mut Host| {
            self.remember(host, was).await?;
            host.is_due().await
        };
        place.put(host, &Payload::bytes(text), before).await
    }

    async fn remember(&self, host: &mut Host, was: &Was) -> Result<()> {
        if self.undo && host.kept::<Was>()?.is_none() {
            host.keep(was).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl Apply for Service {
    fn title(&self) -> String {
        format!("service {}", self.name)
    }

    fn key(&self) -> String {
        self.title()
    }

    fn check(&self) -> Result<()> {
        let plain = |c: char| c.is_ascii_alphanumeric() || ":-_.\\@".contains(c);
        if self.name.is_empty() || self.name.starts_with('-') || !self.name.chars().all(plain) {
            return Err(Error::invalid("service.name", format!("{:?} is not a unit's name", self.name)));
        }
        Ok(())
    }

    fn templates(&self) -> Vec<&Template> {
        self.unit.iter().collect()
    }

    fn is_undone(&self) -> bool {
        self.undo
    }

    fn heeds_changes(&self) -> bool {
        self.restart && self.started
    }

    async fn apply(&self, host: &mut Host) -> Result<bool> {
        let seen = self.look(host).await?;
        let was = Was { enabled: seen.is_enabled(), active: seen.is_active() };
        let unit_changed = self.put_unit(host, &was).await?;
        if unit_changed || seen.stale {
            host.script("systemctl daemon-reload", RELOAD, &[]).await?;
        }
        let due = self.heeds_changes() && (unit_changed || seen.stale || host.has_changes());
        let verbs = self.verbs(&seen, due);
        if verbs.is_empty() {
            host.heeded().await?;
            return Ok(unit_changed);
        }
        self.remember(host, &was).await?;
        host.about_to_change().await?;
        for verb in &verbs {
            self.act(host, verb).await?;
        }
        let now = self.look(host).await?;
        if self.started && !now.is_active() {
            return Err(failure(format!("{} is {} after its start", self.full_name(), now.active)));
        }
        host.heeded().await?;
        Ok(true)
    }

    async fn take_back(&self, host: &mut Host) -> Result<bool> {
        let Some(was) = host.kept::<Was>()? else { return Ok(false) };
        let seen = self.look(host).await?;
        if !was.active && seen.is_active() {
            self.act(host, "stop").await?;
        }
        if !was.enabled && seen.enabled.starts_with("enabled") {
            self.act(host, "disable").await?;
        }
        if self.unit.is_some() {
            host.script("remove the unit", r#"rm -f -- "$1""#, &[&self.path()]).await?;
            host.script("systemctl daemon-reload", RELOAD, &[]).await?;
        }
        host.forget().await?;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(enabled: &str, active: &str) -> Seen {
        Seen { enabled: enabled.to_owned(), active: active.to_owned(), stale: false }
    }

    #[test]
    fn only_what_is_not_so_is_done() {
        let service = Service::named("web");
        assert_eq!(service.verbs(&seen("disabled", "inactive"), false), ["enable", "start"]);
        assert_eq!(service.verbs(&seen("enabled", "active"), false), [""; 0]);
        assert_eq!(service.verbs(&seen("enabled", "active"), true), ["restart"]);
        assert_eq!(service.verbs(&seen("static", "failed"), true), ["start"]);
        let off = Service::named("web").disabled().stopped();
        assert_eq!(off.verbs(&seen("enabled", "active"), true), ["disable", "stop"]);
        assert_eq!(off.verbs(&seen("static", "inactive"), true), [""; 0]);
    }

    #[test]
    fn names_are_units() {
        for name in ["", "-now", "a b", "../x", "a/b"] {
            assert!(Service::named(name).check().is_err(), "{name}");
        }
        assert_eq!(Service::named("web").path(), "/etc/systemd/system/web.service");
        assert_eq!(Service::named("web@1.timer").full_name(), "web@1.timer");
    }
}
