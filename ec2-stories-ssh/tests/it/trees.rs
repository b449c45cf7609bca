//! Folders, each as one stream.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use ec2_stories_ssh::{Tree, WriteOptions, code};

use crate::files::nothing_else_in;
use crate::support::sshd::{Sshd, text};
use crate::support::{connected, pinned, refused, ssh};

#[tokio::test]
async fn a_folder_on_a_full_disk_leaves_what_was_there() {
    let server = Sshd::with_disk();
    let session = ssh(&server, pinned(&server)).connect(&server.target()).await.unwrap();
    let sftp = session.sftp().await.unwrap();
    let (from, disk) = (server.path("from"), text(&server.path("disk")).to_owned());
    fs::create_dir(&from).unwrap();
    fs::write(from.join("b"), vec![1; 200_000]).unwrap();
    sftp.write(&format!("{disk}/b"), vec![2; 100_000], &WriteOptions::new()).await.unwrap();
    for folder in [disk.clone(), format!("{disk}/missing")] {
        let error = refused(Tree::read(&from).await.unwrap().send(&session, &folder).await);
        assert_eq!(error.api_code(), Some(code::DISK_FULL), "{error:?}");
        assert!(error.to_string().contains(&folder), "{error}");
        assert_eq!(sftp.list(&disk).await.unwrap().len(), 1);
        assert!(sftp.read(&format!("{disk}/b")).await.unwrap() == vec![2; 100_000]);
    }
    // Where the full disk is one that is mounted within the folder.
    let above = text(&server.path("")).trim_end_matches('/').to_owned();
    fs::rename(&from, server.path("disk.new")).unwrap();
    fs::create_dir(&from).unwrap();
    fs::rename(server.path("disk.new"), from.join("disk")).unwrap();
    let error = refused(Tree::read(&from).await.unwrap().send(&session, &above).await);
    assert_eq!(error.api_code(), Some(code::DISK_FULL), "{error:?}");
    assert_eq!(sftp.list(&disk).await.unwrap().len(), 1);
    assert!(sftp.read(&format!("{disk}/b")).await.unwrap() == vec![2; 100_000]);
    fs::write(from.join("disk/b"), vec![3; 100_000]).unwrap();
    Tree::read(&from).await.unwrap().send(&session, &above).await.unwrap();
    assert_eq!(sftp.list(&disk).await.unwrap().len(), 1);
    assert!(sftp.read(&format!("{disk}/b")).await.unwrap() == vec![3; 100_000]);
}

#[tokio::test]
async fn why_a_folder_cannot_be_unpacked_is_said() {
    let (server, session) = connected().await;
    let from = server.path("from");
    fs::create_dir(&from).unwrap();
    fs::write(server.path("file"), "mine").unwrap();
    let into = text(&server.path("file")).to_owned();
    let error = refused(Tree::read(&from).await.unwrap().send(&session, &into).await);
    assert!(error.to_string().contains("File exists"), "{error}");
    assert_eq!(fs::read(server.path("file")).unwrap(), b"mine");
    let error = refused(Tree::fetch(&session, text(&server.path("none")), server.path("into")).await);
    assert!(error.to_string().contains("No such file or directory"), "{error}");
}

#[tokio::test]
async fn pipes_and_sockets_are_left_out_of_what_is_fetched() {
    let (server, session) = connected().await;
    let (place, into) = (server.path("place"), server.path("into"));
    fs::create_dir(&place).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(place.join("pipe")).status().unwrap().success());
    let _socket = std::os::unix::net::UnixListener::bind(place.join("socket")).unwrap();
    fs::write(place.join("file"), "beer").unwrap();
    let copied = Tree::fetch(&session, text(&place), &into).await.unwrap();
    assert_eq!((copied.files, copied.left_out), (1, 2));
    nothing_else_in(&into, &["file"]);
}

#[tokio::test]
async fn a_folder_comes_from_a_host_that_is_not_to_be_trusted() {
    let server = Sshd::prepared("SetEnv SHLVL=1 PATH={here}/bin:/usr/bin:/bin", |folder| {
        fs::create_dir(folder.join("bin")).unwrap();
        let tar = folder.join("bin/tar");
        fs::write(&tar, format!("#!/bin/sh\nexec cat '{}'\n", text(&folder.join("archive")))).unwrap();
        fs::set_permissions(tar, fs::Permissions::from_mode(0o755)).unwrap();
    });
    let session = ssh(&server, pinned(&server)).connect(&server.target()).await.unwrap();
    let place = server.path("place");
    fs::create_dir_all(place.join("outside")).unwrap();
    let outside = text(&place.join("outside")).to_owned();
    let absolute = format!("{outside}/absolute");
    for (name, link) in [
        ("../outside/up", None),
        (absolute.as_str(), None),
        ("link/through", Some(("link", outside.as_str()))),
        ("up/outside/through", Some(("up", ".."))),
    ] {
        let mut archive = tar::Builder::new(Vec::new());
        if let Some((name, target)) = link {
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(tar::EntryType::Symlink);
            header.set_size(0);
            archive.append_link(&mut header, name, target).unwrap();
        }
        let mut header = tar::Header::new_gnu();
        header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_mode(0o644);
        header.set_size(4);
        header.set_cksum();
        archive.append(&header, &b"evil"[..]).unwrap();
        fs::write(server.path("archive"), archive.into_inner().unwrap()).unwrap();
        // Refused, or within the folder, or left away: but never outside.
        let _ = Tree::fetch(&session, "/srv", place.join("into")).await;
        nothing_else_in(Path::new(&outside), &[]);
        nothing_else_in(&place, &["into", "outside"]);
        fs::remove_dir_all(place.join("into")).unwrap();
    }
}
