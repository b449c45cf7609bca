//! What is uploaded, to what kind of server.

use std::fmt;
use std::time::Duration;

/// What goes wrong at the server: with every so manieth part or object, 0 for none.
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
    let quiet = Trouble::default();
    let case = |name, tls, trouble| Case { name, mib, tls, trouble };
    vec![
        case("plain", false, quiet),
        case("TLS", true, quiet),
        case("50 ms", false, Trouble { latency, ..quiet }),
        case("50 ms, 1 % stalls", false, Trouble { latency, stall_every: 100, ..quiet }),
        case(
            "50 ms, 3 % 503, 1 % resets",
            false,
            Trouble { latency, refuse_every: 33, reset_every: 101, ..quiet },
        ),
    ]
}
