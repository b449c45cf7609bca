//! `ec2-stories status`

use ec2_stories::terminal::say;

use crate::args::OnStory;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::patience;
use crate::render;
use crate::session::Session;

pub(crate) async fn run(on: OnStory) -> Result<Exit, Failure> {
    let session = Session::open_lasting(on)?;
    let status = patience::answer("what is there", session.deployment().await?.status()).await?;
    if session.on.json {
        say(render::json(&status)?);
    } else {
        say(&status);
    }
    Ok(Exit::Done)
}
