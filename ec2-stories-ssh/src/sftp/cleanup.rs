//! What a transfer leaves when it fails, or when nobody waits for it any more.

use super::Sftp;
use super::failure::Failure;

/// A half-written file.
pub(super) struct Temporary {
    sftp: Sftp,
    path: String,
}

impl Temporary {
    pub(super) fn new(sftp: &Sftp, path: String) -> Self {
        Self { sftp: sftp.clone(), path }
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// It has become the file that it was to be.
    pub(super) fn in_place(mut self) {
        self.path.clear();
    }

    /// Removes it now, so that nothing is left when the failure is known; one more try is made in the background.
    pub(super) async fn remove(mut self) {
        if self.sftp.is_alive() && self.sftp.remove(&self.path).await.is_ok() {
            self.path.clear();
        }
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.path.is_empty() && self.sftp.is_alive() {
            let (sftp, path) = (self.sftp.clone(), std::mem::take(&mut self.path));
            let endings = self.sftp.0.endings.clone();
            endings.finally(async move {
                if let Err(error) = sftp.remove(&path).await {
                    tracing::warn!(error = error.chain(), "a half-written file could not be removed");
                }
            });
        }
    }
}

/// A file that the server has open: it would stay so as long as the channel does.
pub(super) struct OpenFile {
    sftp: Sftp,
    handle: String,
    closed: bool,
}

impl OpenFile {
    pub(super) fn new(sftp: &Sftp, handle: String) -> Self {
        Self { sftp: sftp.clone(), handle, closed: false }
    }

    pub(super) fn handle(&self) -> &str {
        &self.handle
    }

    pub(super) async fn close(mut self) -> Result<(), Failure> {
        let closed = self.sftp.0.ask(self.sftp.0.raw.close(self.handle.as_str())).await;
        self.closed = true;
        closed.map(drop)
    }
}

impl Drop for OpenFile {
    fn drop(&mut self) {
        if !self.closed && self.sftp.is_alive() {
            let (sftp, handle) = (self.sftp.clone(), std::mem::take(&mut self.handle));
            let endings = self.sftp.0.endings.clone();
            endings.finally(async move {
                // A server that does not close it has its own reasons; nothing more can be done.
                let _ = sftp.0.ask(sftp.0.raw.close(handle)).await;
            });
        }
    }
}
