//! A bundle for one node: what is the node's own, as files beside the bundle's.

use std::fmt::Write as _;
use std::io::Write as _;

use ec2_stories_core::attributes::Scope;
use ec2_stories_core::provider::Node;
use ec2_stories_core::{Error, ErrorKind, Result};
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

use super::manifest::{Health, Manifest};
use super::pack::{OWN, Pack, header};
use crate::quote;

const SUPERVISE: &str = include_str!("sh/supervise.sh");

/// A bundle with what is one node's own: its environment, and the scripts that start, stop and check it.
#[derive(Debug)]
pub(super) struct Release {
    /// Of the bundle's content and of what is the node's own.
    pub(super) id: String,
    /// Of all that is sent.
    pub(super) sum: String,
    /// What follows the bundle's content when it is sent.
    pub(super) tail: Vec<u8>,
}

impl Release {
    pub(super) fn of(pack: &Pack, node: &Node) -> Result<Self> {
        let mut variables = String::new();
        let scope = Scope {
            deployment: &node.deployment,
            fleet: &node.address.fleet,
            node: Some(&node.address),
            attributes: &node.attributes,
        };
        for (name, template) in &pack.manifest.environment {
            let value = template.resolve(&scope).map_err(|error| of_variable(name, error))?;
            let _ = writeln!(variables, "export {name}={}", word(&value));
        }
        Self::with(pack, &variables)
    }

    pub(super) fn with(pack: &Pack, variables: &str) -> Result<Self> {
        let broken = |error| Error::new(ErrorKind::Io, "the bundle cannot be packed").because(error);
        let mut tar = tar::Builder::new(Vec::new());
        let mut id = Sha256::new();
        id.update(pack.id.as_bytes());
        for (name, content, mode) in files(&pack.manifest, pack.unit.as_deref(), variables) {
            id.update(name);
            id.update([0]);
            id.update(&content);
            id.update([0]);
            let mut header = header(mode, content.len() as u64);
            tar.append_data(&mut header, format!("{OWN}/{name}"), content.as_bytes()).map_err(broken)?;
        }
        let tar = tar.into_inner().map_err(broken)?;
        let mut tail = GzEncoder::new(Vec::new(), Compression::fast());
        let tail = tail.write_all(&tar).and_then(|()| tail.finish()).map_err(broken)?;
        let mut sum = pack.sum.clone();
        sum.update(&tail);
        // Half of it is enough to tell releases apart, and a name that people can read out.
        Ok(Self { id: hex::encode(&id.finalize()[..16]), sum: hex::encode(sum.finalize()), tail })
    }
}

fn of_variable(name: &str, error: Error) -> Error {
    let kind = error.kind();
    let status = error.status_of();
    Error::new(kind, format!("bundle.toml: environment.{name} has no value")).status(status).because(error)
}

fn word(text: &str) -> String {
    String::from_utf8_lossy(&quote(text.as_bytes())).into_owned()
}

fn words(words: &[String]) -> String {
    words.iter().map(|text| word(text)).collect::<Vec<_>>().join(" ")
}

/// The node's own files: name, content, mode.
fn files(manifest: &Manifest, unit: Option<&str>, variables: &str) -> Vec<(&'static str, String, u32)> {
    let user = manifest.user.clone().unwrap_or_default();
    let seconds = manifest.stop_within.as_secs().max(1);
    let mut files = vec![
        ("version", format!("{}\n", manifest.version), 0o644),
        ("user", user.clone(), 0o644),
        ("stop_seconds", format!("{seconds}\n"), 0o644),
    ];
    match unit {
        Some(unit) => files.push(("unit", unit.to_owned(), 0o644)),
        None => {
            files.push(("unit", own_unit(manifest, seconds), 0o644));
            files.push(("supervise", SUPERVISE.to_owned(), 0o644));
            files.push((
                "start",
                script(&user, variables, &format!("exec {}", words(&manifest.start))),
                0o600,
            ));
        }
    }
    if !manifest.stop.is_empty() {
        files.push(("stop", script(&user, variables, &format!("exec {}", words(&manifest.stop))), 0o600));
    }
    if let Some(health) = &manifest.health {
        files.push(("health", script(&user, variables, &check(health)), 0o600));
        files.push(("within", format!("{}\n", health.within.as_secs().max(1)), 0o644));
    }
    files
}

/// A script that runs as the user, in the release's folder.
fn script(user: &str, variables: &str, last: &str) -> String {
    let mut script = "here=${0%/.ec2-stories/*}\n".to_owned();
    if !user.is_empty() {
        let user = word(user);
        // Not a login: no shell, no terminal, and the process stays the same.
        let _ = writeln!(
            script,
            "if [ \"$(id -un)\" != {user} ]; then\n  group=$(id -g {user}) && exec setpriv --reuid {user} --regid \"$group\" --init-groups --reset-env /bin/sh \"$0\"\n  exit 1\nfi"
        );
    }
    script.push_str("export EC2_STORIES_BUNDLE=\"${here%/releases/*}\"\n");
    script.push_str(variables);
    let _ = writeln!(script, "cd \"$here\" || exit 1\n{last}");
    script
}

fn check(health: &Health) -> String {
    if let Some(port) = health.tcp {
        // The kernel's own list: state 0A is LISTEN (include/net/tcp_states.h).
        return format!(
            "grep -qs '^ *[0-9]*: [0-9A-F]*:{port:04X} [0-9A-F:]* 0A ' /proc/net/tcp /proc/net/tcp6 && exit 0\necho 'nobody listens on port {port}'\nexit 1"
        );
    }
    if let Some(page) = &health.http {
        let url = word(&format!("http://127.0.0.1:{}{}", page.port, page.path));
        return format!(
            "if command -v curl >/dev/null; then exec curl --noproxy '*' -sS -f -o /dev/null -m 9 {url}\n\
             elif command -v wget >/dev/null; then exec wget --no-proxy -q -O /dev/null -T 9 {url}\nfi\n\
             echo 'the host has neither curl nor wget: use health.tcp or health.command'\nexit 1"
        );
    }
    format!("exec {}", words(&health.command))
}

fn own_unit(manifest: &Manifest, seconds: u64) -> String {
    let Manifest { name, version, .. } = manifest;
    let stop = if manifest.stop.is_empty() {
        String::new()
    } else {
        "ExecStop=/bin/sh @RELEASE@/.ec2-stories/stop\n".to_owned()
    };
    format!(
        "[Unit]\nDescription={name} {version}\nWants=network-online.target\nAfter=network-online.target\n\n\
         [Service]\nExecStart=/bin/sh @RELEASE@/.ec2-stories/start\n{stop}Restart=always\nRestartSec=1\n\
         TimeoutStopSec={seconds}\n\n[Install]\nWantedBy=multi-user.target\n"
    )
}
