//! Folders.

use ec2_stories_core::{Error, ErrorKind, Result};
use russh_sftp::client::error::Error as SftpError;
use russh_sftp::protocol::{FileAttributes, StatusCode};

use super::Sftp;
use super::attributes::{FileKind, FileStat, Listed};
use super::failure::failed;

impl Sftp {
    /// What is in a folder, sorted by name.
    ///
    /// # Errors
    /// If it is not there, not a folder, or may not be read.
    pub async fn list(&self, path: &str) -> Result<Vec<Listed>> {
        let say = |error| failed(error, "list", path, &self.0.on);
        let handle = self.0.ask(self.0.raw.opendir(path)).await.map_err(say)?.handle;
        let mut listed = Vec::new();
        let read = loop {
            match self.0.ask(self.0.raw.readdir(handle.as_str())).await {
                Ok(names) => listed.extend(
                    names
                        .files
                        .into_iter()
                        .filter(|file| file.filename != "." && file.filename != "..")
                        .map(|file| Listed { stat: FileStat::of(&file.attrs), name: file.filename }),
                ),
                Err(SftpError::Status(status)) if status.status_code == StatusCode::Eof => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        let closed = self.0.ask(self.0.raw.close(handle)).await;
        read.map_err(say)?;
        closed.map_err(say)?;
        // A name that is a path would lead who copies the folder out of it.
        if let Some(file) = listed.iter().find(|file| file.name.is_empty() || file.name.contains(['/', '\0']))
        {
            let message = format!("the host lists {:?}, which is no file's name", file.name);
            return Err(Error::new(ErrorKind::Unexpected, message)
                .during("list")
                .on(format!("{}:{path}", self.0.on)));
        }
        listed.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(listed)
    }

    /// Makes a folder, and those above it. One that is there is a success and stays as it is.
    ///
    /// # Errors
    /// If the host refuses, or something else than a folder is there.
    pub async fn make_dir(&self, path: &str, mode: u32) -> Result<()> {
        let mut missing = Vec::new();
        let mut at = path.trim_end_matches('/');
        while !at.is_empty() {
            match self.stat(at).await? {
                Some(stat) if stat.kind == FileKind::Folder => break,
                Some(_) => {
                    let there = Error::new(ErrorKind::Conflict, "something else than a folder is there");
                    return Err(there.during("make folder").on(format!("{}:{at}", self.0.on)));
                }
                None => missing.push(at),
            }
            at = at.rfind('/').map_or("", |slash| at[..slash].trim_end_matches('/'));
        }
        for folder in missing.into_iter().rev() {
            self.make_one(folder, mode).await?;
        }
        Ok(())
    }

    async fn make_one(&self, path: &str, mode: u32) -> Result<()> {
        let attributes = FileAttributes { permissions: Some(mode), ..FileAttributes::empty() };
        let Err(error) = self.0.ask(self.0.raw.mkdir(path, attributes)).await else {
            // The server's umask took bits away.
            return self.set_mode(path, mode).await;
        };
        // Another may have made it in the meantime.
        match self.stat(path).await {
            Ok(Some(stat)) if stat.kind == FileKind::Folder => Ok(()),
            _ => Err(failed(error, "make folder", path, &self.0.on)),
        }
    }

    /// Removes a file, or a folder with all that is in it. Links are removed, not followed. What is not there is a success.
    ///
    /// # Errors
    /// If the host refuses; then a part may be gone.
    pub async fn remove_all(&self, path: &str) -> Result<()> {
        match self.lstat(path).await? {
            None => return Ok(()),
            Some(stat) if stat.kind != FileKind::Folder => return self.remove(path).await,
            Some(_) => {}
        }
        // Not by recursion: a folder may be deep. Each is listed once, and removed after what was found in it.
        let mut folders = vec![path.trim_end_matches('/').to_owned()];
        let mut next = 0;
        while next < folders.len() {
            for file in self.list(&folders[next]).await? {
                let inner = format!("{}/{}", folders[next], file.name);
                match file.stat.kind {
                    FileKind::Folder => folders.push(inner),
                    _ => self.remove(&inner).await?,
                }
            }
            next += 1;
        }
        for folder in folders.iter().rev() {
            self.remove_dir(folder).await?;
        }
        Ok(())
    }
}
