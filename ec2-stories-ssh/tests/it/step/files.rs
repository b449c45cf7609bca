//! Files.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use ec2_stories_core::attributes::Template;
use ec2_stories_core::provider::StepOutcome::{Changed, Failed, Skipped, Unchanged};
use ec2_stories_ssh::step::{File, Folder, Run};

use super::{path, run, steps, undo, why};
use crate::support::Sshd;

#[tokio::test]
async fn a_file_is_written_once_whatever_its_name_and_size() {
    let server = Sshd::start();
    let large: Vec<u8> =
        (0..20 * 1024 * 1024_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    fs::write(server.path("large source"), &large).unwrap();
    fs::write(server.path("empty source"), "").unwrap();
    let (large_to, empty_to) = (path(&server, "in/a 'b' \"c\"\n$(d) é"), path(&server, "in/empty"));
    let text_to = path(&server, "in/text");
    let all = steps(&server, [File::source(&large_to, server.path("large source")).mode(0o640)])
        .then(File::source(&empty_to, server.path("empty source")))
        .then(File::template(&text_to, Template::new("${db/0.private_ip} ${index} $${HOME}").unwrap()));
    assert_eq!(run(&server, &all).await, [Changed, Changed, Changed]);
    assert!(fs::read(&large_to).unwrap() == large);
    assert_eq!(fs::metadata(&large_to).unwrap().permissions().mode() & 0o7777, 0o640);
    assert_eq!(fs::read(&empty_to).unwrap(), b"");
    assert_eq!(fs::read_to_string(&text_to).unwrap(), "10.0.0.7 0 ${HOME}");
    let inode = fs::metadata(&large_to).unwrap().ino();
    assert_eq!(run(&server, &all).await, [Unchanged, Unchanged, Unchanged]);
    assert_eq!(fs::metadata(&large_to).unwrap().ino(), inode, "it was not sent again");
    assert!(!server.path("state").exists(), "nothing has to be known later");
}

#[tokio::test]
async fn what_differs_alone_is_changed() {
    let server = Sshd::start();
    let to = path(&server, "file");
    fs::write(&to, "same").unwrap();
    fs::set_permissions(&to, fs::Permissions::from_mode(0o600)).unwrap();
    let inode = fs::metadata(&to).unwrap().ino();
    assert_eq!(run(&server, &steps(&server, [File::text(&to, "same")])).await, [Unchanged]);
    let open = steps(&server, [File::text(&to, "same").mode(0o755)]);
    assert_eq!(run(&server, &open).await, [Changed]);
    let now = fs::metadata(&to).unwrap();
    assert_eq!((now.ino(), now.permissions().mode() & 0o7777), (inode, 0o755));
    assert_eq!(run(&server, &steps(&server, [File::text(&to, "other")])).await, [Changed]);
    assert_eq!(fs::metadata(&to).unwrap().permissions().mode() & 0o7777, 0o755, "the mode is kept");
    assert_eq!(run(&server, &open).await, [Changed]);
}

#[tokio::test]
async fn owners_are_set_by_name() {
    let server = Sshd::with_worker("worker ALL=(ALL:ALL) NOPASSWD: ALL\n");
    let to = path(&server, "file");
    let file = steps(&server, [File::text(&to, "x").owner("worker")]);
    assert_eq!(run(&server, &file).await, [Changed]);
    let found = fs::metadata(&to).unwrap();
    assert_eq!((found.uid(), found.gid()), (61_234, 61_234));
    assert_eq!(run(&server, &file).await, [Unchanged]);
    let roots = steps(&server, [File::text(path(&server, "roots"), "x").mode(0o600)]);
    assert_eq!(run(&server, &roots).await, [Changed]);
    assert_eq!(fs::metadata(server.path("roots")).unwrap().uid(), 0, "steps run as root");
    let nobody = steps(&server, [File::text(path(&server, "n"), "x").owner("no-such-user")]);
    assert!(why(&run(&server, &nobody).await).contains("no user no-such-user"));
    assert!(!server.path("n").exists());
}

#[tokio::test]
async fn without_sudo_steps_run_as_the_user() {
    let server = Sshd::with_worker("root ALL=(ALL:ALL) ALL\n");
    let (home, roots) = (path(&server, "home/file"), path(&server, "roots"));
    let both =
        steps(&server, [File::text(&home, "x")]).then(File::text(&roots, "x")).then(Run::new(["true"]));
    let outcomes = run(&server, &both).await;
    let [Changed, Failed(why), Skipped] = &outcomes[..] else { panic!("{outcomes:?}") };
    assert!(why.contains("does not allow it") || why.contains("denied"), "{why}");
    assert_eq!(fs::metadata(&home).unwrap().uid(), 61_234);
}

#[tokio::test]
async fn a_full_disk_is_said_and_leaves_the_old_file() {
    let server = Sshd::with_disk();
    fs::write(server.path("big"), vec![7; 600 * 1024]).unwrap();
    let small = steps(&server, [File::text(path(&server, "disk/file"), "old")]);
    assert_eq!(run(&server, &small).await, [Changed]);
    let big = steps(&server, [File::source(path(&server, "disk/file"), server.path("big"))]);
    let outcomes = run(&server, &big).await;
    assert!(why(&outcomes).contains("the disk is full"), "{outcomes:?}");
    assert_eq!(run(&server, &small).await, [Unchanged], "the old file is whole");
}

#[tokio::test]
async fn a_host_without_sftp_takes_files_by_scp() {
    let server = Sshd::without_sftp();
    let to = path(&server, "a 'file'");
    let file = steps(&server, [File::text(&to, "by scp\n").mode(0o600)]);
    assert_eq!(run(&server, &file).await, [Changed]);
    assert_eq!(fs::read_to_string(&to).unwrap(), "by scp\n");
    assert_eq!(run(&server, &file).await, [Unchanged]);

    let (source, copy) = (path(&server, "source"), path(&server, "copy"));
    fs::create_dir_all(format!("{source}/sub")).unwrap();
    for (name, mode) in [("a b", 0o640), ("sub/it's", 0o755), ("empty", 0o600)] {
        fs::write(format!("{source}/{name}"), if name == "empty" { "" } else { name }).unwrap();
        fs::set_permissions(format!("{source}/{name}"), fs::Permissions::from_mode(mode)).unwrap();
    }
    let folder = steps(&server, [Folder::new(&copy, &source)]);
    assert_eq!(run(&server, &folder).await, [Changed]);
    assert_eq!(fs::read_to_string(format!("{copy}/sub/it's")).unwrap(), "sub/it's");
    assert_eq!(fs::metadata(format!("{copy}/a b")).unwrap().permissions().mode() & 0o7777, 0o640);
    assert_eq!(run(&server, &folder).await, [Unchanged]);
}

#[tokio::test]
async fn links_lead_to_the_file_and_folders_are_no_files() {
    let server = Sshd::start();
    fs::write(server.path("real"), "old").unwrap();
    symlink(server.path("real"), server.path("link")).unwrap();
    assert_eq!(run(&server, &steps(&server, [File::text(path(&server, "link"), "new")])).await, [Changed]);
    assert_eq!(fs::read_to_string(server.path("real")).unwrap(), "new");
    assert!(fs::symlink_metadata(server.path("link")).unwrap().is_symlink());
    fs::create_dir(server.path("folder")).unwrap();
    let outcomes = run(&server, &steps(&server, [File::text(path(&server, "folder"), "x")])).await;
    assert!(why(&outcomes).contains("is a folder"));
}

#[tokio::test]
async fn undo_puts_back_what_was_there_even_after_two_changes() {
    let server = Sshd::start();
    let (old, new) = (path(&server, "old"), path(&server, "new"));
    fs::write(&old, "before").unwrap();
    fs::set_permissions(&old, fs::Permissions::from_mode(0o604)).unwrap();
    for text in ["one", "two"] {
        let files =
            steps(&server, [File::text(&old, text).mode(0o600).undone(), File::text(&new, text).undone()]);
        assert_eq!(run(&server, &files).await, [Changed, Changed]);
    }
    let files = steps(&server, [File::text(&old, "three").undone(), File::text(&new, "three").undone()]);
    // A name that looks like ours, of a file that is not.
    fs::write(server.path(".ec2-stories-before"), "mine").unwrap();
    assert_eq!(undo(&server, &files).await, [Changed, Changed]);
    assert_eq!(fs::read_to_string(server.path(".ec2-stories-before")).unwrap(), "mine");
    let temporary = |name: &str| name.starts_with(".ec2-stories-") && name != ".ec2-stories-before";
    let mut left = fs::read_dir(server.path("")).unwrap().flatten();
    assert!(!left.any(|file| temporary(&file.file_name().to_string_lossy())));
    assert_eq!(fs::read_to_string(&old).unwrap(), "before");
    assert_eq!(fs::metadata(&old).unwrap().permissions().mode() & 0o7777, 0o604);
    assert!(!Path::new(&new).exists());
    assert_eq!(undo(&server, &files).await, [Unchanged, Unchanged]);
    let state = fs::metadata(server.path("state/steps.json")).unwrap();
    assert_eq!(state.permissions().mode() & 0o7777, 0o600);
}

#[tokio::test]
async fn what_cannot_be_known_or_read_is_the_steps_failure() {
    let server = Sshd::start();
    let to = path(&server, "file");
    let unknown = File::template(&to, Template::new("${db/1.private_ip}").unwrap());
    assert!(why(&run(&server, &steps(&server, [unknown])).await).contains("db/1.private_ip"));
    let missing = File::source(&to, server.path("no such file"));
    assert!(why(&run(&server, &steps(&server, [missing])).await).contains("no such file"));
    assert!(!Path::new(&to).exists());
}
