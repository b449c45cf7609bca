//! Steps on real OpenSSH servers.

mod apt;
mod commands;
mod conformance;
mod dnf;
mod files;
mod folders;
mod heartbeats;
mod links;
mod services;
mod systemd;

use std::time::Duration;

use ec2_stories_core::Attributes;
use ec2_stories_core::model::{HostKeys, Instance, InstanceState, LoginSpec, Name, NodeAddress, Tags};
use ec2_stories_core::provider::{Customizer, Node, StepOutcome, StepReport};
use ec2_stories_ssh::Readiness;
use ec2_stories_ssh::step::{Nodes, Step, Steps};

use crate::support::Sshd;
use crate::support::sshd::text;

/// The node `web/0` of the deployment `shop`, on this server.
pub(crate) fn node(server: &Sshd) -> Node {
    node_at(server, server.address().port())
}

pub(crate) fn node_at(server: &Sshd, port: u16) -> Node {
    let address = NodeAddress::new(Name::new("web").unwrap(), 0);
    let instance = Instance {
        id: "i-1".into(),
        state: InstanceState::Running,
        state_reason: None,
        reservation: "r-1".into(),
        launch_index: 0,
        token: None,
        image: "ami-1".into(),
        instance_type: "t3.micro".into(),
        zone: "eu-west-1a".into(),
        private_ip: Some(server.address().ip().to_string()),
        public_ip: None,
        private_dns: None,
        public_dns: None,
        spot: false,
        launched_at: None,
        tags: Tags::new(),
    };
    let mut attributes = Attributes::new();
    attributes.set(&"db/0".parse().unwrap(), "private_ip", "10.0.0.7");
    let login = LoginSpec {
        user: Some(server.user()),
        port: Some(port),
        private_key: Some(server.path("client")),
        host_keys: Some(HostKeys::Pinned(server.host_key())),
        ..LoginSpec::default()
    };
    Node { deployment: Name::new("shop").unwrap(), address, instance, attributes, login }
}

/// Nothing is kept outside of the server's own folder, and nothing waited for long.
pub(crate) fn nodes(server: &Sshd) -> Nodes {
    let short = Duration::from_secs(2);
    let readiness = Readiness::builder().banner(short).login(Duration::from_secs(20)).cloud_init(false);
    Nodes::new().readiness(readiness.build().unwrap()).state_folder(text(&server.path("state")))
}

pub(crate) fn path(server: &Sshd, name: &str) -> String {
    text(&server.path(name)).to_owned()
}

pub(crate) fn steps<S: Into<Step>>(server: &Sshd, steps: impl IntoIterator<Item = S>) -> Steps {
    Steps::new(steps).over(nodes(server))
}

pub(crate) async fn run(server: &Sshd, steps: &Steps) -> Vec<StepOutcome> {
    outcomes(steps.customize(&node(server)).await.unwrap())
}

pub(crate) async fn undo(server: &Sshd, steps: &Steps) -> Vec<StepOutcome> {
    outcomes(steps.undo(&node(server)).await.unwrap())
}

pub(crate) fn outcomes(reports: Vec<StepReport>) -> Vec<StepOutcome> {
    reports.into_iter().map(|report| report.outcome).collect()
}

/// Why the only step failed.
#[track_caller]
pub(crate) fn why(outcomes: &[StepOutcome]) -> &str {
    match outcomes {
        [StepOutcome::Failed(why)] => why,
        other => panic!("must fail: {other:?}"),
    }
}
