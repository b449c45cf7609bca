//! Programs of the system that tests run.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::command::{command, output, succeed};

/// A program, and the Debian package that has it.
const NEEDED: &[(&str, &str)] = &[
    ("sshd", "openssh-server"),
    ("ssh", "openssh-client"),
    ("sftp-server", "openssh-sftp-server"),
    ("sudo", "sudo"),
    ("unshare", "util-linux"),
    ("ip", "iproute2"),
    ("mmdebstrap", "mmdebstrap"),
    ("dnsmasq", "dnsmasq-base"),
    ("qemu-img", "qemu-utils"),
    ("systemd", "systemd"),
    ("dnf", "dnf"),
    ("createrepo_c", "createrepo-c"),
    ("rpmbuild", "rpm"),
    ("curl", "curl"),
    ("wget", "wget"),
    ("ps", "procps"),
];

/// Beside `PATH`, which leaves them out for ordinary users.
const PLACES: [&str; 4] = ["/usr/sbin", "/sbin", "/usr/lib/openssh", "/usr/lib/systemd"];

/// Installs what is missing, if this is root on a system with apt; else says what to install.
pub(crate) fn install(root: &Path) -> Result<()> {
    let missing: Vec<&str> =
        NEEDED.iter().filter(|(name, _)| !found(name)).map(|(_, package)| *package).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let names = missing.join(" ");
    let mut id = command(root, "id");
    id.arg("-u");
    if output(id)?.trim() != "0" || !found("apt-get") {
        bail!("tests need programs that are not there: install them (Debian: apt-get install {names})");
    }
    eprintln!("installing {names}");
    let mut update = command(root, "apt-get");
    update.args(["update", "-qq"]);
    succeed(update)?;
    let mut install = command(root, "apt-get");
    install.args(["install", "-y", "--no-install-recommends"]).args(&missing);
    install.env("DEBIAN_FRONTEND", "noninteractive");
    succeed(install).with_context(|| format!("apt-get install {names}"))
}

fn found(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    let places = env::split_paths(&path).chain(PLACES.iter().map(PathBuf::from));
    places.map(|place| place.join(program)).any(|file| file.is_file())
}
