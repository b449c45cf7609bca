//! `ec2-stories ping`

use ec2_stories::deployment::NodeStatus;
use ec2_stories::model::InstanceState;
use ec2_stories::terminal::say;

use crate::args::OnStory;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::render;
use crate::session::Session;

pub(crate) async fn run(on: OnStory) -> Result<Exit, Failure> {
    let session = Session::open_lasting(on)?;
    let status = session.deployment().await?.status().await?;
    if session.on.json {
        say(render::json(&status)?);
    } else {
        say(&status);
    }
    let mut wanted = status.nodes.iter().filter(|node| node.wanted).peekable();
    let runs = |node: &NodeStatus| {
        node.instance.as_ref().is_some_and(|instance| instance.state == InstanceState::Running)
    };
    Ok(if wanted.peek().is_some() && wanted.all(runs) { Exit::Done } else { Exit::Failed })
}
