//! Folders.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use ec2_stories_core::provider::StepOutcome::{Changed, Unchanged};
use ec2_stories_ssh::step::Folder;

use super::{path, run, steps, undo, why};
use crate::support::Sshd;

/// Names that a careless script trips over.
const NAMES: [&str; 6] = ["-rf", "a b", "it's \"q\"", "two\nlines", "é✓", "$(touch x)"];

fn tree(server: &Sshd) -> String {
    let source = path(server, "source");
    fs::create_dir_all(format!("{source}/sub/empty")).unwrap();
    for name in NAMES {
        fs::write(format!("{source}/{name}"), name).unwrap();
        fs::write(format!("{source}/sub/{name}"), "").unwrap();
    }
    fs::set_permissions(format!("{source}/-rf"), fs::Permissions::from_mode(0o750)).unwrap();
    fs::set_permissions(format!("{source}/sub"), fs::Permissions::from_mode(0o711)).unwrap();
    symlink("../a b", format!("{source}/sub/link")).unwrap();
    source
}

fn same(one: &str, two: &str) {
    let diff =
        std::process::Command::new("diff").args(["-r", "--no-dereference", one, two]).output().unwrap();
    assert!(diff.status.success(), "{}", String::from_utf8_lossy(&diff.stdout));
}

#[tokio::test]
async fn a_tree_is_copied_and_only_what_differs_again() {
    let server = Sshd::start();
    let (source, to) = (tree(&server), path(&server, "to"));
    let folder = steps(&server, [Folder::new(&to, &source)]);
    assert_eq!(run(&server, &folder).await, [Changed]);
    same(&source, &to);
    assert_eq!(fs::metadata(format!("{to}/-rf")).unwrap().permissions().mode() & 0o7777, 0o750);
    assert_eq!(fs::metadata(format!("{to}/sub")).unwrap().permissions().mode() & 0o7777, 0o711);
    assert_eq!(run(&server, &folder).await, [Unchanged]);
    let inode = |name: &str| fs::metadata(format!("{to}/{name}")).unwrap().ino();
    let (kept, other) = (inode("-rf"), inode("a b"));
    fs::write(format!("{source}/a b"), "new").unwrap();
    assert_eq!(run(&server, &folder).await, [Changed]);
    assert_eq!((inode("-rf"), inode("a b") == other), (kept, false));
    same(&source, &to);
}

#[tokio::test]
async fn what_is_more_stays_unless_it_is_not_wanted() {
    let server = Sshd::start();
    let (source, to) = (tree(&server), path(&server, "to"));
    fs::create_dir_all(format!("{to}/more/of it")).unwrap();
    fs::write(format!("{to}/more/of it/x"), "").unwrap();
    assert_eq!(run(&server, &steps(&server, [Folder::new(&to, &source)])).await, [Changed]);
    assert!(Path::new(&format!("{to}/more/of it/x")).exists());
    let exactly = steps(&server, [Folder::new(&to, &source).exactly()]);
    assert_eq!(run(&server, &exactly).await, [Changed]);
    same(&source, &to);
    assert_eq!(run(&server, &exactly).await, [Unchanged]);
}

#[tokio::test]
async fn a_link_on_the_node_leads_nothing_out() {
    let server = Sshd::start();
    let (source, to, outside) = (tree(&server), path(&server, "to"), path(&server, "outside"));
    fs::create_dir_all(&to).unwrap();
    fs::create_dir_all(&outside).unwrap();
    symlink(&outside, format!("{to}/sub")).unwrap();
    symlink(format!("{outside}/file"), format!("{to}/a b")).unwrap();
    assert_eq!(run(&server, &steps(&server, [Folder::new(&to, &source)])).await, [Changed]);
    same(&source, &to);
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
    symlink("/etc", format!("{source}/out")).unwrap();
    let outcomes = run(&server, &steps(&server, [Folder::new(&to, &source)])).await;
    assert!(why(&outcomes).contains("leads out of the folder"), "{outcomes:?}");
}

#[tokio::test]
async fn undo_removes_what_was_made_and_puts_back_the_rest() {
    let server = Sshd::start();
    let (source, to, before) = (tree(&server), path(&server, "to"), path(&server, "before"));
    for folder in [&to, &before] {
        fs::create_dir_all(format!("{folder}/own")).unwrap();
        fs::write(format!("{folder}/own/x"), "x").unwrap();
        fs::write(format!("{folder}/a b"), "old").unwrap();
    }
    let folder = steps(&server, [Folder::new(&to, &source).exactly().undone()]);
    assert_eq!(run(&server, &folder).await, [Changed]);
    same(&source, &to);
    assert_eq!(undo(&server, &folder).await, [Changed]);
    same(&before, &to);
    assert_eq!(undo(&server, &folder).await, [Unchanged]);
}

#[tokio::test]
async fn all_of_it_belongs_to_its_owner() {
    let server = Sshd::with_worker("worker ALL=(ALL:ALL) NOPASSWD: ALL\n");
    let (source, to) = (tree(&server), path(&server, "to"));
    let folder = steps(&server, [Folder::new(&to, &source).owner("worker")]);
    assert_eq!(run(&server, &folder).await, [Changed]);
    for name in ["", "/sub", "/sub/empty", "/a b", "/sub/link"] {
        assert_eq!(fs::symlink_metadata(format!("{to}{name}")).unwrap().uid(), 61_234, "{name}");
    }
    assert_eq!(run(&server, &folder).await, [Unchanged]);
    fs::write(format!("{source}/a b"), "new").unwrap();
    assert_eq!(run(&server, &folder).await, [Changed]);
    assert_eq!(run(&server, &folder).await, [Unchanged]);
}
