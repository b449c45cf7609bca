//! Many OpenSSH servers, each on a loopback address of its own, with the same keys.

use std::error::Error;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

/// The servers, which end with it, and the folder that all of them share.
pub(crate) struct Hosts {
    pub(crate) folder: TempDir,
    pub(crate) port: u16,
    pub(crate) addresses: Vec<Ipv4Addr>,
    servers: Vec<Child>,
}

impl Hosts {
    pub(crate) async fn start(count: u8) -> Result<Self, Box<dyn Error>> {
        let folder = tempfile::Builder::new().prefix("ec2-stories-fanout-").tempdir()?;
        let path = folder.path();
        for name in ["host", "client"] {
            let file = path.join(name);
            succeed(Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(file))?;
        }
        fs::copy(path.join("client.pub"), path.join("authorized"))?;
        fs::create_dir(path.join("copies"))?;
        let addresses: Vec<_> = (1..=count).map(|last| Ipv4Addr::new(127, 88, 0, last)).collect();
        let port = TcpListener::bind((addresses[0], 0))?.local_addr()?.port();
        let key = fs::read_to_string(path.join("host.pub"))?;
        let known = addresses.iter().map(|address| format!("[{address}]:{port} {key}")).collect::<String>();
        fs::write(path.join("known_hosts"), known)?;
        fs::create_dir_all("/run/sshd")?;
        let mut hosts = Self { folder, port, addresses, servers: Vec::new() };
        for address in hosts.addresses.clone() {
            let server = hosts.serve(address)?;
            hosts.servers.push(server);
        }
        for address in &hosts.addresses {
            while TcpStream::connect(SocketAddr::from((*address, port))).is_err() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        Ok(hosts)
    }

    fn serve(&self, address: Ipv4Addr) -> Result<Child, Box<dyn Error>> {
        let (here, port) = (self.folder.path(), self.port);
        let configuration = here.join(format!("sshd-{address}"));
        fs::write(
            &configuration,
            format!(
                // At this level bash does not read the `.bashrc` of whoever runs the benchmark.
                "ListenAddress {address}:{port}\nHostKey {0}/host\nPidFile none\nUsePAM no\nStrictModes no\n\
                 AuthorizedKeysFile {0}/authorized\nPermitRootLogin yes\nUseDNS no\nSubsystem sftp internal-sftp\n\
                 SetEnv SHLVL=1\n",
                here.display()
            ),
        )?;
        // It ends with the benchmark, however that ends.
        let mut sshd = Command::new("setpriv");
        sshd.args(["--pdeathsig", "KILL", "/usr/sbin/sshd", "-D", "-q", "-f"]).arg(&configuration);
        sshd.stdin(Stdio::null());
        Ok(sshd.spawn()?)
    }

    /// Removes what was copied.
    pub(crate) fn clean(&self) -> std::io::Result<()> {
        fs::remove_dir_all(self.folder.path().join("copies"))?;
        fs::create_dir(self.folder.path().join("copies"))
    }

    /// Fails unless every host has the whole tree.
    pub(crate) fn check(&self, files: usize) -> Result<(), Box<dyn Error>> {
        for address in &self.addresses {
            let found = count(&self.folder.path().join("copies").join(address.to_string()))?;
            if found != files {
                return Err(format!("{address} has {found} of {files} files").into());
            }
        }
        Ok(())
    }
}

impl Drop for Hosts {
    fn drop(&mut self) {
        for server in &mut self.servers {
            let _ = server.kill();
            let _ = server.wait();
        }
    }
}

fn count(folder: &Path) -> std::io::Result<usize> {
    let mut files = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        files += if entry.file_type()?.is_dir() { count(&entry.path())? } else { 1 };
    }
    Ok(files)
}

pub(crate) fn succeed(command: &mut Command) -> Result<(), Box<dyn Error>> {
    let status = command.status()?;
    if status.success() { Ok(()) } else { Err(format!("{command:?}: {status}").into()) }
}
