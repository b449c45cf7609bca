//! Files by SFTP and by SCP.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use ec2_stories_core::ErrorKind;
use ec2_stories_ssh::{FileKind, Scp, Sftp, WriteOptions, code};

use crate::support::sshd::{Sshd, text};
use crate::support::{connected, pinned, refused, ssh};

pub(crate) fn nothing_else_in(folder: &Path, expected: &[&str]) {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, expected);
}

async fn folder(server: &Sshd, sftp: &Sftp) -> String {
    let folder = text(&server.path("files/of a/test")).to_owned();
    sftp.make_dir(&folder, 0o755).await.unwrap();
    folder
}

#[tokio::test]
async fn a_large_file_comes_back_unchanged() {
    let (server, session) = connected().await;
    let sftp = session.sftp().await.unwrap();
    let path = format!("{}/large", folder(&server, &sftp).await);
    let content: Vec<u8> = (0..20_000_003_u32).map(|n| (n ^ n >> 9) as u8).collect();
    sftp.write(&path, content.clone(), &WriteOptions::new()).await.unwrap();
    assert!(fs::read(&path).unwrap() == content, "what was written");
    assert!(sftp.read(&path).await.unwrap() == content, "what was read");
    sftp.write(&path, "", &WriteOptions::new()).await.unwrap();
    assert_eq!(sftp.read(&path).await.unwrap(), b"");
    let status = sftp.read("/proc/self/status").await.unwrap();
    assert!(status.starts_with(b"Name:"), "a file without a size has a content");
}

#[tokio::test]
async fn who_looks_sees_the_old_file_or_the_new_one() {
    let (server, session) = connected().await;
    let sftp = session.sftp().await.unwrap();
    let folder = folder(&server, &sftp).await;
    let path = format!("{folder}/file");
    let contents = [vec![b'a'; 3_000_000], vec![b'b'; 2_000_000]];
    sftp.write(&path, contents[0].clone(), &WriteOptions::new()).await.unwrap();
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let looker = {
        let (path, contents) = (path.clone(), contents.clone());
        std::thread::spawn(move || {
            let mut looks = 0;
            while stopped.try_recv().is_err() {
                assert!(contents.contains(&fs::read(&path).unwrap()));
                looks += 1;
            }
            looks
        })
    };
    for turn in 1..6 {
        sftp.write(&path, contents[turn % 2].clone(), &WriteOptions::new()).await.unwrap();
    }
    stop.send(()).unwrap();
    assert!(looker.join().unwrap() > 0);
    nothing_else_in(Path::new(&folder), &["file"]);
}

#[tokio::test]
async fn modes_and_links_are_kept_and_set() {
    let (server, session) = connected().await;
    let sftp = session.sftp().await.unwrap();
    let folder = folder(&server, &sftp).await;
    let (path, link) = (format!("{folder}/file"), format!("{folder}/link"));
    sftp.write(&path, "one", &WriteOptions::new().mode(0o640)).await.unwrap();
    sftp.symlink("file", &link).await.unwrap();
    assert_eq!(sftp.read_link(&link).await.unwrap(), "file");
    sftp.write(&link, "two", &WriteOptions::new()).await.unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"two", "behind the link");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o640, "kept");
    assert_eq!(sftp.lstat(&link).await.unwrap().unwrap().kind, FileKind::Link);
    let stat = sftp.stat(&link).await.unwrap().unwrap();
    assert_eq!((stat.kind, stat.size, stat.mode), (FileKind::File, 3, 0o640));
    assert_eq!(stat.user, fs::metadata(&path).unwrap().uid());
    assert_eq!(sftp.stat("/no/such/file").await.unwrap(), None);
    sftp.set_mode(&path, 0o600).await.unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
}

#[tokio::test]
async fn folders_are_made_listed_renamed_and_removed() {
    let (server, session) = connected().await;
    let sftp = session.sftp().await.unwrap();
    let folder = folder(&server, &sftp).await;
    for path in ["a/b/c", "a/d"] {
        sftp.make_dir(&format!("{folder}/{path}"), 0o750).await.unwrap();
    }
    sftp.make_dir(&format!("{folder}/a"), 0o700).await.unwrap();
    sftp.write(&format!("{folder}/a/é ü"), "x", &WriteOptions::new()).await.unwrap();
    sftp.symlink("/", &format!("{folder}/a/b/root")).await.unwrap();
    let names: Vec<String> =
        sftp.list(&format!("{folder}/a")).await.unwrap().into_iter().map(|file| file.name).collect();
    assert_eq!(names, ["b", "d", "é ü"]);
    sftp.write(&format!("{folder}/old"), "old", &WriteOptions::new()).await.unwrap();
    sftp.rename(&format!("{folder}/old"), &format!("{folder}/a/é ü")).await.unwrap();
    assert_eq!(sftp.read(&format!("{folder}/a/é ü")).await.unwrap(), b"old", "over what is there");
    let error = refused(sftp.make_dir(&format!("{folder}/a/é ü/x"), 0o755).await);
    assert_eq!(error.kind(), ErrorKind::Conflict);
    sftp.remove_all(&format!("{folder}/a")).await.unwrap();
    sftp.remove_all(&format!("{folder}/a")).await.unwrap();
    nothing_else_in(Path::new(&folder), &[]);
    assert!(Path::new("/etc").exists());
}

#[tokio::test]
async fn refusals_name_the_file_and_leave_nothing() {
    let (server, session) = connected().await;
    let sftp = session.sftp().await.unwrap();
    let folder = folder(&server, &sftp).await;
    let error = refused(sftp.write(&format!("{folder}/no/file"), "x", &WriteOptions::new()).await);
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains("/no/"), "{error}");
    let error = refused(sftp.write(&folder, "x", &WriteOptions::new()).await);
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    let broken = tokio_util::io::StreamReader::new(futures::stream::iter([
        Ok(bytes::Bytes::from(vec![b'x'; 500_000])),
        Err(std::io::Error::other("the source broke")),
    ]));
    let error = refused(sftp.upload(broken, &format!("{folder}/half"), &WriteOptions::new()).await);
    assert!(error.chain().contains("the source broke"), "{}", error.chain());
    session.close().await;
    nothing_else_in(Path::new(&folder), &[]);
}

#[tokio::test]
async fn a_write_that_failed_has_left_nothing_once_it_says_so() {
    let (server, session) = connected().await;
    let sftp = session.sftp().await.unwrap();
    let folder = folder(&server, &sftp).await;
    for turn in 0..20 {
        let broken = tokio_util::io::StreamReader::new(futures::stream::iter([
            Ok(bytes::Bytes::from(vec![b'x'; 500_000])),
            Err(std::io::Error::other("the source broke")),
        ]));
        refused(sftp.upload(broken, &format!("{folder}/{turn}"), &WriteOptions::new()).await);
        nothing_else_in(Path::new(&folder), &[]);
    }
}

#[tokio::test]
async fn a_dropped_transfer_leaves_no_open_file_on_the_host() {
    let (server, session) = connected().await;
    let sftp = session.sftp().await.unwrap();
    let path = format!("{}/file", folder(&server, &sftp).await);
    for _ in 0..8 {
        let options = WriteOptions::new();
        let endless = sftp.upload(tokio::io::repeat(7), &path, &options);
        tokio::time::timeout(std::time::Duration::from_millis(100), endless).await.unwrap_err();
    }
    crate::support::eventually("the server closes them", async || open_files(&server) == 0).await;
}

/// Files below the server's folder that its sessions have open.
fn open_files(server: &Sshd) -> usize {
    let folder = server.path("files");
    let links = server.processes().into_iter().filter_map(|pid| fs::read_dir(format!("/proc/{pid}/fd")).ok());
    let files = links.flatten().flatten().filter_map(|link| fs::read_link(link.path()).ok());
    files.filter(|file| file.starts_with(&folder)).count()
}

#[tokio::test]
async fn a_full_disk_is_said_and_nothing_is_left_on_it() {
    let server = Sshd::with_disk();
    let session = ssh(&server, pinned(&server)).connect(&server.target()).await.unwrap();
    let sftp = session.sftp().await.unwrap();
    let disk = text(&server.path("disk")).to_owned();
    let path = format!("{disk}/file");
    sftp.write(&path, "old", &WriteOptions::new()).await.unwrap();
    let error = refused(sftp.write(&path, vec![1; 4_000_000], &WriteOptions::new()).await);
    assert_eq!(error.api_code(), Some(code::DISK_FULL), "{error:?}");
    assert!(error.to_string().contains(&path), "{error}");
    crate::support::eventually("the half-written file is removed", async || {
        sftp.list(&disk).await.unwrap().len() == 1
    })
    .await;
    assert_eq!(sftp.read(&path).await.unwrap(), b"old");
    sftp.write(&path, vec![2; 100_000], &WriteOptions::new()).await.unwrap();
}

#[tokio::test]
async fn a_pipe_is_refused_before_anybody_waits_for_its_other_end() {
    let (server, session) = connected().await;
    let sftp = session.sftp().await.unwrap();
    let pipe = server.path("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let mut sink = Vec::new();
    let read = sftp.download(text(&pipe), &mut sink);
    let read = tokio::time::timeout(std::time::Duration::from_secs(20), read).await.expect("it ends");
    let error = refused(read);
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    assert!(error.to_string().contains(text(&pipe)), "{error}");
    let error = refused(Scp::new(&session).download(text(&pipe), &mut sink).await);
    assert!(error.to_string().contains(text(&pipe)), "{error}");
}

#[tokio::test]
async fn scp_keeps_the_same_promises() {
    let server = Sshd::with("Subsystem other /bin/false");
    let session = ssh(&server, pinned(&server)).connect(&server.target()).await.unwrap();
    let scp = Scp::new(&session);
    let folder = server.path("it's here");
    fs::create_dir(&folder).unwrap();
    let path = text(&folder.join("file")).to_owned();
    let content: Vec<u8> = (0..=255).cycle().take(1_000_000).collect();
    let options = WriteOptions::new().mode(0o640);
    scp.upload(content.as_slice(), content.len() as u64, &path, &options).await.unwrap();
    assert!(fs::read(&path).unwrap() == content);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o640);
    scp.upload(&b"short"[..], 5, &path, &WriteOptions::new()).await.unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o640, "kept");
    let mut read = Vec::new();
    assert_eq!(scp.download(&path, &mut read).await.unwrap(), 5);
    assert_eq!(read, b"short");
    let error = refused(scp.upload(&b"x"[..], 2, &path, &options).await);
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    let error = refused(scp.upload(&b"x"[..], 1, text(&folder.join("no/file")), &options).await);
    assert!(error.to_string().contains("no/"), "{error}");
    let error = refused(scp.download(text(&folder.join("none")), &mut Vec::new()).await);
    assert!(error.to_string().contains("none"), "{error}");
    nothing_else_in(&folder, &["file"]);
}

/// Waits until a transfer has sent something.
async fn under_way(folder: &Path) {
    crate::support::eventually("it is under way", async || {
        let files = fs::read_dir(folder).unwrap().flatten();
        files.filter_map(|file| file.metadata().ok()).any(|found| found.len() > 500_000)
    })
    .await;
}

/// Files that look like a transfer's, and are a user's own.
const OWN: [&str; 3] = [".ec2-stories-0123456789abcdef", ".ec2-stories-before", "file.part"];

#[tokio::test]
async fn a_dropped_transfer_removes_what_it_made_and_nothing_else() {
    let (server, session) = connected().await;
    let sftp = session.sftp().await.unwrap();
    let folder = folder(&server, &sftp).await;
    OWN.iter().for_each(|name| fs::write(Path::new(&folder).join(name), "mine").unwrap());
    let (path, options, scp) = (format!("{folder}/file"), WriteOptions::new(), Scp::new(&session));
    for by_scp in [false, true] {
        tokio::select! {
            outcome = sftp.upload(tokio::io::repeat(7), &path, &options), if !by_scp => panic!("{outcome:?}"),
            outcome = scp.upload(tokio::io::repeat(7), 1 << 40, &path, &options), if by_scp => panic!("{outcome:?}"),
            () = under_way(Path::new(&folder)) => {}
        }
        let left = || fs::read_dir(&folder).unwrap().count();
        crate::support::eventually("what it made is removed", async || left() == OWN.len()).await;
        nothing_else_in(Path::new(&folder), &OWN);
    }
    session.close().await;
    OWN.iter().for_each(|name| assert_eq!(fs::read(Path::new(&folder).join(name)).unwrap(), b"mine"));
}

#[tokio::test]
async fn scp_over_a_link_that_breaks_is_ambiguous_and_leaves_nothing() {
    let (server, session) = connected().await;
    let folder = server.path("scp");
    fs::create_dir(&folder).unwrap();
    let (path, options) = (text(&folder.join("file")).to_owned(), WriteOptions::new());
    let scp = Scp::new(&session);
    let (uploaded, ()) = tokio::join!(scp.upload(tokio::io::repeat(7), 1 << 40, &path, &options), async {
        under_way(&folder).await;
        server.kill_sessions();
    });
    let error = refused(uploaded);
    assert_eq!((error.is_ambiguous(), error.api_code()), (true, Some(code::LINK_LOST)), "{error:?}");
    let left = || fs::read_dir(&folder).unwrap().count();
    crate::support::eventually("the host removes what it made", async || left() == 0).await;
}

#[tokio::test]
async fn scp_says_why_it_gives_up_midway() {
    let server = Sshd::with_disk();
    let session = ssh(&server, pinned(&server)).connect(&server.target()).await.unwrap();
    let (disk, options) = (server.path("disk/file"), WriteOptions::new());
    let scp = Scp::new(&session);
    scp.upload(&b"old"[..], 3, text(&disk), &options).await.unwrap();
    let error = refused(scp.upload(tokio::io::repeat(7), 4_000_000, text(&disk), &options).await);
    assert_eq!(error.api_code(), Some(code::DISK_FULL), "{error:?}");
    assert!(error.to_string().contains(text(&disk)), "{error}");
    let mut old = Vec::new();
    scp.download(text(&disk), &mut old).await.unwrap();
    assert_eq!(old, b"old");
    let folder = text(&server.path("disk")).to_owned();
    assert_eq!(session.sftp().await.unwrap().list(&folder).await.unwrap().len(), 1);

    // One that is gone before all has come.
    let server = Sshd::prepared("SetEnv SHLVL=1 PATH={here}/bin:/usr/bin:/bin", |folder| {
        fs::create_dir(folder.join("bin")).unwrap();
        let scp = folder.join("bin/scp");
        fs::write(&scp, "#!/bin/sh\nprintf '\\0\\0'; echo 'no more' >&2; exit 3\n").unwrap();
        fs::set_permissions(scp, fs::Permissions::from_mode(0o755)).unwrap();
    });
    let session = ssh(&server, pinned(&server)).connect(&server.target()).await.unwrap();
    let path = server.path("file");
    let endless = Scp::new(&session).upload(tokio::io::repeat(7), 1 << 40, text(&path), &options).await;
    let error = refused(endless);
    assert!(error.to_string().contains("no more"), "{error}");
    assert!(!path.exists());
}

#[tokio::test]
async fn a_host_without_sftp_says_so() {
    let server = Sshd::without_sftp();
    let session = ssh(&server, pinned(&server)).connect(&server.target()).await.unwrap();
    let error = refused(session.sftp().await);
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}
