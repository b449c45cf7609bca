//! The root file system that hosts start from: Debian with what Amazon's images have, made once.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use ec2_stories_core::{Error, ErrorKind, Result};
use sha2::{Digest, Sha256};
use tokio::process::Command;

const SUITE: &str = "bookworm";
const PACKAGES: &str = "openssh-server,openssh-sftp-server,cloud-init,cloud-guest-utils,amazon-ec2-utils,systemd-sysv,\
                        dbus,iproute2,isc-dhcp-client,ifupdown,netbase,python3,sudo,curl,ca-certificates,procps,\
                        iputils-ping";
/// What makes an image of a root file system: no keys, no identity, cloud-init that asks EC2 and nobody else.
///
/// A name server that cannot be reached would cost cloud-init half a minute, so there is none. No timer takes apt's lock,
/// the console has no login, and what is the whole machine's is not mounted.
const FINISH: &str = r#"set -eu
cd "$1"
rm -f etc/ssh/ssh_host_*
: >etc/machine-id
rm -f etc/resolv.conf
: >etc/resolv.conf
cat >etc/cloud/cloud.cfg.d/90_ec2_stories.cfg <<'END'
datasource_list: [Ec2]
datasource:
  Ec2: {strict_id: false}
locale: false
apt_preserve_sources_list: true
system_info:
  default_user: {name: admin}
END
systemctl --root=. --quiet mask apt-daily.timer apt-daily-upgrade.timer console-getty.service \
  dev-hugepages.mount sys-fs-fuse-connections.mount
echo 'Acquire::http::Proxy "http://127.0.0.1:3142";' >etc/apt/apt.conf.d/90proxy
"#;

/// Makes it, unless an earlier run did, and returns where it is. One process makes it, others wait.
///
/// It is kept in the user's cache (`XDG_CACHE_HOME`, or `~/.cache`) under a name that follows from what is in it.
pub(super) async fn prepare(mirror: &str) -> Result<PathBuf> {
    let place = cache().ok_or_else(|| {
        Error::new(
            ErrorKind::Unsupported,
            "hosts need a place for their root file system: set HOME or XDG_CACHE_HOME",
        )
    })?;
    let digest = hex::encode(Sha256::digest(format!("{SUITE} {mirror} {PACKAGES} {FINISH}")));
    let root = place.join(format!("{SUITE}-{}", &digest[..12]));
    let failed = |error: io::Error| Error::new(ErrorKind::Io, place.display().to_string()).because(error);
    if root.is_dir() {
        return Ok(root);
    }
    fs::create_dir_all(&place).map_err(failed)?;
    let lock = File::create(root.with_extension("lock")).map_err(failed)?;
    let lock = tokio::task::spawn_blocking(move || lock.lock().map(|()| lock)).await;
    let _lock = lock.map_err(|error| failed(io::Error::other(error)))?.map_err(failed)?;
    if !root.is_dir() {
        make(&root, mirror).await?;
    }
    Ok(root)
}

async fn make(root: &Path, mirror: &str) -> Result<()> {
    tracing::info!(root = %root.display(), "making a root file system for hosts, which takes a minute");
    let unfinished = root.with_extension("unfinished");
    let failed = |why: String| {
        Error::new(ErrorKind::Failed, format!("the hosts' root file system cannot be made: {why}"))
    };
    if unfinished.exists() {
        // No `remove_dir_all`: what was cut off may have mounts in it.
        run("rm", &["-rf", "--one-file-system", &unfinished.display().to_string()]).await.map_err(failed)?;
    }
    let target = unfinished.display().to_string();
    let include = format!("--include={PACKAGES}");
    let arguments = [
        "--variant=minbase",
        "--mode=root",
        "--quiet",
        "--aptopt=Apt::Install-Recommends \"false\"",
        &include,
        // A shell runs it, with the folder as its first argument.
        &format!("--customize-hook={FINISH}"),
        SUITE,
        &target,
        mirror,
    ];
    run("mmdebstrap", &arguments).await.map_err(failed)?;
    fs::rename(&unfinished, root).map_err(|error| failed(error.to_string()))
}

async fn run(program: &str, arguments: &[&str]) -> Result<(), String> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).kill_on_drop(true);
    let output = command.output().await.map_err(|error| format!("{program}: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    let tail = said.lines().rev().take(3).collect::<Vec<_>>().join("; ");
    if output.status.success() {
        Ok(())
    } else {
        Err(format!("{program} ended with {}: {tail}", output.status))
    }
}

fn cache() -> Option<PathBuf> {
    let named = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = named("XDG_CACHE_HOME").or_else(|| Some(named("HOME")?.join(".cache")))?;
    Some(cache.join("ec2-stories/hosts"))
}
