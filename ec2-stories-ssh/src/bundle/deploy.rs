//! Working on a host: one script, which says how far it is.

use ec2_stories_core::provider::{Node, StepOutcome, StepReport};
use ec2_stories_core::{Error, ErrorKind, Result, Status};
use tokio::io::{AsyncWriteExt, DuplexStream};
use tokio_util::task::AbortOnDropHandle;

use super::release::Release;
use super::{Bundle, Manifest};
use crate::error::code;
use crate::{Captured, Chunk, Command, LineBuffer, Session};

pub(super) const DEPLOY: &str =
    concat!(include_str!("sh/lock.sh"), include_str!("sh/service.sh"), include_str!("sh/deploy.sh"));
pub(super) const REMOVE: &str =
    concat!(include_str!("sh/lock.sh"), include_str!("sh/service.sh"), include_str!("sh/remove.sh"));
/// What waits between the file and the link.
const BUFFER: usize = 256 * 1024;
/// Error output that is kept for the last line's sake.
const KEEP: usize = 16 * 1024;
/// How many steps there are; the script says each by its first word.
const STEPS: [&str; 3] = ["copy", "start", "check"];

/// What the script says.
enum Said {
    Send,
    Busy(String),
    Step { step: String, outcome: StepOutcome },
}

impl Said {
    fn read(line: &str) -> Option<Self> {
        if let Some(who) = line.strip_prefix("busy ") {
            return Some(Self::Busy(who.to_owned()));
        }
        if line == "send" {
            return Some(Self::Send);
        }
        let (step, outcome) = line.strip_prefix("step ")?.split_once(' ')?;
        let outcome = match outcome.split_once(' ').unwrap_or((outcome, "")) {
            ("changed", _) => StepOutcome::Changed,
            ("unchanged", _) => StepOutcome::Unchanged,
            ("failed", why) => StepOutcome::Failed(why.trim().to_owned()),
            _ => return None,
        };
        Some(Self::Step { step: step.to_owned(), outcome })
    }
}

pub(super) async fn deploy(bundle: &Bundle, session: &Session, node: &Node) -> Result<Vec<StepReport>> {
    let release = Release::of(&bundle.pack, node)?;
    let Manifest { name, keep, .. } = bundle.manifest();
    let command = script(bundle, DEPLOY)
        .arg(format!("{}/{name}", bundle.folder))
        .arg(name.to_string())
        .arg(&release.id)
        .arg(&release.sum)
        .arg(keep.to_string())
        .arg(bundle.patience.as_secs().to_string())
        .arg(ourselves(node.deployment.as_str()));
    let (reader, writer) = tokio::io::duplex(BUFFER);
    let mut content = Some((writer, release.tail));
    let mut sending = None;
    let mut running = session.spawn_with_input(&command, reader).await?;
    let (mut lines, mut errors) = (LineBuffer::default(), Captured::keeping(KEEP));
    let mut outcomes = Vec::new();
    loop {
        let (said, ended) = match running.next().await? {
            Some(Chunk::Stdout(bytes)) => (lines.push(&bytes), false),
            Some(Chunk::Stderr(bytes)) => {
                errors.push(&bytes);
                continue;
            }
            None => (lines.finish().into_iter().collect(), true),
        };
        for line in said {
            match Said::read(&line) {
                Some(Said::Send) => {
                    if let Some((writer, tail)) = content.take() {
                        sending = Some(send(bundle, writer, tail)?);
                    }
                }
                Some(Said::Busy(who)) => return Err(busy(&who, session)),
                Some(Said::Step { step, outcome }) => {
                    // Nothing more is read: who waits for more would wait for ever.
                    content = None;
                    outcomes.push((step, outcome));
                }
                None => errors.push(line.as_bytes()),
            }
        }
        if ended {
            break;
        }
    }
    drop(sending);
    let exit = running.wait().await?;
    reports(bundle, outcomes, &errors)
        .ok_or_else(|| broken("deploy", &format!("{exit}: {}", errors.last_line()), session))
}

/// Sends the content while the script is listened to.
fn send(bundle: &Bundle, mut writer: DuplexStream, tail: Vec<u8>) -> Result<AbortOnDropHandle<()>> {
    let mut stream = tokio::fs::File::from_std(bundle.pack.stream()?);
    Ok(AbortOnDropHandle::new(tokio::spawn(async move {
        let sent = async {
            tokio::io::copy(&mut stream, &mut writer).await?;
            writer.write_all(&tail).await?;
            writer.shutdown().await
        };
        // The host sees by the hash that not all came; it says so.
        if let Err(error) = sent.await {
            tracing::debug!(%error, "a bundle was not sent to its end");
        }
    })))
}

/// What became of each step, if the script came to an end.
fn reports(
    bundle: &Bundle,
    outcomes: Vec<(String, StepOutcome)>,
    errors: &Captured,
) -> Option<Vec<StepReport>> {
    let title = bundle.title();
    let mut reports = Vec::new();
    let mut outcomes = outcomes.into_iter();
    let mut failed = false;
    for step in STEPS {
        let outcome = match outcomes.next() {
            None if failed => StepOutcome::Skipped,
            Some((said, outcome)) if said == step => outcome,
            _ => return None,
        };
        let outcome = match outcome {
            StepOutcome::Failed(why) if why.is_empty() => StepOutcome::Failed(errors.last_line()),
            outcome => outcome,
        };
        failed |= matches!(outcome, StepOutcome::Failed(_));
        reports.push(StepReport { step: format!("{step} {title}"), outcome });
    }
    Some(reports)
}

pub(super) async fn remove(bundle: &Bundle, session: &Session) -> Result<Vec<StepReport>> {
    let name = &bundle.manifest().name;
    let command = script(bundle, REMOVE)
        .arg(format!("{}/{name}", bundle.folder))
        .arg(name.to_string())
        .arg(bundle.patience.as_secs().to_string())
        .arg(ourselves("terminate"));
    let output = session.exec(&command).await?;
    let said = output.stdout.last_line();
    if let Some(who) = said.strip_prefix("busy ") {
        return Err(busy(who, session));
    }
    let outcome = match said.split_once(' ').unwrap_or((&said, "")) {
        ("changed", _) => StepOutcome::Changed,
        ("unchanged", _) => StepOutcome::Unchanged,
        ("failed", "") => StepOutcome::Failed(output.stderr.last_line()),
        ("failed", why) => StepOutcome::Failed(why.to_owned()),
        _ => {
            return Err(broken(
                "remove",
                &format!("{}: {}", output.exit, output.stderr.last_line()),
                session,
            ));
        }
    };
    let title = bundle.title();
    let report = |step: &&str| StepReport { step: format!("{step} {title}"), outcome: outcome.clone() };
    Ok(STEPS.iter().rev().map(report).collect())
}

fn script(bundle: &Bundle, script: &str) -> Command {
    let command = Command::shell(script);
    if bundle.folder.starts_with('~') { command } else { command.as_root() }
}

/// What others are told who wait for us.
fn ourselves(what: &str) -> String {
    format!("{what}, process {} of the controller", std::process::id())
}

fn busy(who: &str, session: &Session) -> Error {
    Error::new(ErrorKind::Conflict, format!("another controller deploys to this host: {who}"))
        .status(Status::Temporary)
        .during("deploy")
        .on(session.target().to_string())
}

fn broken(operation: &str, said: &str, session: &Session) -> Error {
    let full = said.contains("No space left on device");
    let kind = if full { ErrorKind::Limit } else { ErrorKind::Failed };
    let error = Error::new(kind, format!("the host did not bring it to an end: {said}"));
    let error = error.during(operation).on(session.target().to_string());
    if full { error.code(code::DISK_FULL) } else { error }
}
