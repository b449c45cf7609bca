//! Hosts that are OpenSSH servers on loopback addresses.
//!
//! One is a tree of processes in namespaces of its own (mounts, PIDs, host name; as an ordinary user also users), in which
//! `boot.sh` puts the instance's folders over this machine's and then becomes `sshd`. Nothing of it survives its first
//! process, and that one does not survive this program.

mod files;
mod keys;
mod options;
mod rights;
mod stage;
mod users;

use std::fs;
use std::io;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use async_trait::async_trait;
use ec2_stories_core::{Error, ErrorKind, Result};
use ipnet::Ipv4Net;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::sync::OnceCell;
use tokio::task::JoinSet;

use super::backend::{Backend, Ended, Guest, Machine};
use super::block::Blocks;
use super::console::{Console, Up};
use super::lifeline;
use super::user_data::UserData;
use files::{folder, own, write};
use rights::Rights;
use users::{Account, Databases};

pub use options::SshdOptions;

const BOOT: &str = include_str!("boot.sh");
const CLOUD_INIT: &[u8] = include_bytes!("bin/cloud-init");
const SUDO: &[u8] = include_bytes!("bin/sudo");
const POWER: &[u8] = include_bytes!("power.sh");
const PATH: &str = "/run/ec2-stories/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// Where distributions put it; it is rarely in an ordinary user's path.
const PLACES: [&str; 4] = ["/usr/sbin/sshd", "/usr/local/sbin/sshd", "/sbin/sshd", "/usr/bin/sshd"];
/// A boot takes a tenth of a second, and a `bootcmd` whatever it takes.
const PATIENCE: Duration = Duration::from_secs(60);
/// What is killed is gone in milliseconds.
const FREED: Duration = Duration::from_secs(5);
const LOOK_AGAIN: Duration = Duration::from_millis(10);

#[derive(Debug)]
pub(super) struct Sshd {
    options: SshdOptions,
    binary: PathBuf,
    rights: Rights,
    port: u16,
    /// Of the metadata service, on each host's own address.
    metadata_port: u16,
    blocks: Blocks,
    etc: OnceCell<TempDir>,
}

impl Sshd {
    pub(super) fn new(options: SshdOptions) -> Result<Self> {
        let unsupported = |message: String| Error::new(ErrorKind::Unsupported, message);
        if !cfg!(target_os = "linux") {
            return Err(unsupported("sshd hosts need Linux: they live in its namespaces".to_owned()));
        }
        let binary = PLACES.iter().map(PathBuf::from).find(|place| place.is_file()).ok_or_else(|| {
            unsupported(format!(
                "sshd hosts need OpenSSH's server, and none of {} is there: install it (Debian: openssh-server)",
                PLACES.join(", ")
            ))
        })?;
        let rights = Rights::find(options.unprivileged)?;
        let [free, metadata_port] = free_ports()
            .map_err(|error| Error::new(ErrorKind::Io, "no port is free for hosts").because(error))?;
        let port = options.port.unwrap_or(free);
        let (blocks, etc) = (Blocks::default(), OnceCell::new());
        Ok(Self { options, binary, rights, port, metadata_port, blocks, etc })
    }

    /// Writes what a first boot starts from.
    fn lay_out(&self, guest: &Guest) -> io::Result<()> {
        let user_data = UserData::read(&guest.user_data);
        let at = |name: &str| guest.folder.join(name);
        for name in ["etc", "work", "ssh", "home", "opt", "srv", "stage"] {
            folder(&at(name), 0o755, None)?;
        }
        folder(&at("root"), 0o700, None)?;
        let hostname = user_data.config.hostname.as_deref().unwrap_or(&guest.hostname);
        let accounts =
            users::accounts(&self.options.user, self.rights, guest.public_key.as_deref(), &user_data.config);
        self.write_etc(&at("etc"), hostname, guest.address, &accounts)?;
        for account in &accounts {
            self.write_home(&guest.folder, account)?;
        }
        stage::write_scripts(&at("stage"), &user_data)?;
        let kinds = keys::make(&at("ssh"), &user_data.config.ssh_keys, self.options.rsa, hostname)?;
        if let Some(authority) = &self.options.host_authority {
            let names = [guest.address.to_string(), hostname.to_owned(), guest.id.clone()];
            keys::certify(&at("ssh"), &kinds, authority, &names)?;
        }
        if !self.options.user_authorities.is_empty() {
            let lines = self.options.user_authorities.join("\n") + "\n";
            write(&at("ssh/user_authorities.pub"), lines.as_bytes(), 0o644)?;
        }
        write(&at("ssh/sshd_config"), self.config(guest, &kinds).as_bytes(), 0o600)
    }

    fn write_etc(
        &self,
        etc: &Path,
        hostname: &str,
        address: Ipv4Addr,
        accounts: &[Account],
    ) -> io::Result<()> {
        let databases = Databases::with(
            accounts,
            &fs::read_to_string("/etc/passwd")?,
            &fs::read_to_string("/etc/group")?,
        );
        let mut sudoers = format!("Defaults secure_path=\"{PATH}\"\n");
        for account in accounts.iter().filter(|account| account.sudo) {
            sudoers.push_str(&format!("{} ALL=(ALL:ALL) NOPASSWD:ALL\n", account.name));
        }
        write(&etc.join("passwd"), databases.passwd.as_bytes(), 0o644)?;
        write(&etc.join("shadow"), databases.shadow.as_bytes(), 0o640)?;
        write(&etc.join("group"), databases.group.as_bytes(), 0o644)?;
        write(&etc.join("hostname"), format!("{hostname}\n").as_bytes(), 0o644)?;
        write(&etc.join("hosts"), format!("127.0.0.1 localhost\n{address} {hostname}\n").as_bytes(), 0o644)?;
        write(
            &etc.join("nsswitch.conf"),
            b"passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n",
            0o644,
        )?;
        write(&etc.join("sudoers.d/90-cloud-init-users"), sudoers.as_bytes(), 0o440)
    }

    fn write_home(&self, place: &Path, account: &Account) -> io::Result<()> {
        let owner = (self.rights == Rights::Root).then_some(account.uid);
        let home = place.join(account.home.trim_start_matches('/'));
        folder(&home, 0o700, owner)?;
        folder(&home.join(".ssh"), 0o700, owner)?;
        let keys: String = account.keys.iter().map(|key| format!("{}\n", key.trim())).collect();
        let file = home.join(".ssh/authorized_keys");
        write(&file, keys.as_bytes(), 0o600)?;
        own(&file, owner)
    }

    fn config(&self, guest: &Guest, kinds: &[String]) -> String {
        let mut lines = self.options.config.clone();
        lines.push(format!("ListenAddress {}:{}", guest.address, self.port));
        for kind in kinds {
            lines.push(format!("HostKey /etc/ssh/ssh_host_{kind}_key"));
            if self.options.host_authority.is_some() {
                lines.push(format!("HostCertificate /etc/ssh/ssh_host_{kind}_key-cert.pub"));
            }
        }
        if !self.options.user_authorities.is_empty() {
            lines.push("TrustedUserCAKeys /etc/ssh/user_authorities.pub".to_owned());
        }
        let metadata: Vec<String> = self.metadata_variables(guest).collect();
        lines.push(format!("SetEnv PATH={PATH} {}", metadata.join(" ")));
        lines.extend(
            [
                "PidFile /run/sshd.pid",
                "UsePAM no",
                "PasswordAuthentication no",
                "KbdInteractiveAuthentication no",
                "PermitRootLogin prohibit-password",
                "AuthorizedKeysFile .ssh/authorized_keys",
                "Subsystem sftp internal-sftp",
                "AcceptEnv LANG LC_*",
                "PrintMotd no",
                "UseDNS no",
            ]
            .map(str::to_owned),
        );
        lines.join("\n") + "\n"
    }

    /// Where programs on the host find their metadata: cloud tools read the one, AWS SDKs the other.
    fn metadata_variables(&self, guest: &Guest) -> impl Iterator<Item = String> + use<> {
        let url = format!("http://{}:{}", guest.address, self.metadata_port);
        ["EC2_METADATA_SERVICE_ENDPOINT", "AWS_EC2_METADATA_SERVICE_ENDPOINT"]
            .into_iter()
            .map(move |name| format!("{name}={url}"))
    }

    /// `/run` is new with every boot.
    fn write_run(&self, guest: &Guest) -> io::Result<()> {
        let run = guest.folder.join("run");
        let run = run.as_path();
        match fs::remove_dir_all(run) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        for name in ["", "sshd", "lock", "cloud-init", "ec2-stories", "ec2-stories/bin"] {
            folder(&run.join(name), 0o755, None)?;
        }
        let bin = run.join("ec2-stories/bin");
        write(&bin.join("cloud-init"), CLOUD_INIT, 0o755)?;
        for name in ["poweroff", "halt", "reboot", "shutdown"] {
            write(&bin.join(name), POWER, 0o755)?;
        }
        if self.rights == Rights::User {
            write(&bin.join("sudo"), SUDO, 0o755)?;
        }
        let variables: String =
            self.metadata_variables(guest).map(|line| format!("export {line}\n")).collect();
        write(&run.join("ec2-stories/environment"), variables.as_bytes(), 0o644)?;
        write(&run.join("cloud-init/status"), b"running\n", 0o644)
    }

    /// The `/etc` that hosts start from: as root this machine's own, below an overlay. Inside of a user namespace only
    /// files of this user can be written to, so there it is a copy.
    async fn etc(&self) -> Result<PathBuf, String> {
        if self.rights == Rights::Root {
            return Ok(PathBuf::from("/etc"));
        }
        let copy = || async {
            let copy = TempDir::new().map_err(|error| error.to_string())?;
            // What this user may not read is left out, and makes the exit status say so.
            let copied = Command::new("cp")
                .args(["-a", "--no-preserve=ownership", "/etc/."])
                .arg(copy.path())
                .stderr(Stdio::null())
                .status()
                .await;
            copied.map_err(|error| format!("cp: {error}"))?;
            Ok(copy)
        };
        self.etc.get_or_try_init(copy).await.map(|copy| copy.path().to_owned())
    }
}

#[async_trait]
impl Backend for Sshd {
    fn network(&self) -> Option<Ipv4Net> {
        self.blocks.take()
    }

    fn ssh_port(&self) -> u16 {
        self.port
    }

    async fn boot(&self, guest: &Guest) -> Result<Machine, Ended> {
        if !guest.address.is_loopback() {
            return Err(Ended::Died(format!(
                "{} is no loopback address: with sshd hosts, launch into the default VPC, and use at most some 180 \
                 regions of simulations at once",
                guest.address
            )));
        }
        let laid_out = guest.folder.join("laid-out");
        let first = !laid_out.exists();
        if first {
            self.lay_out(guest)
                .and_then(|()| write(&laid_out, b"", 0o600))
                .map_err(|error| error.to_string())?;
        }
        self.write_run(guest).map_err(|error| format!("/run: {error}"))?;
        let lower = self.etc().await?;
        let console = Console::open(guest)?;
        let hostname = fs::read_to_string(guest.folder.join("etc/hostname")).unwrap_or_default();
        let mut unshare = lifeline::program("unshare");
        unshare
            .args(self.rights.flags())
            .args(["sh", "-c", BOOT])
            .env_clear()
            .env("PATH", PATH)
            .env("NAME", hostname.trim())
            .env("LOWER", lower)
            .env("SSHD", &self.binary)
            .env("FIRST", if first { "1" } else { "0" })
            .env("MAPPED", if self.rights == Rights::User { "1" } else { "0" })
            .current_dir(&guest.folder);
        let listening = format!("Server listening on {} port {}.", guest.address, self.port);
        drop(free(guest.address, self.port).await.map_err(|error| format!("port {}: {error}", self.port))?);
        let mut servers = JoinSet::new();
        if let Some(sim) = guest.sim.upgrade() {
            let socket = free(guest.address, self.metadata_port).await;
            let socket = socket.map_err(|error| format!("metadata service: {error}"))?;
            servers.spawn(sim.metadata(&guest.id).serve(socket));
        }
        console.boot(unshare, servers, Box::new(()), Up::Says(&listening), PATIENCE).await
    }
}

/// Takes a port of a host. What is left of a boot that was given up may have it for a moment more.
async fn free(address: Ipv4Addr, port: u16) -> io::Result<TcpListener> {
    let freed = async {
        loop {
            match TcpListener::bind((address, port)).await {
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                    tokio::time::sleep(LOOK_AGAIN).await;
                }
                taken => return taken,
            }
        }
    };
    tokio::time::timeout(FREED, freed).await.unwrap_or_else(|_| Err(io::ErrorKind::AddrInUse.into()))
}

/// Ports that are free on every address now.
fn free_ports() -> io::Result<[u16; 2]> {
    let sockets = [(); 2].map(|()| std::net::TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)));
    let port = |socket: io::Result<std::net::TcpListener>| io::Result::Ok(socket?.local_addr()?.port());
    let [one, two] = sockets;
    Ok([port(one)?, port(two)?])
}
