//! `ec2-stories plan`

use ec2_stories::terminal::say;

use crate::args::OnStory;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::render;
use crate::session::Session;

pub(crate) async fn run(on: OnStory) -> Result<Exit, Failure> {
    let session = Session::open(on)?;
    let plan = session.deployment().await?.plan().await?;
    if session.on.json {
        say(render::json(&plan)?);
    } else {
        say(&plan);
        for finding in plan.findings() {
            if let Some((line, column)) = session.story.place(&finding.field) {
                say(format_args!("{} is {}:{line}:{column}", finding.field, session.on.story.display()));
            }
        }
    }
    Ok(if plan.is_sound() { Exit::Done } else { Exit::Unsound })
}
