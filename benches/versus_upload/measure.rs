//! What a client's process took.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;
use tokio::time::Instant;

/// How often the process is looked at. Its peak of memory is the kernel's own, so nothing is missed but its last moment.
const LOOK: Duration = Duration::from_millis(10);

/// What `/proc/…/stat` counts in, on every Linux that Rust runs on.
const TICKS_A_SECOND: f64 = 100.0;

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Figures {
    /// Seconds.
    pub(crate) wall: f64,
    /// Seconds of all processors.
    pub(crate) cpu: f64,
    /// Peak of resident memory in MiB.
    pub(crate) memory: f64,
}

/// Runs a client to its end. Time counts from its first line where its standard output is piped, else from its start.
///
/// # Errors
/// When it cannot be started or fails.
pub(crate) async fn measure(command: &mut Command) -> io::Result<Figures> {
    let before = ticks_of_children();
    let mut began = Instant::now();
    let mut child = command.kill_on_drop(true).spawn()?;
    let pid = child.id().unwrap_or(0);
    let mut loading = 0.0;
    if let Some(output) = child.stdout.take() {
        BufReader::new(output).read_line(&mut String::new()).await?;
        began = Instant::now();
        loading = ticks(&format!("/proc/{pid}/stat"), OWN).unwrap_or(0.0);
    }
    let mut kib = 0.0_f64;
    loop {
        kib = kib.max(peak_memory(pid).unwrap_or(0.0));
        tokio::select! {
            status = child.wait() => {
                let status = status?;
                let wall = began.elapsed().as_secs_f64();
                if !status.success() {
                    return Err(io::Error::other(format!("{command:?}: {status}")));
                }
                let cpu = (ticks_of_children() - before - loading) / TICKS_A_SECOND;
                return Ok(Figures { wall, cpu, memory: kib / 1024.0 });
            }
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

/// Fields of `/proc/…/stat`, counted from the one after the name: a process's own time, and that of the children it waited for.
const OWN: usize = 11;
const CHILDREN: usize = 13;

fn ticks_of_children() -> f64 {
    ticks("/proc/self/stat", CHILDREN).unwrap_or(f64::NAN)
}

/// Time in user mode and in the kernel.
fn ticks(stat: &str, field: usize) -> Option<f64> {
    let stat = std::fs::read_to_string(stat).ok()?;
    // The name in parentheses may have blanks.
    let (_, rest) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    Some(fields.get(field)?.parse::<f64>().ok()? + fields.get(field + 1)?.parse::<f64>().ok()?)
}

fn peak_memory(pid: u32) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// The one in the middle, each figure for itself.
pub(crate) fn median(runs: &[Figures]) -> Figures {
    let middle = |figure: fn(&Figures) -> f64| {
        let mut all: Vec<f64> = runs.iter().map(figure).collect();
        all.sort_by(f64::total_cmp);
        all.get(all.len() / 2).copied().unwrap_or(f64::NAN)
    };
    Figures { wall: middle(|run| run.wall), cpu: middle(|run| run.cpu), memory: middle(|run| run.memory) }
}
