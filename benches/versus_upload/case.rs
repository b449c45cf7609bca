//! What is uploaded, to what kind of server.

use std::fmt;
use std::time::Duration;

/// What goes wrong at the server: with the request that brings every so manieth MiB, 0 for none. Counting requests would
/// spare clients that send large parts.
#[derive(Clone, Copy, Default)]
pub(crate) struct Trouble {
    pub(crate) latency: Duration,
    pub(crate) stall_every: u64,
    pub(crate) refuse_every: u64,
    pub(crate) reset_every: u64,
}

#[derive(Clone, Copy)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) mib: u64,
    pub(crate) tls: bool,
    pub(crate) trouble: Trouble,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} MiB, {}", self.mib, self.name)
    }
}

/// The cases of one size.
pub(crate) fn cases(mib: u64) -> Vec<Case> {
    let latency = Duration::from_millis(50);
    // Of parts of 8 MiB, one, three and one in a hundred.
    let (stall_every, refuse_every, reset_every) = (800, 267, 808);
    let quiet = Trouble::default();
    let case = |name, tls, trouble| Case { name, mib, tls, trouble };
    vec![
        case("plain", false, quiet),
        case("TLS", true, quiet),
        case("50 ms", false, Trouble { latency, ..quiet }),
        case("50 ms, 1 % stalls", false, Trouble { latency, stall_every, ..quiet }),
        case("50 ms, 3 % 503, 1 % resets", false, Trouble { latency, refuse_every, reset_every, ..quiet }),
    ]
}
