//! `ec2-stories sim`

use ec2_stories::sim::{FaultPlan, FaultPlanError, Hosts, Sim, SshdOptions};
use ec2_stories::terminal::{Interrupts, say};
use ec2_stories::{Clock, SystemClock};

use crate::args::{HostKind, SimArgs};
use crate::exit::Exit;
use crate::failure::Failure;

pub(crate) async fn run(args: SimArgs) -> Result<Exit, Failure> {
    if !args.listen.ip().is_loopback() {
        let why = format!("{} is no loopback address: the simulation is for this machine alone", args.listen);
        return Err(Failure::new(Exit::Usage, why));
    }
    let faults = match &args.faults {
        None => FaultPlan::default(),
        Some(path) => {
            let wrong = |why: String| Failure::new(Exit::Usage, format!("{}: {why}", path.display()));
            let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
            text.parse().map_err(|error: FaultPlanError| wrong(error.to_string()))?
        }
    };
    let hosts = match args.hosts {
        HostKind::None => Ok(Hosts::none()),
        HostKind::Sshd => Hosts::sshd(SshdOptions::default()),
        HostKind::Namespace => Hosts::namespace().await,
    };
    let hosts = hosts.map_err(|error| Failure::new(Exit::Usage, error.to_string()))?;
    let mut interrupts = Interrupts::listen()?;
    // Clients with clocks of their own sign with today's date.
    let sim = Sim::builder()
        .seed(args.seed)
        .time_scale(args.time_scale)
        .faults(faults)
        .start(SystemClock.now())
        .hosts(hosts)
        .build();
    args.instance_profiles.iter().for_each(|profile| sim.add_instance_profile(profile));
    let listener = sim
        .listen(args.listen)
        .await
        .map_err(|error| Failure::new(Exit::Failed, format!("{}: {error}", args.listen)))?;
    say(format_args!("listening on {}", listener.url()));
    match sim.vpc() {
        Some(vpc) => say(format_args!("instances are reached by: nsenter --net={}", vpc.path().display())),
        None if args.hosts != HostKind::None => {
            say(format_args!("instances take SSH on port {}", sim.ssh_port()));
        }
        None => {}
    }
    interrupts.next().await;
    listener.shutdown().await;
    Ok(Exit::Done)
}
