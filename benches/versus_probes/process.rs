//! What a process took.

use std::fs;

use crate::Outcome;

/// What `/proc/…/stat` counts in, on every Linux that Rust runs on.
const TICKS_A_SECOND: f64 = 100.0;

/// Probes, and what they cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figure {
    pub(crate) probes: f64,
    /// Seconds of all processors.
    pub(crate) cpu: f64,
    /// Resident bytes at the end.
    pub(crate) memory: f64,
}

impl Figure {
    pub(crate) fn a_core_second(&self) -> f64 {
        self.probes / self.cpu
    }
}

/// Seconds that a process has computed: fields 14 and 15, which are 11 and 12 after the name.
pub(crate) fn cpu(process: &str) -> Outcome<f64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The name in parentheses may have blanks.
    let rest = stat.rsplit_once(')').map(|(_, rest)| rest).unwrap_or_default();
    let ticks: Vec<f64> =
        rest.split_whitespace().skip(11).take(2).map(str::parse).collect::<Result<_, _>>()?;
    Ok(ticks.iter().sum::<f64>() / TICKS_A_SECOND)
}

/// Resident bytes.
pub(crate) fn memory(process: &str) -> Outcome<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).ok_or("no VmRSS")?;
    let kib: f64 = line.split_whitespace().nth(1).ok_or("no figure")?.parse()?;
    Ok(kib * 1024.0)
}
