//! `ec2-stories sweep`

use ec2_stories::terminal::say;

use crate::args::OnStory;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::patience;
use crate::render;
use crate::session::Session;

pub(crate) async fn run(on: OnStory) -> Result<Exit, Failure> {
    let session = Session::open_lasting(on)?;
    let _lock = session.lock()?;
    let sweep =
        patience::answer("what carries the deployment's tag", session.deployment().await?.sweep()).await?;
    if session.on.json {
        say(render::json(&sweep)?);
    } else {
        say(&sweep);
    }
    let left = sweep.strays.iter().any(|stray| !stray.terminated);
    Ok(if left { Exit::NotClean } else { Exit::Done })
}
