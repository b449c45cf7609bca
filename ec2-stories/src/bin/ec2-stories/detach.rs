//! `ec2-stories detach`

use std::time::Duration;

use ec2_stories::terminal::say;

use crate::args::OnStory;
use crate::control::{self, Word};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::lock::Lock;
use crate::session::Session;

/// A controller that leaves has only its journal to write.
const HAND_OVER: Duration = Duration::from_secs(60);

pub(crate) async fn run(on: OnStory) -> Result<Exit, Failure> {
    let session = Session::open_lasting(on)?;
    let (state, name) = (&session.on.state, session.name());
    let left_by = match Lock::attempt(state, name)? {
        Ok(_) => None,
        Err(pid) => {
            control::tell(&*session.store, name, Word::Detach).await?;
            control::until_free(state, name, HAND_OVER).await?;
            Some(pid)
        }
    };
    match left_by {
        left_by if session.on.json => say(serde_json::json!({ "deployment": name, "left_by": left_by })),
        Some(pid) => say(format_args!("{name}: process {pid} left its nodes")),
        None => say(format_args!("{name}: nobody controls it; its nodes stay as they are")),
    }
    Ok(Exit::Done)
}
