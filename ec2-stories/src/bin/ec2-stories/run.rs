//! `ec2-stories run`

use std::time::Duration;

use ec2_stories::provider::Node;
use ec2_stories::ssh::{Chunk, Command, Exit as Ended, LineBuffer, Running, Session as Login};
use ec2_stories::terminal::{note, say};
use ec2_stories::{Error, ErrorKind, Result};

use crate::args::RunArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::nodes;
use crate::session::Session;
use crate::stdin::Stdin;

pub(crate) async fn run(args: RunArgs) -> Result<Exit, Failure> {
    let session = Session::open_lasting(args.on)?;
    let (nodes, ways) = nodes::find(&session, &args.nodes).await?;
    let (json, stdin) = (session.on.json, Stdin::of_this_process(nodes.len()));
    let width = nodes.iter().map(|node| node.address.to_string().len()).max().unwrap_or(0);
    let [program, arguments @ ..] = &args.command[..] else {
        return Err(Failure::new(Exit::Usage, "say what to run after --"));
    };
    let mut command = Command::new(program).args(arguments);
    if args.root {
        command = command.as_root();
    }
    if let Some(seconds) = args.timeout {
        command = command.timeout(Duration::from_secs(seconds));
    }
    let job = async |node: Node, login: Login| -> Result<()> {
        let mut lines = Lines {
            node: format!("{:<width$}", node.address),
            json,
            out: LineBuffer::default(),
            err: LineBuffer::default(),
        };
        let ended = converse(&login, &command, stdin.as_ref(), &mut lines).await;
        lines.finish();
        let exit = ended?;
        if exit.is_success() { Ok(()) } else { Err(Error::new(ErrorKind::Failed, exit.to_string())) }
    };
    let (outcomes, exit) = nodes::on_each(nodes, &ways, &args.fan, job).await?;
    if json {
        say(nodes::json(&outcomes, |(), _| ()));
    }
    Ok(exit)
}

/// Runs the command, and ends it where what it reads does not come whole.
async fn converse(
    login: &Login,
    command: &Command,
    stdin: Option<&Stdin>,
    lines: &mut Lines,
) -> Result<Ended> {
    let Some(stdin) = stdin else {
        return read(login.spawn(command).await?, lines).await;
    };
    let input = stdin.reader();
    let running = login.spawn_with_input(command, input).await?;
    tokio::select! {
        ended = read(running, lines) => ended,
        why = stdin.broken() => Err(why),
    }
}

async fn read(mut running: Running, lines: &mut Lines) -> Result<Ended> {
    while let Some(chunk) = running.next().await? {
        lines.take(&chunk);
    }
    running.wait().await
}

/// Shows output line by line, each with its node.
struct Lines {
    node: String,
    json: bool,
    out: LineBuffer,
    err: LineBuffer,
}

impl Lines {
    fn take(&mut self, chunk: &Chunk) {
        let (lines, out) = match chunk {
            Chunk::Stdout(bytes) => (self.out.push(bytes), true),
            Chunk::Stderr(bytes) => (self.err.push(bytes), false),
        };
        lines.iter().for_each(|line| self.show(line, out));
    }

    fn finish(&mut self) {
        let rest = [(self.out.finish(), true), (self.err.finish(), false)];
        for (line, out) in rest {
            line.iter().for_each(|line| self.show(line, out));
        }
    }

    fn show(&self, line: &str, out: bool) {
        let stream = if out { "stdout" } else { "stderr" };
        let node = &self.node;
        match (self.json, out) {
            (true, _) => say(serde_json::json!({ "node": node.trim_end(), "stream": stream, "line": line })),
            (false, true) => say(format_args!("{node}: {line}")),
            (false, false) => note(format_args!("{node}: {line}")),
        }
    }
}
