//! `ec2-stories copy`

use std::path::{Path, PathBuf};
use std::time::Duration;

use ec2_stories::provider::Node;
use ec2_stories::ssh::{Command, Copied, FileKind, Output, Session as Login, Sftp, Tree, WriteOptions};
use ec2_stories::terminal::say;
use ec2_stories::{Error, ErrorKind, Result};
use tempfile::NamedTempFile;

use crate::args::CopyArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::nodes::{self, Chosen};
use crate::session::Session;

pub(crate) async fn run(args: CopyArgs) -> Result<Exit, Failure> {
    let (chosen, way) = match (remote(&args.from)?, remote(&args.to)?) {
        (None, Some((chosen, path))) => (chosen, Way::To(Local::read(Path::new(&args.from)).await?, path)),
        (Some((chosen, path)), None) => (chosen, Way::From(path, PathBuf::from(&args.to))),
        _ => {
            let why = "one side is NODES:PATH, such as web/0:/srv/shop, and the other one is this machine's";
            return Err(Failure::new(Exit::Usage, why));
        }
    };
    let session = Session::open_lasting(args.on)?;
    let (nodes, ways) = nodes::find(&session, &chosen).await?;
    let (json, several, root) = (session.on.json, nodes.len() > 1, args.root);
    let job = async |node: Node, login: Login| -> Result<Copied> {
        let copied = match &way {
            Way::To(local, path) => local.send(&As { login, root }, path).await,
            Way::From(path, to) if several => {
                let to = to.join(node.address.to_string().replace('/', "-"));
                fetch(&As { login, root }, path, &to, true).await
            }
            Way::From(path, to) => fetch(&As { login, root }, path, to, to.is_dir()).await,
        }?;
        if !json {
            say(format_args!("{}: {copied}", node.address));
        }
        Ok(copied)
    };
    let (outcomes, exit) = nodes::on_each(nodes, &ways, &args.fan, job).await?;
    if json {
        say(nodes::json(&outcomes, |copied, node| {
            node["files"] = copied.files.into();
            node["bytes"] = copied.bytes.into();
            if copied.left_out > 0 {
                node["left_out"] = copied.left_out.into();
            }
        }));
    }
    Ok(exit)
}

/// Who copies on a node: the user that is logged in, or root.
struct As {
    login: Login,
    root: bool,
}

impl As {
    async fn sftp(&self) -> Result<Sftp> {
        if self.root { self.login.sftp_as_root().await } else { self.login.sftp().await }
    }

    async fn run(&self, command: Command) -> Result<Output> {
        self.login.exec(&if self.root { command.as_root() } else { command }).await
    }
}

/// Removes from folder `$1` what copies that were killed have left. A copy that is under way has written within the day.
const TIDY: &str = r#"cd -- "$1" && find . -maxdepth 1 -type f -name ".ec2-stories-$(printf '[0-9a-f]%.0s' 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16)" -mmin +1440 -delete"#;
/// A folder of many files on a slow disk is not waited for.
const TIDY_TIMEOUT: Duration = Duration::from_secs(20);

enum Way {
    To(Local, String),
    From(String, PathBuf),
}

enum Local {
    File(PathBuf),
    Folder(Tree),
}

/// `web/0:/srv/shop`. A path of this machine that has a colon is written with a slash before it: `./a:b`.
fn remote(text: &str) -> Result<Option<(Chosen, String)>, Failure> {
    let Some((nodes, path)) = text.split_once(':') else { return Ok(None) };
    if nodes.starts_with(['/', '.']) {
        return Ok(None);
    }
    let wrong = |why: String| Failure::new(Exit::Usage, format!("{text}: {why}"));
    if path.is_empty() {
        return Err(wrong("say a path behind the colon".to_owned()));
    }
    Ok(Some((nodes.parse().map_err(wrong)?, path.to_owned())))
}

impl Local {
    async fn read(path: &Path) -> Result<Self, Failure> {
        let wrong = |error| Failure::new(Exit::Usage, format!("{}: {error}", path.display()));
        let found = tokio::fs::metadata(path).await.map_err(wrong)?;
        if found.is_dir() {
            Ok(Self::Folder(Tree::read(path).await?))
        } else if !found.is_file() {
            // Whoever opens a pipe waits for its other end.
            let why = format!("{}: is a pipe, a socket or a device, and no file or folder", path.display());
            Err(Failure::new(Exit::Usage, why))
        } else {
            Ok(Self::File(path.to_owned()))
        }
    }

    async fn send(&self, on: &As, to: &str) -> Result<Copied> {
        let path = match self {
            Self::Folder(tree) if on.root => {
                return tree.send_as_root(&on.login, to).await.map(|()| tree.copied());
            }
            Self::Folder(tree) => return tree.send(&on.login, to).await.map(|()| tree.copied()),
            Self::File(path) => path,
        };
        let sftp = on.sftp().await?;
        let failed = |error| unreadable(path, error);
        let file = tokio::fs::File::open(path).await.map_err(failed)?;
        let mode = mode(&file.metadata().await.map_err(failed)?);
        // Into a folder it goes under its own name.
        let folder =
            to.ends_with('/') || sftp.stat(to).await?.is_some_and(|found| found.kind == FileKind::Folder);
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let to = if folder { format!("{}/{name}", to.trim_end_matches('/')) } else { to.to_owned() };
        let into = match to.rsplit_once('/') {
            Some(("", _)) => "/",
            Some((folder, _)) => folder,
            None => ".",
        };
        // A host without such a `find` keeps them.
        let _ = on.run(Command::shell(TIDY).arg(into).timeout(TIDY_TIMEOUT)).await;
        let bytes = sftp.upload(file, &to, &WriteOptions::new().mode(mode)).await?;
        Ok(Copied { files: 1, bytes, left_out: 0 })
    }
}

fn mode(found: &std::fs::Metadata) -> u32 {
    std::os::unix::fs::PermissionsExt::mode(&found.permissions()) & 0o777
}

/// Takes a file or a folder. Into a folder a file goes under its own name.
async fn fetch(on: &As, from: &str, to: &Path, folder: bool) -> Result<Copied> {
    let sftp = on.sftp().await?;
    let found = sftp.stat(from).await?;
    let missing =
        || Error::new(ErrorKind::NotFound, "there is no such file or folder").during("copy").on(from);
    if found.ok_or_else(missing)?.kind == FileKind::Folder {
        return match on.root {
            true => Tree::fetch_as_root(&on.login, from, to).await,
            false => Tree::fetch(&on.login, from, to).await,
        };
    }
    let name = from.rsplit('/').next().unwrap_or(from);
    let to = if folder { to.join(name) } else { to.to_owned() };
    let failed = |error| unreadable(&to, error);
    if let Some(folder) = to.parent() {
        tokio::fs::create_dir_all(folder).await.map_err(failed)?;
    }
    let (file, part) = part_beside(&to).map_err(failed)?.into_parts();
    let mut file = tokio::fs::File::from_std(file);
    let bytes = sftp.download(from, &mut file).await?;
    part.persist(&to).map_err(|error| failed(error.error))?;
    Ok(Copied { files: 1, bytes, left_out: 0 })
}

/// What has come of a file: who looks sees the whole file, or the one before. It is made where nothing was, and goes unless it was
/// renamed, whatever stops the copy.
fn part_beside(file: &Path) -> std::io::Result<NamedTempFile> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // A name of a file may have 255 bytes, and a character four.
    let name: String = file.file_name().unwrap_or_default().to_string_lossy().chars().take(50).collect();
    let prefix = format!("{name}.");
    let mut part = tempfile::Builder::new();
    part.prefix(&prefix).suffix(".part");
    // As any new file: the umask takes away what it says.
    part.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666)).tempfile_in(folder)
}

fn unreadable(path: &Path, error: std::io::Error) -> Error {
    Error::new(ErrorKind::Io, "cannot be read or written")
        .during("copy")
        .on(path.display().to_string())
        .because(error)
}
