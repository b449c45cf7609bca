//! `ec2-stories scale`, `pause`, `resume`, `hold`, `release`, `quarantine`, `replace`: orders, which a controller takes up wherever it
//! is, and the next one where there is none.

mod args;

use ec2_stories::model::NodeAddress;
use ec2_stories::provider::Hold;
use ec2_stories::terminal::{note, say};
use ec2_stories::{Deployment, Error, ErrorKind};
use serde_json::{Value, json};

use crate::args::OnStory;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::lock::Lock;
use crate::nodes::Chosen;
use crate::session::Session;

pub(crate) use args::{HoldArgs, NodeArgs, PauseArgs, ReleaseArgs, ScaleArgs};

/// A story that orders are given for.
struct Desk {
    session: Session,
    deployment: Deployment,
}

impl Desk {
    async fn open(on: OnStory) -> Result<Self, Failure> {
        let session = Session::open_lasting(on)?;
        let deployment = session.deployment().await?;
        Ok(Self { session, deployment })
    }

    /// The nodes that an order is about. Where nothing was ever started there are none.
    async fn nodes(&self, chosen: &Chosen) -> Result<Vec<NodeAddress>, Failure> {
        let nodes = chosen.described(&self.session, &self.deployment.orders().await?)?;
        match self.deployment.was_started().await? {
            true => Ok(nodes),
            false => Err(Failure::new(Exit::Usage, self.never_started())),
        }
    }

    fn never_started(&self) -> String {
        let state = self.session.on.state.display();
        format!("{}: nothing was ever started with --state {state}", self.session.name())
    }

    /// Says so where nothing was ever started: the order may have gone to another state folder than was meant.
    async fn remark(&self) -> Result<(), Failure> {
        if !self.deployment.was_started().await? {
            note(format_args!("{}; the order waits for a start", self.never_started()));
        }
        Ok(())
    }

    /// Says what was ordered, and who takes it up.
    fn close(&self, order: &str, of: &Value) -> Result<Exit, Failure> {
        let controller = Lock::attempt(&self.session.on.state, self.session.name())?.err();
        if self.session.on.json {
            say(
                json!({ "deployment": self.session.name(), "order": order, "of": of, "controller": controller }),
            );
            return Ok(Exit::Done);
        }
        let of = match of {
            Value::Array(each) => each.iter().map(text).collect::<Vec<_>>().join(" "),
            of => text(of),
        };
        let by = match controller {
            Some(pid) => format!("process {pid} takes it up within seconds"),
            None => "no process here controls the deployment; the next start takes it up".to_owned(),
        };
        say(format_args!("{order} {of}: {by}"));
        Ok(Exit::Done)
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// An order that names what there is not is the caller's mistake.
fn refused(error: Error) -> Failure {
    match error.kind() {
        ErrorKind::Invalid | ErrorKind::NotFound => Failure::new(Exit::Usage, error.chain()),
        _ => error.into(),
    }
}

pub(crate) async fn scale(args: ScaleArgs) -> Result<Exit, Failure> {
    let desk = Desk::open(args.on).await?;
    for (fleet, nodes) in &args.fleets {
        desk.deployment.scale(fleet, *nodes).await.map_err(refused)?;
    }
    desk.remark().await?;
    let of = args.fleets.iter().map(|(fleet, nodes)| json!(format!("{fleet}={nodes}"))).collect();
    desk.close("scale", &of)
}

pub(crate) async fn pause(args: PauseArgs) -> Result<Exit, Failure> {
    let desk = Desk::open(args.on).await?;
    desk.deployment.pause(args.by.owner, args.by.reason).await.map_err(refused)?;
    desk.remark().await?;
    desk.close("pause", &json!(desk.session.name()))
}

pub(crate) async fn resume(on: OnStory) -> Result<Exit, Failure> {
    let desk = Desk::open(on).await?;
    desk.deployment.resume().await?;
    desk.remark().await?;
    desk.close("resume", &json!(desk.session.name()))
}

pub(crate) async fn hold(args: HoldArgs) -> Result<Exit, Failure> {
    let desk = Desk::open(args.on).await?;
    let nodes = desk.nodes(&args.nodes).await?;
    let until = desk.session.now() + args.time;
    for node in &nodes {
        let hold = Hold { owner: args.by.owner.clone(), reason: args.by.reason.clone(), until };
        desk.deployment.hold(node, hold).await.map_err(refused)?;
    }
    desk.close("hold", &json!(nodes))
}

pub(crate) async fn release(args: ReleaseArgs) -> Result<Exit, Failure> {
    let desk = Desk::open(args.on).await?;
    let nodes = desk.nodes(&args.nodes).await?;
    for node in &nodes {
        desk.deployment.release(node).await.map_err(refused)?;
    }
    desk.close("release", &json!(nodes))
}

pub(crate) async fn quarantine(args: NodeArgs) -> Result<Exit, Failure> {
    let desk = Desk::open(args.on).await?;
    desk.nodes(&args.node.clone().into()).await?;
    desk.deployment.quarantine(&args.node, args.reason).await.map_err(refused)?;
    desk.close("quarantine", &json!([args.node]))
}

pub(crate) async fn replace(args: NodeArgs) -> Result<Exit, Failure> {
    let desk = Desk::open(args.on).await?;
    desk.nodes(&args.node.clone().into()).await?;
    desk.deployment.replace(&args.node, args.reason).await.map_err(refused)?;
    desk.close("replace", &json!([args.node]))
}
