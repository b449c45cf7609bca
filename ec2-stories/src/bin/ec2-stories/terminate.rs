//! `ec2-stories terminate`

use std::time::Duration;

use ec2_stories::terminal::{Interrupts, note};

use crate::args::OnStory;
use crate::control::{self, Word};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::lock::Lock;
use crate::patience;
use crate::render;
use crate::session::Session;

/// A controller may have to wait for machines that shut down slowly.
const HAND_OVER: Duration = Duration::from_secs(15 * 60);

pub(crate) async fn run(on: OnStory) -> Result<Exit, Failure> {
    let session = Session::open_lasting(on)?;
    let mut interrupts = Interrupts::listen()?;
    let work = async {
        let deployment = session.deployment().await?;
        let _lock = take_over(&session).await?;
        let waits = "the nodes are not all gone yet: they shut down, or the cloud does not answer; it is asked again until \
                     they are, and after ctrl-C by the next `terminate`";
        let report = patience::outcome(waits, deployment.terminate()).await?;
        render::report(&report, session.on.json)
    };
    tokio::select! {
        ended = work => ended,
        () = interrupts.next() => Ok(Exit::Interrupted),
    }
}

/// Takes the deployment, from its controller where it has one: that takes the nodes down itself.
async fn take_over(session: &Session) -> Result<Lock, Failure> {
    if let Err(pid) = Lock::attempt(&session.on.state, session.name())? {
        note(format_args!("telling process {pid} to take the nodes down"));
        control::tell(&*session.store, session.name(), Word::Terminate).await?;
    }
    control::until_free(&session.on.state, session.name(), HAND_OVER).await
}
