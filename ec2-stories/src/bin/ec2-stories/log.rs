//! Logging to standard error.

use tracing_subscriber::EnvFilter;

/// Logs what `EC2_STORIES_LOG` asks for; nothing where it is not set.
pub(crate) fn init() {
    let filter = EnvFilter::try_from_env("EC2_STORIES_LOG").unwrap_or_else(|_| EnvFilter::new("off"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
}
