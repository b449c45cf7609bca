//! A user that is not root, and sudo.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::time::Duration;

use ec2_stories_core::ErrorKind;
use ec2_stories_ssh::{Command, Exit, Scp, Session, WriteOptions, code};
use secrecy::SecretString;

use crate::support::sshd::{Sshd, text, until};
use crate::support::{pinned, refused, ssh};

const ALL: &str = "worker ALL=(ALL:ALL) NOPASSWD: ALL\n";

async fn session(server: &Sshd) -> Session {
    ssh(server, pinned(server)).connect(&server.target()).await.unwrap()
}

#[tokio::test]
async fn commands_run_as_root_with_all_that_belongs_to_them() {
    let server = Sshd::with_worker(ALL);
    let session = session(&server).await;
    let command = Command::shell("id -un; pwd; echo \"$A $T\"; cat; echo error >&2; exit 4")
        .directory("/usr")
        .env("A", "it's")
        .secret_env("T", SecretString::from("s3cret"))
        .stdin("input\n");
    let output = session.exec(&command.clone().as_root()).await.unwrap();
    assert_eq!(output.stdout.text(), "root\n/usr\nit's s3cret\ninput\n");
    assert_eq!((output.stderr.text().as_str(), output.exit), ("error\n", Exit::Status(4)));
    assert!(session.exec(&command).await.unwrap().stdout.text().starts_with("worker\n"));
}

#[tokio::test]
async fn a_command_of_root_that_hangs_is_ended_too() {
    let server = Sshd::with_worker(ALL);
    let session = session(&server).await;
    let file = server.path("pid");
    let script = format!("echo $$ > {}; sleep 1000; true", file.display());
    let command = Command::shell(script).as_root().timeout(Duration::from_secs(1));
    let error = refused(session.exec(&command).await);
    assert!(error.to_string().contains("was ended"), "{error}");
    let pid = fs::read_to_string(&file).unwrap();
    until("it ends", || !std::path::Path::new(&format!("/proc/{}", pid.trim())).exists()).await;
}

#[tokio::test]
async fn a_sudo_that_says_no_is_told_from_a_command_that_fails() {
    let server = Sshd::with_worker("root ALL=(ALL:ALL) ALL\n");
    let session = session(&server).await;
    let error = refused(session.exec(&Command::new("true").as_root()).await);
    assert_eq!((error.kind(), error.api_code()), (ErrorKind::Forbidden, Some(code::NOT_STARTED)), "{error}");
    assert_eq!(refused(session.sftp_as_root().await).kind(), ErrorKind::Unsupported);
}

#[tokio::test]
async fn files_are_written_as_root_with_an_owner() {
    let server = Sshd::with_worker(ALL);
    let session = session(&server).await;
    let path = text(&server.path("roots")).to_owned();
    let error = refused(session.sftp().await.unwrap().write(&path, "x", &WriteOptions::new()).await);
    assert_eq!(error.kind(), ErrorKind::Forbidden, "{error}");
    let sftp = session.sftp_as_root().await.unwrap();
    sftp.write(&path, "one", &WriteOptions::new().mode(0o4750).owner(12, 34)).await.unwrap();
    let file = fs::metadata(&path).unwrap();
    assert_eq!((file.uid(), file.gid(), file.permissions().mode() & 0o7777), (12, 34, 0o4750));
    sftp.write(&path, "two", &WriteOptions::new()).await.unwrap();
    Scp::new(&session).as_root().upload(&b"three"[..], 5, &path, &WriteOptions::new()).await.unwrap();
    let file = fs::metadata(&path).unwrap();
    assert_eq!((file.uid(), file.gid(), file.permissions().mode() & 0o7777), (12, 34, 0o4750), "kept");
    assert_eq!(sftp.read(&path).await.unwrap(), b"three");
}
