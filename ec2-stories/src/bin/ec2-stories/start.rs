//! `ec2-stories start`

use ec2_stories::model::Mode;
use ec2_stories::terminal::{self, Interrupts, Progress, note, say};
use ec2_stories::{Deployment, ErrorKind, Running};

use crate::args::OnStory;
use crate::control::{self, Word};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::lock::Lock;
use crate::patience;
use crate::render;
use crate::session::Session;

/// Why a start comes to its end.
enum End {
    /// The nodes are ready.
    Ready,
    /// They will not be.
    Failed(String),
    /// Another process said so.
    Told(Word),
    /// ctrl-C, SIGTERM or SIGHUP.
    Interrupted,
}

/// How a deployment is started.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Way {
    /// It is left as soon as its nodes are ready.
    pub(crate) detach: bool,
    /// Nodes of another image than their fleet's are replaced.
    pub(crate) updates: bool,
}

pub(crate) async fn run(on: OnStory, detach: bool) -> Result<Exit, Failure> {
    let session = Session::open(on)?;
    session.story.check_customizing()?;
    let deployment = session.deployment().await?;
    let lock = session.lock()?;
    control(session, deployment, lock, Way { detach, updates: false }).await
}

/// Controls the deployment until it is ready and to be left, or somebody says so.
pub(crate) async fn control(
    session: Session,
    deployment: Deployment,
    _lock: Option<Lock>,
    way: Way,
) -> Result<Exit, Failure> {
    let detach = way.detach;
    control::forget(&*session.store, session.name()).await?;
    let mut interrupts = Interrupts::listen()?;

    let start =
        async { if way.updates { deployment.start_updating().await } else { deployment.start().await } };
    let start = patience::answer("what there is to start from", start);
    let running = tokio::select! {
        started = start => started.map_err(|error| match error.kind() {
            ErrorKind::Invalid => Failure::new(Exit::Unsound, error.chain()),
            // The lease is another's: one on another machine, or with another state folder.
            ErrorKind::Conflict => Failure::new(Exit::Busy, error.chain()),
            _ => error.into(),
        })?,
        () = interrupts.next() => return stop_early(&session, &deployment, &mut interrupts).await,
    };
    let mut progress = follow(&session, &running);
    let mut end = tokio::select! {
        ready = running.ready() => ready.map_or_else(|error| End::Failed(error.chain()), |()| End::Ready),
        word = control::heard(&*session.store, session.name()) => End::Told(word?),
        () = interrupts.next() => End::Interrupted,
    };
    let ready = matches!(end, End::Ready);
    if ready {
        progress.finish().await;
        show(&session, &running, detach)?;
        progress = follow(&session, &running);
        if !detach {
            end = tokio::select! {
                word = control::heard(&*session.store, session.name()) => End::Told(word?),
                () = interrupts.next() => End::Interrupted,
            };
        }
    }
    let exit = match &end {
        End::Failed(why) => {
            note(format_args!("error: {why}"));
            Exit::Failed
        }
        End::Interrupted if !ready => Exit::Interrupted,
        _ => Exit::Done,
    };
    let leave = match end {
        End::Ready | End::Told(Word::Detach) => true,
        End::Told(Word::Terminate) => false,
        End::Failed(_) | End::Interrupted => session.story.spec().mode == Mode::Production,
    };
    let report = tokio::select! {
        report = async { if leave { running.detach().await } else { running.terminate().await } } => report?,
        () = interrupts.next() => {
            // Dropped alive it would go on.
            running.kill().await;
            return Ok(cut_short());
        }
    };
    progress.finish().await;
    let left = render::report(&report, session.on.json)?;
    Ok(if exit == Exit::Done { left } else { exit })
}

/// Interrupted while it was being decided what to do: a launch may have begun.
async fn stop_early(
    session: &Session,
    deployment: &Deployment,
    interrupts: &mut Interrupts,
) -> Result<Exit, Failure> {
    if session.story.spec().mode == Mode::Dev {
        let report = tokio::select! {
            report = deployment.terminate() => report?,
            () = interrupts.next() => return Ok(cut_short()),
        };
        render::report(&report, session.on.json)?;
    }
    Ok(Exit::Interrupted)
}

/// Interrupted once more, while the nodes were being taken down or left.
fn cut_short() -> Exit {
    note("cut short; `ec2-stories terminate` takes down what is left");
    Exit::Interrupted
}

fn follow(session: &Session, running: &Running) -> Progress {
    if session.on.json { Progress::as_json(running) } else { Progress::follow(running) }
}

fn show(session: &Session, running: &Running, detach: bool) -> Result<(), Failure> {
    let nodes = running.nodes();
    if session.on.json {
        say(render::json(&serde_json::json!({ "ready": nodes }))?);
    } else {
        say(terminal::nodes(&nodes));
        note(match session.story.spec().mode {
            _ if detach => "ready; the nodes stay",
            Mode::Dev => "ready; ctrl-C takes the nodes down",
            Mode::Production => "ready; ctrl-C leaves the nodes",
        });
    }
    Ok(())
}
