//! An OpenSSH server on a loopback address of its own.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use ec2_stories_ssh::Target;
use tempfile::TempDir;

/// A server with its own keys and folder, ended when dropped.
pub(crate) struct Sshd {
    folder: TempDir,
    address: SocketAddr,
    process: Child,
}

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
             MaxStartups 100:30:200\n{sftp}\n",
            sftp = if more.contains("Subsystem sftp") { "" } else { "Subsystem sftp internal-sftp" },
            port = address.port(),
            ip = address.ip(),
            here = path.display(),
        );
        fs::write(path.join("sshd_config"), configuration.replace("{here}", text(path))).unwrap();
        let process = spawn(path);
        let server = Self { folder, address, process };
        server.listens();
        server
    }

    /// Whose host has a sudo that asks nothing and changes nothing: the server's user may do all that a test needs.
    pub(crate) fn with_sudo(more: &str) -> Self {
        Self::prepared(&format!("SetEnv PATH={{here}}/bin:/usr/sbin:/usr/bin:/bin\n{more}"), |folder| {
            fs::create_dir(folder.join("bin")).unwrap();
            let sudo = folder.join("bin/sudo");
            fs::write(&sudo, "#!/bin/sh\nwhile [ \"$1\" != -- ]; do shift; done; shift; exec \"$@\"\n")
                .unwrap();
            fs::set_permissions(sudo, fs::Permissions::from_mode(0o755)).unwrap();
        })
    }

    pub(crate) fn without_sftp() -> Self {
        Self::with("Subsystem sftp {here}/no-such-server")
    }

    /// What runs in its sessions.
    pub(crate) fn processes(&self) -> Vec<u32> {
        descendants(self.process.id())
    }

    /// Ends the server that listens, and with it every session.
    pub(crate) fn kill_all(&mut self) {
        // From the top: a server that sees its session's end would still tell the client.
        for pid in [self.process.id()].into_iter().chain(descendants(self.process.id())) {
            let _ = Command::new("kill").args(["-KILL", &pid.to_string()]).stderr(Stdio::null()).status();
        }
        self.process.wait().unwrap();
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
    let mut command = Command::new(sshd);
    if folder.join("disk").exists() {
        // A file system of its own, which nobody else sees and which ends with the server.
        let mount = format!("mount -t tmpfs -o size=256k tmpfs {}/disk && exec \"$0\" \"$@\"", text(folder));
        command = Command::new("unshare");
        command.args(["-m", "--propagation", "private", "/bin/sh", "-c", &mount, sshd]);
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
