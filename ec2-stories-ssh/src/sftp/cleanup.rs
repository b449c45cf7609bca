//! What a transfer leaves when it fails, or when nobody waits for it any more.

use russh_sftp::protocol::{FileAttributes, OpenFlags};

use super::Sftp;
use super::failure::Failure;

/// A half-written file, which the transfer made itself.
pub(super) struct Temporary {
    sftp: Sftp,
    path: String,
}

impl Temporary {
    /// Makes it. What is there already under its name is somebody's: it is not written to, nor removed.
    pub(super) async fn make(sftp: &Sftp, path: String) -> Result<(Self, OpenFile), Failure> {
        // Before the answer, which may get lost, or not be waited for.
        let mut temporary = Self { sftp: sftp.clone(), path };
        // Nobody else reads it before it has its own mode.
        let private = FileAttributes { permissions: Some(0o600), ..FileAttributes::empty() };
        let flags = OpenFlags::WRITE | OpenFlags::CREATE | OpenFlags::EXCLUDE;
        match sftp.open(&temporary.path, flags, private).await {
            Ok(handle) => Ok((temporary, OpenFile::new(sftp, handle))),
            Err(error) => {
                if matches!(error, Failure::Status(_)) {
                    temporary.path.clear();
                }
                Err(error)
            }
        }
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

#[cfg(test)]
mod tests {
    use std::fs;
    use std::process::Stdio;

    use tokio::process::{Child, Command};
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::session::Endings;

    const SERVERS: [&str; 3] =
        ["/usr/lib/openssh/sftp-server", "/usr/libexec/openssh/sftp-server", "/usr/lib/ssh/sftp-server"];

    /// OpenSSH's own server, without a connection.
    async fn server() -> (Child, Sftp) {
        let program = SERVERS.into_iter().find(|path| fs::exists(path).unwrap()).expect("it is installed");
        let mut server = Command::new(program);
        server.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut server = server.spawn().unwrap();
        let stream = tokio::io::join(server.stdout.take().unwrap(), server.stdin.take().unwrap());
        let sftp = Sftp::over(stream, "here", CancellationToken::new(), Endings::default()).await.unwrap();
        (server, sftp)
    }

    #[tokio::test]
    async fn what_is_there_under_its_name_is_somebodys() {
        let (_server, sftp) = server().await;
        let folder = tempfile::tempdir().unwrap();
        let (path, dangling) = (folder.path().join("there"), folder.path().join("link"));
        fs::write(&path, "mine").unwrap();
        std::os::unix::fs::symlink(folder.path().join("nowhere"), &dangling).unwrap();
        for taken in [&path, &dangling] {
            let made = Temporary::make(&sftp, taken.to_str().unwrap().to_owned()).await;
            assert!(matches!(made, Err(Failure::Status(_))));
        }
        sftp.0.endings.wait().await;
        assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[tokio::test]
    async fn what_it_made_goes_also_when_nobody_hears_that_it_was_made() {
        let (_server, sftp) = server().await;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("half").to_str().unwrap().to_owned();
        drop(Temporary::make(&sftp, path.clone()).await.unwrap_or_else(|error| panic!("{error}")));
        sftp.0.endings.wait().await;
        assert!(!fs::exists(&path).unwrap());
        // The request is on its way, and its answer is not waited for.
        let unheard = Temporary::make(&sftp, path.clone());
        assert!(futures::FutureExt::now_or_never(unheard).is_none());
        sftp.0.endings.wait().await;
        assert!(!fs::exists(&path).unwrap());
    }
}
