//! Commands: arguments, output, exit, end.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

use ec2_stories_core::ErrorKind;
use ec2_stories_ssh::{Chunk, Command, Exit, code};

use crate::support::sshd::until;
use crate::support::{Sshd, connected, pinned, refused, ssh};

#[tokio::test]
async fn arguments_arrive_byte_for_byte() {
    let (_server, session) = connected().await;
    let odd: Vec<&[u8]> =
        vec![b"", b"it's", b"a b", b"$HOME `id` \\ \"x\" !", b"-n", b"\xff\xfe", b"two\nlines", b"*"];
    let command = Command::new("printf").arg("%s\\0").args(odd.iter().map(|bytes| OsStr::from_bytes(bytes)));
    let output = session.exec(&command).await.unwrap();
    let expected: Vec<u8> = odd.iter().flat_map(|word| word.iter().copied().chain([0])).collect();
    assert_eq!(output.stdout.bytes(), expected);
    assert_eq!(output.stderr.bytes(), b"");
}

#[tokio::test]
async fn the_exit_is_the_commands_own() {
    let (_server, session) = connected().await;
    let exit = |script: &'static str| {
        let session = session.clone();
        async move { session.exec(&Command::shell(script)).await.unwrap().exit }
    };
    assert_eq!(exit("exit 7").await, Exit::Status(7));
    assert_eq!(exit("kill -KILL $$").await, Exit::Signal("KILL".to_owned()));
    assert_eq!(exit("exit 125").await, Exit::Status(125));
    let missing = session.exec(&Command::new("/no/such/program")).await.unwrap();
    assert_eq!(missing.exit, Exit::Status(127));
    assert!(refused(missing.checked("try")).to_string().contains("/no/such/program"));
}

#[tokio::test]
async fn binary_input_comes_back_unchanged() {
    let (_server, session) = connected().await;
    let bytes: Vec<u8> = (0..=255).cycle().take(3_000_000).collect();
    let command = Command::new("cat").stdin(bytes.clone()).keep(4_000_000);
    assert_eq!(session.exec(&command).await.unwrap().stdout.bytes(), bytes);
    let running = session.spawn_with_input(&Command::new("wc").arg("-c"), std::io::Cursor::new(bytes)).await;
    let mut running = running.unwrap();
    assert_eq!(running.next().await.unwrap(), Some(Chunk::Stdout("3000000\n".into())));
    assert_eq!(running.wait().await.unwrap(), Exit::Status(0));
}

#[tokio::test]
async fn environment_directory_and_secrets_are_set() {
    let (_server, session) = connected().await;
    let command = Command::shell("pwd; printf '%s|%s|' \"$PLAIN\" \"$TOKEN\"; cat")
        .directory("/usr/lib")
        .env("PLAIN", "a 'b'")
        .secret_env("TOKEN", "s3cret \\ $x".to_owned().into())
        .stdin("input");
    let output = session.exec(&command).await.unwrap();
    assert_eq!(output.stdout.text(), "/usr/lib\na 'b'|s3cret \\ $x|input");
    let error = refused(session.exec(&Command::new("true").directory("/not/there")).await);
    assert_eq!((error.kind(), error.api_code()), (ErrorKind::NotFound, Some(code::NOT_STARTED)));
    assert!(error.to_string().contains("/not/there"), "{error}");
}

#[tokio::test]
async fn huge_output_is_bounded_and_says_so() {
    let (_server, session) = connected().await;
    let command = Command::shell("echo first; head -c 50000000 /dev/zero; echo; echo last").keep(1000);
    let output = session.exec(&command).await.unwrap();
    assert_eq!(output.stdout.bytes().len(), 1000);
    assert_eq!(output.stdout.cut(), 50_000_012 - 1000);
    assert!(output.stdout.text().starts_with("first"));
    assert!(output.stdout.text().trim_end().ends_with("last"));
}

#[tokio::test]
async fn a_gibibyte_of_output_takes_no_memory() {
    let (_server, session) = connected().await;
    session.exec(&Command::new("true")).await.unwrap();
    let most = || {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap()
    };
    let before = most();
    let flood = Command::shell("head -c 100000000 /dev/zero >&2; head -c 1073741824 /dev/zero");
    let output = session.exec(&flood).await.unwrap();
    assert_eq!(output.stderr.cut() + output.stderr.bytes().len() as u64, 100_000_000);
    assert_eq!(output.stdout.cut() + output.stdout.bytes().len() as u64, 1 << 30);
    // In KiB: what is kept, and what is under way.
    assert!(most() - before < 64 * 1024, "{} KiB more", most() - before);
}

#[tokio::test]
async fn output_is_seen_while_the_command_runs() {
    let (_server, session) = connected().await;
    let mut running = session.spawn(&Command::shell("echo out; echo err >&2; read line")).await.unwrap();
    let mut seen = Vec::new();
    while seen.len() < 2 {
        seen.push(running.next().await.unwrap().unwrap());
    }
    assert!(seen.contains(&Chunk::Stdout("out\n".into())), "{seen:?}");
    assert!(seen.contains(&Chunk::Stderr("err\n".into())), "{seen:?}");
}

fn pid_in(path: &Path) -> Option<String> {
    let pid = std::fs::read_to_string(path).ok()?;
    pid.ends_with('\n').then(|| pid.trim().to_owned())
}

fn runs(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // A zombie has ended; nobody has asked for its status yet.
    stat.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with('Z'))
}

#[tokio::test]
async fn a_command_that_hangs_is_ended_on_the_host_with_its_children() {
    let (server, session) = connected().await;
    let file = server.path("pid");
    let script = format!("trap '' TERM; sleep 1000 & echo $! > {}; wait; wait", file.display());
    let command = Command::shell(script).timeout(Duration::from_secs(1)).grace(Duration::from_millis(300));
    let error = refused(session.exec(&command).await);
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(error.to_string().contains("was ended"), "{error}");
    let pid = pid_in(&file).unwrap();
    until("the child ends", || !runs(&pid)).await;
    assert!(session.exec(&Command::new("true")).await.unwrap().exit.is_success(), "the session goes on");
}

#[tokio::test]
async fn what_made_a_group_of_its_own_is_ended_too() {
    let (server, session) = connected().await;
    let file = server.path("pid");
    // `timeout` leaves the group of what started it.
    let script = format!("timeout 1000 sleep 1000 & echo $! > {}; wait", file.display());
    let command = Command::shell(script).timeout(Duration::from_secs(1));
    assert!(refused(session.exec(&command).await).to_string().contains("was ended"));
    let pid = pid_in(&file).unwrap();
    until("it ends", || !runs(&pid)).await;
}

#[tokio::test]
async fn a_time_out_counts_for_a_command_that_is_read_piece_by_piece() {
    let (server, session) = connected().await;
    let file = server.path("pid");
    let script = format!("echo $$ > {}; echo started; sleep 1000", file.display());
    let mut running = session.spawn(&Command::shell(script).timeout(Duration::from_secs(1))).await.unwrap();
    assert_eq!(running.next().await.unwrap(), Some(Chunk::Stdout("started\n".into())));
    let late = tokio::time::timeout(Duration::from_secs(20), running.next()).await.expect("it is ended");
    assert_eq!(refused(late).kind(), ErrorKind::Timeout);
    assert!(!runs(&pid_in(&file).unwrap()));
}

#[tokio::test]
async fn a_command_that_is_dropped_is_ended_on_the_host() {
    let (server, session) = connected().await;
    let file = server.path("pid");
    // It floods the connection meanwhile: ending it must not wait behind its output.
    let script = format!("echo $$ > {}; exec cat /dev/zero", file.display());
    let command = Command::shell(script);
    tokio::select! {
        output = session.exec_with(&command, |_| ()) => panic!("{output:?}"),
        () = until("it runs", || pid_in(&file).is_some()) => {}
    }
    let pid = pid_in(&file).unwrap();
    until("it ends", || !runs(&pid)).await;
    assert!(session.exec(&Command::new("true")).await.unwrap().exit.is_success());
}

#[tokio::test]
async fn closing_waits_for_what_is_being_ended() {
    let (server, session) = connected().await;
    let file = server.path("pid");
    let running =
        session.spawn(&Command::shell(format!("echo $$ > {}; sleep 1000", file.display()))).await.unwrap();
    until("it runs", || pid_in(&file).is_some()).await;
    drop(running);
    session.close().await;
    assert!(!runs(&pid_in(&file).unwrap()));
}

#[tokio::test]
async fn many_that_hang_at_once_are_all_ended() {
    let (_server, session) = connected().await;
    let hanging = Command::shell("trap '' TERM; sleep 1000; sleep 1000").timeout(Duration::from_secs(1));
    let hanging = hanging.grace(Duration::from_millis(200));
    let ended = futures::future::join_all((0..12).map(|_| session.exec(&hanging))).await;
    for outcome in ended {
        let error = refused(outcome);
        assert!(error.to_string().contains("was ended"), "{error}");
    }
}

#[tokio::test]
async fn more_commands_than_channels_wait_for_their_turn() {
    let (_server, session) = connected().await;
    let commands = (0..40).map(|n| {
        let session = session.clone();
        async move { session.exec(&Command::new("echo").arg(n.to_string())).await.unwrap().stdout.text() }
    });
    let texts = futures::future::join_all(commands).await;
    assert_eq!(texts, (0..40).map(|n| format!("{n}\n")).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_shell_has_a_terminal_of_the_size_that_was_said() {
    use ec2_stories_ssh::{Pty, ShellEvent};
    let (_server, session) = connected().await;
    let pty = Pty { term: "xterm".to_owned(), columns: 91, rows: 17 };
    let mut shell =
        session.shell(&pty, Some(&Command::shell("stty size; read x; stty size; exit 3"))).await.unwrap();
    let (mut text, mut exit, mut resized) = (String::new(), None, false);
    while let Some(event) = shell.next().await.unwrap() {
        match event {
            ShellEvent::Output(bytes) => text.push_str(&String::from_utf8_lossy(&bytes)),
            ShellEvent::Exit(status) => exit = Some(status),
        }
        if !resized && text.contains("17 91") {
            shell.input().resize(80, 25).await.unwrap();
            shell.input().send("go\n").await.unwrap();
            resized = true;
        }
    }
    assert!(text.contains("25 80"), "{text}");
    assert_eq!(exit, Some(Exit::Status(3)));
}

#[tokio::test]
async fn a_host_that_never_starts_it_is_not_waited_for_for_ever() {
    let server = Sshd::prepared("SetEnv PATH={here}/bin:/usr/bin:/bin", |folder| {
        std::fs::create_dir(folder.join("bin")).unwrap();
        let sudo = folder.join("bin/sudo");
        std::fs::write(&sudo, "#!/bin/sh\nexec sleep 600\n").unwrap();
        std::fs::set_permissions(sudo, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    });
    let session = ssh(&server, pinned(&server)).connect(&server.target()).await.unwrap();
    let short = Duration::from_millis(300);
    let stuck = Command::new("true").as_user("daemon").start_within(short);
    let error = refused(session.exec(&stuck).await);
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(error.to_string().contains("the host did not start it within 300ms"), "{error}");
    // What has started may take as long as it likes.
    let slow = Command::shell("sleep 3.5; echo done").start_within(Duration::from_secs(3));
    assert_eq!(session.exec(&slow).await.unwrap().stdout.text(), "done\n");
}
