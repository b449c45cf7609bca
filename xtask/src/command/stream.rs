//! A command whose output is kept, and shown as it comes or afterwards.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::shown;

/// What a command said and how it ended.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) success: bool,
    /// Standard output's lines.
    pub(crate) out: Vec<String>,
    /// Standard error's lines.
    pub(crate) err: Vec<String>,
}

enum Line {
    Out(String),
    Err(String),
}

impl Line {
    fn show(&self) {
        match self {
            Self::Out(line) => println!("{line}"),
            Self::Err(line) => eprintln!("{line}"),
        }
    }
}

impl Said {
    /// Shows what was kept: what it said on standard error first.
    pub(crate) fn show(&self) {
        self.err.iter().for_each(|line| eprintln!("{line}"));
        self.out.iter().for_each(|line| println!("{line}"));
    }
}

/// Runs the command, shows its output as it comes, and kills it once it has been silent for `patience`.
pub(crate) fn stream(command: Command, patience: Duration) -> Result<Said> {
    listen(command, patience, Line::show)
}

/// As [`stream`], and shows nothing: for what runs beside others.
pub(crate) fn keep(command: Command, patience: Duration) -> Result<Said> {
    listen(command, patience, |_| {})
}

fn listen(mut command: Command, patience: Duration, heard: impl Fn(&Line)) -> Result<Said> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot run {}", shown(&command)))?;
    let (sender, lines) = channel();
    forward(child.stdout.take().context("no standard output")?, Line::Out, sender.clone());
    forward(child.stderr.take().context("no standard error")?, Line::Err, sender);

    let mut said = Said { success: false, out: Vec::new(), err: Vec::new() };
    loop {
        match lines.recv_timeout(patience) {
            Ok(line) => {
                heard(&line);
                match line {
                    Line::Out(line) => said.out.push(line),
                    Line::Err(line) => said.err.push(line),
                }
            }
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                child.kill().context("cannot end a command that hangs")?;
                child.wait()?;
                bail!("{} said nothing for {} s and was ended", shown(&command), patience.as_secs());
            }
        }
    }
    said.success = child.wait()?.success();
    Ok(said)
}

fn forward(pipe: impl Read + Send + 'static, line: fn(String) -> Line, lines: Sender<Line>) {
    thread::spawn(move || {
        for bytes in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
            if lines.send(line(String::from_utf8_lossy(&bytes).into_owned())).is_err() {
                break; // The command was ended.
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut shell = Command::new("sh");
        shell.args(["-c", script]);
        shell
    }

    #[test]
    fn output_is_kept_by_stream() {
        let said = stream(shell("echo one; echo two >&2; echo three"), Duration::from_secs(60)).unwrap();
        assert!(said.success);
        assert_eq!(said.out, ["one", "three"]);
        assert_eq!(said.err, ["two"]);
    }

    #[test]
    fn a_failure_is_seen() {
        assert!(!stream(shell("echo no; exit 3"), Duration::from_secs(60)).unwrap().success);
    }

    #[test]
    fn a_silent_command_is_ended() {
        let error = stream(shell("exec sleep 600"), Duration::from_millis(20)).unwrap_err();
        assert!(error.to_string().contains("said nothing"), "{error}");
    }
}
