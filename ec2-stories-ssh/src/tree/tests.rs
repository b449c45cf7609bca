//! The script in this machine's own shell, without a connection.

use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Stdio};

use super::*;

/// The script in this machine's own shell, in a group of its own as on a host.
fn unpacking(into: &Path) -> (Child, ChildStdin) {
    let mut shell = std::process::Command::new("/bin/sh");
    shell.args(["-c", UNPACK, "sh"]).arg(into).arg(".ec2-stories-0123456789abcdef").process_group(0);
    let mut shell =
        shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let input = shell.stdin.take().unwrap();
    (shell, input)
}

fn archive(folder: &Path) -> Bytes {
    match pack(folder).unwrap().content {
        Content::Memory(bytes) => bytes,
        Content::File(_) => panic!("a small one"),
    }
}

/// What the script said of it, which must have failed where anything.
fn sent(folder: &Path, into: &Path) -> String {
    let (shell, mut input) = unpacking(into);
    input.write_all(&archive(folder)).unwrap();
    drop(input);
    let ended = shell.wait_with_output().unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.success(), said.is_empty(), "{said}");
    said
}

fn write(folder: &Path, files: &[(&str, &str)]) {
    for (name, content) in files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
}

/// Its folders with their modes, its files with their content, its links with where they lead.
fn listed(folder: &Path) -> Vec<String> {
    let (mut lines, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(at) = folders.pop() {
        for entry in fs::read_dir(at).unwrap() {
            let path = entry.unwrap().path();
            let found = fs::symlink_metadata(&path).unwrap();
            let name = path.strip_prefix(folder).unwrap().display().to_string();
            lines.push(if found.is_dir() {
                folders.push(path);
                format!("{name}/ {:o}", found.permissions().mode() & 0o777)
            } else if found.is_symlink() {
                format!("{name} -> {}", fs::read_link(path).unwrap().display())
            } else {
                format!("{name} {}", fs::read_to_string(path).unwrap())
            });
        }
    }
    lines.sort();
    lines
}

#[test]
fn what_is_copied_is_counted_and_said() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("sub")).unwrap();
    fs::write(folder.path().join("sub/a"), [7; 1500]).unwrap();
    fs::write(folder.path().join("b"), []).unwrap();
    symlink("b", folder.path().join("c")).unwrap();
    assert_eq!(pack(folder.path()).unwrap().copied, Copied { files: 2, bytes: 1500, left_out: 0 });
    for (files, bytes, left_out, said) in [
        (0, 0, 0, "0 files, 0 B"),
        (1, 1023, 0, "1 file, 1023 B"),
        (2, 1536, 1, "2 files, 1.5 KiB, 1 pipe, socket or device left out"),
        (3, 5 << 40, 2, "3 files, 5.0 TiB, 2 pipes, sockets and devices left out"),
    ] {
        assert_eq!(Copied { files, bytes, left_out }.to_string(), said);
    }
}

#[test]
fn pipes_and_sockets_are_left_out_and_counted() {
    let (folder, into) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write(folder.path(), &[("sub/a", "beer")]);
    let _socket = std::os::unix::net::UnixListener::bind(folder.path().join("sub/socket")).unwrap();
    let made = std::process::Command::new("mkfifo").arg(folder.path().join("pipe")).status().unwrap();
    assert!(made.success());
    let copied = pack(folder.path()).unwrap().copied;
    assert_eq!(copied, Copied { files: 1, bytes: 4, left_out: 2 });

    // A host's tar leaves out sockets alone.
    let mut spool = tempfile::tempfile().unwrap();
    let mut tar = std::process::Command::new("tar");
    tar.args(["-cf", "-", "-C"]).arg(folder.path()).arg(".").stdout(spool.try_clone().unwrap());
    let said = String::from_utf8(tar.output().unwrap().stderr).unwrap();
    assert_eq!(said.lines().filter(|line| line.ends_with(LEFT_OUT)).count(), 1, "{said}");
    spool.seek(SeekFrom::Start(0)).unwrap();
    let copied = unpack(spool, into.path()).unwrap();
    assert_eq!(copied, Copied { files: 1, bytes: 4, left_out: 1 });
    assert_eq!(listed(into.path()), ["sub/ 755", "sub/a beer"]);
}

#[test]
fn what_is_there_under_other_names_stays() {
    let place = tempfile::tempdir().unwrap();
    let (folder, into) = (place.path().join("from"), place.path().join("to/it's here"));
    write(&folder, &[("a/f", "new"), ("a/b/g", "new"), (".dot", "."), ("..two", ":"), ("-d", "-")]);
    write(&folder, &[("file now/f", "new"), ("link now/f", "new"), ("closed/f", "new"), ("*", "*")]);
    symlink("a", folder.join("link")).unwrap();
    fs::set_permissions(folder.join("a"), fs::Permissions::from_mode(0o750)).unwrap();
    fs::set_permissions(folder.join("closed"), fs::Permissions::from_mode(0o555)).unwrap();
    write(&into, &[("a/f", "old"), ("a/stays", "old"), ("stays/f", "old"), ("file now", "old")]);
    symlink("stays", into.join("link now")).unwrap();
    fs::set_permissions(into.join("a"), fs::Permissions::from_mode(0o700)).unwrap();
    let there = [
        "* *",
        "-d -",
        "..two :",
        ".dot .",
        "a/ 750",
        "a/b/ 755",
        "a/b/g new",
        "a/f new",
        "a/stays old",
        "closed/ 555",
        "closed/f new",
        "file now/ 755",
        "file now/f new",
        "link -> a",
        "link now/ 755",
        "link now/f new",
        "stays/ 755",
        "stays/f old",
    ];
    // Where they are missing, and where they are.
    for _ in 0..2 {
        assert_eq!(sent(&folder, &into), "");
        let mut there = there.map(str::to_owned);
        there.sort();
        assert_eq!(listed(&into), there);
        for name in ["a", "a/b", "a/f", "closed"] {
            let modified = |folder: &Path| fs::metadata(folder.join(name)).unwrap().mtime();
            assert_eq!(modified(&folder), modified(&into), "{name}");
        }
    }
}

#[test]
fn what_breaks_off_between_two_files_changes_nothing() {
    let (folder, into) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write(folder.path(), &[("a", "new"), ("b", "new")]);
    write(into.path(), &[("a", "old")]);
    let archive = archive(folder.path());
    // A folder's header, and then a file's with its content.
    for length in [0, 512, 1536, 2560] {
        let (shell, mut input) = unpacking(into.path());
        input.write_all(&archive[..length]).unwrap();
        drop(input);
        let ended = shell.wait_with_output().unwrap();
        assert!(!ended.status.success(), "{length}: {ended:?}");
        assert_eq!(listed(into.path()), ["a old"], "{length}");
    }
}

#[test]
fn many_files_take_their_places() {
    let (folder, into) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for turn in ["one", "two"] {
        (0..450).for_each(|n| write(folder.path(), &[(&format!("sub/{n}"), turn)]));
        assert_eq!(sent(folder.path(), into.path()), "");
        assert_eq!(listed(into.path()), listed(folder.path()));
    }
}

#[test]
fn a_folder_in_the_place_of_a_file_is_named_and_nothing_moves() {
    let (folder, into) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write(folder.path(), &[("a", "new"), ("sub/b", "new")]);
    write(into.path(), &[("a", "old"), ("sub/b/c", "old")]);
    let said = sent(folder.path(), into.path());
    assert!(said.contains("./sub/b is a folder"), "{said}");
    assert_eq!(listed(into.path()), ["a old", "sub/ 755", "sub/b/ 755", "sub/b/c old"]);
}

#[test]
fn whoever_goes_leaves_what_was_there() {
    let (folder, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let large = "new".repeat(100_000);
    write(folder.path(), &[("a", &large), ("closed/b", &large)]);
    fs::set_permissions(folder.path().join("closed"), fs::Permissions::from_mode(0o555)).unwrap();
    write(there.path(), &[("a", "old")]);
    let archive = archive(folder.path());
    for into in [there.path().to_owned(), there.path().join("missing")] {
        for signal in [None, Some("HUP"), Some("TERM")] {
            let (shell, mut input) = unpacking(&into);
            // More than a pipe holds: some of it has been unpacked.
            input.write_all(&archive[..400_000]).unwrap();
            let staged = into.join(".ec2-stories-0123456789abcdef");
            assert_eq!(fs::metadata(&staged).unwrap().permissions().mode() & 0o777, 0o700);
            if let Some(signal) = signal {
                let group = format!("-{}", shell.id());
                let mut kill = std::process::Command::new("kill");
                assert!(kill.args(["-s", signal, "--", &group]).status().unwrap().success());
            }
            drop(input);
            let ended = shell.wait_with_output().unwrap();
            assert!(!ended.status.success(), "{signal:?}: {ended:?}");
            assert_eq!(listed(there.path()), ["a old"], "{signal:?}: {ended:?}");
        }
    }
}
