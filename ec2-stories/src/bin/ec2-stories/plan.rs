//! `ec2-stories plan`

use ec2_stories::Plan;
use ec2_stories::terminal::say;
use serde_json::{Value, json};

use crate::args::OnStory;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::patience;
use crate::session::Session;

pub(crate) async fn run(on: OnStory) -> Result<Exit, Failure> {
    let session = Session::open(on)?;
    session.story.check_customizing()?;
    let plan = patience::answer("what a start would find", async {
        Ok::<_, Failure>(session.deployment().await?.plan().await?)
    });
    let plan = plan.await?;
    if session.on.json {
        say(as_json(&session, &plan)?);
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

/// The plan; each finding has its place in the story, where it is about something written there.
fn as_json(session: &Session, plan: &Plan) -> Result<Value, Failure> {
    let mut value =
        serde_json::to_value(plan).map_err(|error| Failure::new(Exit::Failed, error.to_string()))?;
    for finding in value["findings"].as_array_mut().into_iter().flatten() {
        let place = finding["field"].as_str().and_then(|field| session.story.place(field));
        if let Some((line, column)) = place {
            finding["line"] = json!(line);
            finding["column"] = json!(column);
        }
    }
    Ok(value)
}
