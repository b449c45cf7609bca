//! A machine of its own for a server: systemd is its first process. It needs root, as in CI.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const BOOT: &str = include_str!("machine.sh");

/// Boots it. It ends with the process, which ends with this thread.
pub(super) fn command(folder: &Path, sshd: &str) -> Command {
    let group = group(folder);
    fs::create_dir(&group).expect("cgroup2 can be written to: systemd needs root");
    let mut command = Command::new("/bin/sh");
    let join = r#"echo $$ >"$1/cgroup.procs"; exec setpriv --pdeathsig KILL unshare --mount --pid --uts --ipc --cgroup \
                  --propagation private --fork --kill-child /bin/sh -c "$2" sh "$3""#;
    command.args(["-c", join, "sh"]).arg(group).arg(BOOT).arg(folder).env("SSHD", sshd);
    command
}

/// Removes what the machine left in the kernel, once it has ended.
pub(super) fn sweep(folder: &Path) {
    remove(&group(folder));
}

fn group(folder: &Path) -> PathBuf {
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
    let mount = mounts.lines().find(|line| line.contains(" - cgroup2 ")).expect("cgroup2 is mounted");
    Path::new(mount.split(' ').nth(4).unwrap()).join(folder.file_name().unwrap())
}

/// A control group is removed once those in it are; its files are the kernel's.
fn remove(group: &Path) {
    let Ok(entries) = fs::read_dir(group) else { return };
    for entry in entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())) {
        remove(&entry.path());
    }
    for _ in 0..100 {
        match fs::remove_dir(group) {
            // The last process in it is on its way out.
            Err(error) if error.kind() == std::io::ErrorKind::ResourceBusy => {
                let _ = Command::new("sleep").arg("0.02").status();
            }
            _ => return,
        }
    }
}
