//! The command line.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use ec2_stories::model::NodeAddress;

use crate::exit;
use crate::image::ImageArgs;
use crate::nodes::Chosen;
use crate::order::{HoldArgs, NodeArgs, PauseArgs, ReleaseArgs, ScaleArgs};
use crate::s3::S3Args;

/// Deploys machines on Amazon EC2 and takes them down again.
#[derive(Debug, Parser)]
#[command(name = "ec2-stories", version, after_help = exit::HELP)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Decide what would be done and check it, without spending anything.
    Plan(OnStory),
    /// Deploy, and stay until ctrl-C: then dev nodes are terminated, production nodes stay.
    Start {
        #[command(flatten)]
        on: OnStory,
        /// Leave as soon as the nodes are ready; then they stay, whatever the mode.
        #[arg(long)]
        detach: bool,
    },
    /// Say what is there, from the journal and the cloud.
    Status(OnStory),
    /// Ask the cloud whether the nodes live; fails if any does not. One that is still being started passes.
    Ping {
        #[command(flatten)]
        on: OnStory,
        /// Ask for status checks too, and each node by its fleet's probe, now.
        #[arg(long)]
        deep: bool,
    },
    /// Take everything down, and say what is left.
    Terminate(OnStory),
    /// Tell a `start` in the foreground to leave its nodes and go.
    Detach(OnStory),
    /// Go over to the story as it is now: nodes of another image are replaced, a few at a time, and those of other steps customized again.
    Update {
        #[command(flatten)]
        on: OnStory,
        /// Leave as soon as that is done; then the nodes stay, whatever the mode.
        #[arg(long)]
        detach: bool,
    },
    /// Have fleets have so many nodes, until the story says another number than now.
    Scale(ScaleArgs),
    /// Stop a deployment from changing: nothing is launched, replaced or scaled down until `resume`.
    Pause(PauseArgs),
    /// End a pause.
    Resume(OnStory),
    /// Keep nodes from being replaced for a while.
    Hold(HoldArgs),
    /// End a hold, or a quarantine.
    Release(ReleaseArgs),
    /// Take a node out of service until `release` or `replace`.
    Quarantine(NodeArgs),
    /// Give a node another instance.
    Replace(NodeArgs),
    /// Find what carries the deployment's tag and belongs to no node.
    Sweep(OnStory),
    /// Make machine images of disk images' files, list and remove them.
    Image(ImageArgs),
    /// Store, fetch, list and remove objects on S3.
    S3(S3Args),
    /// Run a command on nodes, all at the same time; fails unless it succeeds on all of them.
    Run(RunArgs),
    /// Copy a file or a folder to nodes, or from them.
    Copy(CopyArgs),
    /// Open a shell on a node.
    Shell(ShellArgs),
    /// Serve the simulated EC2, STS, S3 and EBS direct on a loopback address.
    Sim(SimArgs),
}

impl Command {
    /// Whether it prints for programs.
    pub(crate) fn json(&self) -> bool {
        match self {
            Self::Plan(on)
            | Self::Start { on, .. }
            | Self::Status(on)
            | Self::Ping { on, .. }
            | Self::Terminate(on)
            | Self::Detach(on)
            | Self::Update { on, .. }
            | Self::Resume(on)
            | Self::Sweep(on) => on.json,
            Self::Scale(ScaleArgs { on, .. })
            | Self::Pause(PauseArgs { on, .. })
            | Self::Hold(HoldArgs { on, .. })
            | Self::Release(ReleaseArgs { on, .. })
            | Self::Quarantine(NodeArgs { on, .. })
            | Self::Replace(NodeArgs { on, .. }) => on.json,
            Self::Image(args) => args.json(),
            Self::S3(args) => args.json(),
            Self::Run(RunArgs { on, .. }) | Self::Copy(CopyArgs { on, .. }) => on.json,
            Self::Shell(_) | Self::Sim(_) => false,
        }
    }
}

/// What every command on a story takes.
#[derive(Clone, Debug, Args)]
pub(crate) struct OnStory {
    /// The story file.
    pub(crate) story: PathBuf,
    /// Where the journal is kept.
    #[arg(long, value_name = "DIR", default_value = ".ec2-stories")]
    pub(crate) state: PathBuf,
    /// Which cloud.
    #[arg(long, value_enum, default_value_t = CloudKind::Aws)]
    pub(crate) cloud: CloudKind,
    /// Print JSON for programs: one document, or one event a line; an error is `{"error": …, "exit": …}` as the last.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CloudKind {
    /// Amazon EC2, or what answers at AWS_ENDPOINT_URL.
    Aws,
    /// A simulation inside this process: for a try; all of it ends with the process.
    Embedded,
}

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) on: OnStory,
    /// Which nodes: `web`, `web/0`, `web/0..2` (the first two), `all`; several with commas.
    pub(crate) nodes: Chosen,
    #[command(flatten)]
    pub(crate) fan: FanArgs,
    /// Run it as root.
    #[arg(long)]
    pub(crate) root: bool,
    /// End it on each node after this many seconds.
    #[arg(long, value_name = "SECONDS")]
    pub(crate) timeout: Option<u64>,
    /// The command and its arguments, which reach it as they are: no shell reads them. It reads what is piped
    /// into this one; with several nodes each reads all of it, up to 64 MiB.
    #[arg(last = true, required = true)]
    pub(crate) command: Vec<OsString>,
}

#[derive(Debug, Args)]
pub(crate) struct CopyArgs {
    #[command(flatten)]
    pub(crate) on: OnStory,
    /// What to copy: a file or a folder of this machine, or `NODES:PATH`, such as `web/0:/var/log/shop`.
    pub(crate) from: String,
    /// Where to, the other way round. From several nodes each goes into a folder of its own, such as `logs/web-0`.
    pub(crate) to: String,
    #[command(flatten)]
    pub(crate) fan: FanArgs,
    /// Read and write there as root.
    #[arg(long)]
    pub(crate) root: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ShellArgs {
    #[command(flatten)]
    pub(crate) on: OnStory,
    /// Which node: `web/0`.
    pub(crate) node: NodeAddress,
}

/// How many nodes at once, and how many must succeed.
#[derive(Debug, Args)]
pub(crate) struct FanArgs {
    /// At most this many nodes at once.
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) parallel: u16,
    /// Succeed if it succeeds on so many nodes; on all of them where not said.
    #[arg(long, value_name = "K")]
    pub(crate) at_least: Option<usize>,
}

#[derive(Debug, Args)]
pub(crate) struct SimArgs {
    /// Address and port; port 0 picks one. The first line of output says which.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    pub(crate) listen: SocketAddr,
    /// Decides ids, jitter and probable faults.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Simulated seconds in a second.
    #[arg(long, value_name = "X", default_value_t = 1.0, value_parser = time_scale)]
    pub(crate) time_scale: f64,
    /// A TOML file of faults.
    #[arg(long, value_name = "FILE")]
    pub(crate) faults: Option<PathBuf>,
    /// An instance profile that the account has; may be given several times.
    #[arg(long = "instance-profile", value_name = "NAME")]
    pub(crate) instance_profiles: Vec<String>,
    /// What stands behind running instances.
    #[arg(long, value_enum, default_value_t = HostKind::None)]
    pub(crate) hosts: HostKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum HostKind {
    /// Nothing: an instance is a record.
    None,
    /// A real OpenSSH server on a loopback address of its own, with its own /etc, /home, /opt, /root, /run and /srv. The second line
    /// of output says which port. Programs and network are this machine's: there is no service manager, packages cannot be
    /// installed, and what listens has to listen at the node's own address, not at all of them. /tmp is shared by all.
    Sshd,
    /// A Debian of its own with systemd, cloud-init, and metadata at 169.254.169.254: for root. The second line of output says
    /// what to put before a command so that it reaches them; the simulation listens in there, too.
    Namespace,
}

fn time_scale(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(scale) if scale.is_finite() && scale > 0.0 => Ok(scale),
        _ => Err("a number above 0".to_owned()),
    }
}
