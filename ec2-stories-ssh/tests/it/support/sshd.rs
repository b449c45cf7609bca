//! An OpenSSH server on a loopback address of its own.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use ec2_stories_ssh::Target;
use tempfile::TempDir;

use super::machine;

/// A server with its own keys and folder, ended when dropped.
pub(crate) struct Sshd {
    folder: TempDir,
    address: SocketAddr,
    process: Child,
    user: Option<String>,
}

/// A number that no user of the machine has.
const WORKER: u32 = 61_234;

impl Sshd {
    pub(crate) fn start() -> Self {
        Self::with("")
    }

    /// With more lines of configuration, of which the first of a kind counts.
    pub(crate) fn with(more: &str) -> Self {
        Self::prepared(more, |_| ())
    }

    /// With files that are made before the start.
    pub(crate) fn prepared(more: &str, prepare: impl FnOnce(&Path)) -> Self {
        let folder = tempfile::Builder::new().prefix("ec2-stories-sshd-").tempdir().unwrap();
        let path = folder.path();
        keygen(&["-t", "ed25519", "-f", text(&path.join("host"))]);
        keygen(&["-t", "ed25519", "-f", text(&path.join("client"))]);
        fs::copy(path.join("client.pub"), path.join("authorized")).unwrap();
        prepare(path);
        let address = free_address();
        let configuration = format!(
            "{more}\nPort {port}\nListenAddress {ip}\nHostKey {here}/host\nPidFile none\nUsePAM no\nStrictModes no\n\
             AuthorizedKeysFile {here}/authorized\nPasswordAuthentication no\nPermitRootLogin yes\n\
             MaxStartups 100:30:200\n{sftp}\n{environment}\n",
            // At this level bash does not read the `.bashrc` of whoever runs the tests. The first `SetEnv` counts.
            environment = if more.contains("SetEnv") { "" } else { "SetEnv SHLVL=1" },
            sftp = if more.contains("Subsystem sftp") { "" } else { "Subsystem sftp internal-sftp" },
            port = address.port(),
            ip = address.ip(),
            here = path.display(),
        );
        fs::write(path.join("sshd_config"), configuration.replace("{here}", text(path))).unwrap();
        let process = spawn(path);
        let server = Self { folder, address, process, user: None };
        server.listens();
        server
    }

    /// Whose host has a sudo that asks nothing and changes nothing: the server's user may do all that a test needs. A configuration that
    /// names a `second` host key has one.
    pub(crate) fn with_sudo(more: &str) -> Self {
        let environment = format!("SetEnv SHLVL=1 PATH={{here}}/bin:/usr/sbin:/usr/bin:/bin\n{more}");
        Self::prepared(&environment, |folder| {
            if more.contains("{here}/second") {
                keygen(&["-t", "ecdsa", "-f", text(&folder.join("second"))]);
            }
            fs::create_dir(folder.join("bin")).unwrap();
            let sudo = folder.join("bin/sudo");
            fs::write(&sudo, "#!/bin/sh\nwhile [ \"$1\" != -- ]; do shift; done; shift; exec \"$@\"\n")
                .unwrap();
            fs::set_permissions(sudo, fs::Permissions::from_mode(0o755)).unwrap();
        })
    }

    /// With a tiny file system at `disk`. Mounting needs root, as in CI.
    pub(crate) fn with_disk() -> Self {
        Self::prepared("", |folder| {
            let disk = folder.join("disk");
            fs::create_dir(&disk).unwrap();
            fs::write(folder.join("mounts"), format!("mount -t tmpfs -o size=256k tmpfs {}", text(&disk)))
                .unwrap();
        })
    }

    /// On a machine of its own, where systemd runs: `/etc`, `/opt` and the like are nobody else's. It needs root, as in CI.
    pub(crate) fn with_systemd() -> Self {
        Self::prepared("", |folder| fs::create_dir(folder.join("machine")).unwrap())
    }

    /// Whose host has a user `worker` beside root, and the real sudo, which lets that user do what `sudoers` says. Mounting
    /// needs root, as in CI.
    pub(crate) fn with_worker(sudoers: &str) -> Self {
        let mut server = Self::prepared("", |folder| {
            let home = folder.join("home");
            fs::create_dir(&home).unwrap();
            std::os::unix::fs::chown(&home, Some(WORKER), Some(WORKER)).unwrap();
            let user = format!("worker:x:{WORKER}:{WORKER}::{}:/bin/sh\n", text(&home));
            let mut mounts = Vec::new();
            for (file, mode, more) in [
                ("passwd", 0o644, user.as_str()),
                ("group", 0o644, &format!("worker:x:{WORKER}:\n")),
                ("shadow", 0o600, "worker:*:19000:0:99999:7:::\n"),
                ("sudoers", 0o440, sudoers),
            ] {
                let own = folder.join(file);
                let system = if file == "sudoers" {
                    String::new()
                } else {
                    fs::read_to_string(format!("/etc/{file}")).unwrap()
                };
                fs::write(&own, system + more).unwrap();
                fs::set_permissions(&own, fs::Permissions::from_mode(mode)).unwrap();
                mounts.push(format!("mount --bind {} /etc/{file}", text(&own)));
            }
            fs::write(folder.join("mounts"), mounts.join(" && ")).unwrap();
            fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
        });
        server.user = Some("worker".to_owned());
        server
    }

    pub(crate) fn without_sftp() -> Self {
        Self::with("Subsystem sftp {here}/no-such-server")
    }

    /// What runs in its sessions.
    pub(crate) fn processes(&self) -> Vec<u32> {
        descendants(self.process.id())
    }

    /// Breaks every link; what runs in the sessions goes on, and the server too.
    pub(crate) fn kill_sessions(&self) {
        let is_sshd = |pid: &u32| {
            fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.starts_with("sshd"))
        };
        for pid in self.processes().into_iter().filter(is_sshd) {
            let _ = Command::new("kill").args(["-KILL", &pid.to_string()]).stderr(Stdio::null()).status();
        }
    }

    /// Ends the server that listens, and with it every session.
    pub(crate) fn kill_all(&mut self) {
        // From the top: a server that sees its session's end would still tell the client.
        for pid in [self.process.id()].into_iter().chain(descendants(self.process.id())) {
            let _ = Command::new("kill").args(["-KILL", &pid.to_string()]).stderr(Stdio::null()).status();
        }
        self.process.wait().unwrap();
        if self.path("machine").exists() {
            machine::sweep(self.folder.path());
        }
    }

    /// Waits until its machine has ended by itself.
    pub(crate) async fn until_ended(&mut self) {
        let ended = async {
            while self.process.try_wait().unwrap().is_none() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), ended).await.expect("it ends by itself");
    }

    /// Starts the server again, at the same address.
    pub(crate) fn restart(&mut self) {
        self.process = spawn(self.folder.path());
        self.listens();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn host_key(&self) -> String {
        fs::read_to_string(self.path("host.pub")).unwrap()
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn target(&self) -> Target {
        Target::new(self.address.ip().to_string(), self.address.port())
    }

    /// A server that is not root's lets in nobody but its own user.
    pub(crate) fn user(&self) -> String {
        if let Some(user) = &self.user {
            return user.clone();
        }
        let output = Command::new("id").arg("-un").output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn listens(&self) {
        // A process of another program: there is nothing to wait for but its port.
        for _ in 0..400 {
            if TcpStream::connect(self.address).is_ok() {
                return;
            }
            let _ = Command::new("sleep").arg("0.02").status();
        }
        panic!("sshd does not listen: {}", fs::read_to_string(self.path("log")).unwrap_or_default());
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.kill_all();
    }
}

fn spawn(folder: &Path) -> Child {
    let sshd = ["/usr/sbin/sshd", "/usr/local/sbin/sshd"].into_iter().find(|path| Path::new(path).exists());
    // Privilege separation wants this folder; the system's own unit makes it.
    let _ = fs::create_dir_all("/run/sshd");
    let sshd = sshd.expect("openssh-server is installed");
    if folder.join("machine").exists() {
        return machine::command(folder, sshd).stdin(Stdio::null()).spawn().unwrap();
    }
    let mut command = Command::new(sshd);
    if folder.join("mounts").exists() {
        // Mounts of its own, which nobody else sees and which end with the server.
        let mounts = fs::read_to_string(folder.join("mounts")).unwrap();
        command = Command::new("unshare");
        command.args(["-m", "--propagation", "private", "/bin/sh", "-c"]);
        command.args([&format!("{mounts} && exec \"$0\" \"$@\""), sshd]);
    }
    command
        .arg("-D")
        .args(["-f", text(&folder.join("sshd_config")), "-E", text(&folder.join("log"))])
        .stdin(Stdio::null())
        .spawn()
        .unwrap()
}

/// Every process of a test has addresses of its own, by its id; the port is one that is free there.
fn free_address() -> SocketAddr {
    let pid = std::process::id();
    let ip = [127, 77, (pid >> 8 & 0xff) as u8, (pid & 0xfe | 1) as u8];
    TcpListener::bind(SocketAddr::from((ip, 0))).unwrap().local_addr().unwrap()
}

pub(crate) fn keygen(arguments: &[&str]) {
    let output = Command::new("ssh-keygen").args(["-q", "-N", ""]).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn descendants(pid: u32) -> Vec<u32> {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    let children: Vec<u32> = children.split_whitespace().filter_map(|pid| pid.parse().ok()).collect();
    children.iter().flat_map(|child| [*child].into_iter().chain(descendants(*child))).collect()
}

/// Waits for a state of the outside world, such as the end of a process.
pub(crate) async fn until(what: &str, mut is: impl FnMut() -> bool) {
    for _ in 0..500 {
        if is() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("never: {what}");
}
