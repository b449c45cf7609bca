//! What is launched.

use std::fmt;

/// One comparison.
#[derive(Clone, Copy)]
pub(crate) struct Case {
    pub(crate) nodes: u32,
    /// Seconds that a node takes to run.
    pub(crate) boot: u64,
    /// The share by which that varies from node to node.
    pub(crate) jitter: f64,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { nodes, boot, jitter } = self;
        write!(f, "{nodes} nodes, {boot} s")?;
        if *jitter > 0.0 {
            write!(f, " ± {:.0} %", jitter * 100.0)?;
        }
        Ok(())
    }
}
