//! Whether cloud-init has finished.

use ec2_stories_core::{Error, ErrorKind, Result};

use super::withheld::withhold;
use crate::error::code;
use crate::{Command, Exit, Session};

/// A host without cloud-init has nothing to wait for. What it says is its long status; what it did is in its log, which may be
/// root's alone.
const WAIT: &str = r#"command -v cloud-init >/dev/null 2>&1 || exit 0
cloud-init status --wait >/dev/null 2>&1; status=$?
[ "$status" = 0 ] && exit 0
cloud-init status --long 2>&1
tail -n 15 /var/log/cloud-init-output.log 2>/dev/null
exit "$status""#;

/// Since 23.4 cloud-init tells errors that it got over from those that ended it.
const RECOVERED: u32 = 2;

/// Waits until it has.
///
/// # Errors
/// [`CLOUD_INIT_FAILED`](code::CLOUD_INIT_FAILED) with the end of what it said.
pub(super) async fn finished(session: &Session) -> Result<()> {
    let output = session.exec(&Command::shell(WAIT)).await?;
    let said = || withhold(output.stdout.text().trim_end());
    match output.exit {
        Exit::Status(0) => Ok(()),
        Exit::Status(RECOVERED) => {
            tracing::warn!(host = %session.target(), said = said(), "cloud-init finished with errors that it got over");
            Ok(())
        }
        _ => Err(Error::new(ErrorKind::Failed, format!("cloud-init failed: {}", said()))
            .code(code::CLOUD_INIT_FAILED)
            .during("wait until ready")
            .on(session.target().to_string())),
    }
}
