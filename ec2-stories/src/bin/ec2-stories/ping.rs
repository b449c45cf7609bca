//! `ec2-stories ping`

use ec2_stories::terminal::say;
use serde_json::json;

use crate::args::OnStory;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::patience;
use crate::session::Session;

pub(crate) async fn run(on: OnStory, deep: bool) -> Result<Exit, Failure> {
    let session = Session::open_lasting(on)?;
    let deployment = session.deployment().await?;
    let ping = async { if deep { deployment.ping_deep().await } else { deployment.ping().await } };
    let ping = patience::answer("how the nodes are", ping).await?;
    if session.on.json {
        let unwritable = |error: serde_json::Error| Failure::new(Exit::Failed, error.to_string());
        let mut shown = serde_json::to_value(&ping).map_err(unwritable)?;
        shown["passed"] = json!(ping.passed());
        say(shown);
    } else {
        say(&ping);
    }
    Ok(if ping.passed() { Exit::Done } else { Exit::Failed })
}
