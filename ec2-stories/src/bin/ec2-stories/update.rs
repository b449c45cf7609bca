//! `ec2-stories update`

use std::time::Duration;

use ec2_stories::ErrorKind;
use ec2_stories::terminal::note;

use crate::args::OnStory;
use crate::control::{self, Word};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::lock::Lock;
use crate::patience;
use crate::session::Session;
use crate::start::{self, Way};

/// A controller that leaves has only its journal to write.
const HAND_OVER: Duration = Duration::from_secs(60);

pub(crate) async fn run(on: OnStory, detach: bool) -> Result<Exit, Failure> {
    let session = Session::open_lasting(on)?;
    session.story.check_customizing()?;
    let deployment = session.deployment().await?;
    // Before anybody lets go of anything.
    patience::answer("what an update would find", deployment.plan_update()).await?.check().map_err(
        |error| match error.kind() {
            ErrorKind::Invalid => Failure::new(Exit::Unsound, error.chain()),
            _ => error.into(),
        },
    )?;
    let (state, name) = (&session.on.state, session.name());
    let lock = match Lock::attempt(state, name)? {
        Ok(lock) => lock,
        Err(pid) => {
            note(format_args!("telling process {pid} to hand over"));
            control::tell(&*session.store, name, Word::Detach).await?;
            control::until_free(state, name, HAND_OVER).await?
        }
    };
    start::control(session, deployment, Some(lock), Way { detach, updates: true }).await
}
