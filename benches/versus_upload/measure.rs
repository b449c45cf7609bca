//! What a client's process took.

use std::io;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::Instant;

/// How often the process is looked at. Its peak of memory is the kernel's own, so nothing is missed but its last moment.
const LOOK: Duration = Duration::from_millis(5);

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

/// Runs a client to its end.
///
/// # Errors
/// When it cannot be started or fails.
pub(crate) async fn measure(command: &mut Command) -> io::Result<Figures> {
    let began = Instant::now();
    let mut child = command.kill_on_drop(true).spawn()?;
    let pid = child.id().unwrap_or(0);
    let mut figures = Figures::default();
    loop {
        look(pid, &mut figures);
        tokio::select! {
            status = child.wait() => {
                let status = status?;
                figures.wall = began.elapsed().as_secs_f64();
                if !status.success() {
                    return Err(io::Error::other(format!("{command:?}: {status}")));
                }
                return Ok(figures);
            }
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

fn look(pid: u32, figures: &mut Figures) {
    if let Some(kib) = peak_memory(pid) {
        figures.memory = figures.memory.max(kib / 1024.0);
    }
    if let Some(ticks) = ticks(pid) {
        figures.cpu = figures.cpu.max(ticks / TICKS_A_SECOND);
    }
}

fn peak_memory(pid: u32) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

fn ticks(pid: u32) -> Option<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may have blanks.
    let (_, rest) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    Some(fields.get(11)?.parse::<f64>().ok()? + fields.get(12)?.parse::<f64>().ok()?)
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
