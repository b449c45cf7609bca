//! Commands on nodes, copies and shells, against real OpenSSH servers behind the instances.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use ec2_stories::sim::{Hosts, Latencies, Sim, SshdOptions};
use ec2_stories::{Clock, SystemClock};
use tokio::process::Command;

use super::{Ended, Shop, Started};

/// Two nodes that run and were told apart.
async fn deployed(more: &str) -> Shop {
    deployed_in(Shop::new("").await, more).await
}

async fn deployed_in(shop: Shop, more: &str) -> Shop {
    deployed_with(shop, "{ injected = 'host' }", more).await
}

async fn deployed_with(mut shop: Shop, host_keys: &str, more: &str) -> Shop {
    let hosts = Hosts::sshd(SshdOptions::default()).unwrap();
    shop.sim = Sim::builder().hosts(hosts).latency(Latencies::none()).start(SystemClock.now()).build();
    shop.cloud = shop.sim.listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
    fs::write(shop.path("shop.toml"), story(&shop, host_keys, more)).unwrap();
    shop.run("start", &["--detach"]).await.expect(0);
    // The servers come up after their instances.
    for _ in 0..100 {
        if shop.run("run", &["all", "--", "true"]).await.status.success() {
            return shop;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the nodes never let anybody in");
}

fn story(shop: &Shop, host_keys: &str, more: &str) -> String {
    format!(
        "name = 'shop'\nmode = 'production'\n[[fleet]]\nname = 'web'\nnodes = 2\nimage = {{ public = 'debian-12' }}\n\
         key = {{ generated = 'id' }}\nlogin = {{ port = {}, host_keys = {host_keys} }}\n{more}",
        shop.sim.ssh_port()
    )
}

async fn people(shop: &Shop, command: &str, more: &[&str]) -> Ended {
    Ended::of(shop.for_people(command, more)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_runs_on_all_that_were_chosen_and_each_line_says_where() {
    let shop = deployed("").await;
    let ended = people(&shop, "run", &["web", "--", "printf", "%s\\n", "a b", "$HOME"]).await.expect(0);
    let mut lines: Vec<_> = ended.stdout.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["web/0: $HOME", "web/0: a b", "web/1: $HOME", "web/1: a b"]);

    let ended = people(&shop, "run", &["web/1", "--root", "--", "id", "-un"]).await.expect(0);
    assert_eq!(ended.stdout, "web/1: root\n");

    people(&shop, "run", &["web/0..1", "--", "touch", "here"]).await.expect(0);
    let one = ["--", "test", "-e", "here"];
    let ended = people(&shop, "run", &[&["all"][..], &one].concat()).await.expect(1);
    assert_eq!(ended.stderr, "web/1: exit status 1\n");
    people(&shop, "run", &[&["all", "--at-least", "1"][..], &one].concat()).await.expect(0);
    let line = ["web/0", "--json", "--", "sh", "-c", "echo out; echo err >&2; exit 3"];
    let json = people(&shop, "run", &line).await.expect(1).stdout;
    assert!(json.contains(r#"{"line":"err","node":"web/0","stream":"stderr"}"#), "{json}");
    assert!(json.ends_with("{\"nodes\":[{\"error\":\"exit status 3\",\"node\":\"web/0\"}]}\n"), "{json}");

    for (nodes, code, said) in [
        ("db", 2, "db: there is no such fleet; the one there is is web"),
        ("web/0..3", 1, "web/0..3"),
        ("web/x", 2, "names no nodes"),
    ] {
        let ended = people(&shop, "run", &[nodes, "--", "true"]).await.expect(code);
        assert!(ended.stderr.contains(said), "{ended:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_piped_in_reaches_every_node() {
    let shop = deployed("").await;
    let input = shop.path("input");
    fs::write(&input, "one\ntwo\n").unwrap();
    let piped = async |nodes: &str, command: &[&str]| {
        let mut process = shop.for_people("run", &[&[nodes, "--"], command].concat());
        process.stdin(fs::File::open(&input).unwrap());
        Ended::of(process).await.expect(0).stdout
    };
    assert_eq!(piped("web/0", &["cat"]).await, "web/0: one\nweb/0: two\n");
    let both = piped("web", &["wc", "-c"]).await;
    let mut lines: Vec<_> = both.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["web/0: 8", "web/1: 8"]);
    // A pipe that nobody closes holds up nobody who does not read it.
    let mut process = shop.for_people("run", &["web", "--", "echo", "done"]);
    process.stdin(std::process::Stdio::piped());
    let mut child = process.spawn().unwrap();
    let _open = child.stdin.take();
    let ended =
        tokio::time::timeout(super::PATIENCE, child.wait_with_output()).await.expect("it ends").unwrap();
    assert!(ended.status.success() && ended.stdout.len() == 2 * "web/0: done\n".len(), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn host_keys_come_from_the_console_where_the_story_says_so() {
    let shop = deployed_with(Shop::new("").await, "'console'", "").await;
    let ended = people(&shop, "run", &["web/0", "--", "echo", "in"]).await.expect(0);
    assert_eq!(ended.stdout, "web/0: in\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_and_folders_go_both_ways() {
    let shop = deployed("").await;
    fs::create_dir_all(shop.path("dist/sub/empty")).unwrap();
    fs::write(shop.path("dist/sub/tool"), "#!/bin/sh\necho tool\n").unwrap();
    fs::set_permissions(shop.path("dist/sub/tool"), fs::Permissions::from_mode(0o755)).unwrap();
    std::os::unix::fs::symlink("sub/tool", shop.path("dist/link")).unwrap();
    let ended = people(&shop, "copy", &["dist", "web:app"]).await.expect(0);
    let mut lines: Vec<_> = ended.stdout.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["web/0: 1 file, 20 B", "web/1: 1 file, 20 B"]);
    let ended = people(&shop, "run", &["web/1", "--", "app/link"]).await.expect(0);
    assert_eq!(ended.stdout, "web/1: tool\n");
    let json = people(&shop, "copy", &["web:app", "back", "--json"]).await.expect(0).json();
    assert_eq!(
        json["nodes"][1],
        serde_json::json!({ "node": "web/1", "error": null, "files": 1, "bytes": 20 })
    );
    for node in ["web-0", "web-1"] {
        let folder = shop.path("back").join(node);
        assert!(folder.join("sub/empty").is_dir());
        assert_eq!(fs::metadata(folder.join("sub/tool")).unwrap().permissions().mode() & 0o777, 0o755);
    }
    people(&shop, "copy", &["dist/sub/tool", "web/0:app/"]).await.expect(0);
    let ended = people(&shop, "copy", &["web/0:app/tool", "tool"]).await.expect(0);
    assert_eq!(ended.stdout, "web/0: 1 file, 20 B\n");
    assert_eq!(fs::read(shop.path("tool")).unwrap(), fs::read(shop.path("dist/sub/tool")).unwrap());

    let ended = people(&shop, "copy", &["web:nothing", "x"]).await.expect(1);
    assert!(ended.stderr.contains("no such file or folder"), "{ended:?}");
    for wrong in [["dist", "x"], ["web:a", "web:b"], ["no-such", "web:x"], ["dist", "web:"]] {
        people(&shop, "copy", &wrong).await.expect(2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_command_ends_on_its_nodes() {
    let shop = deployed("").await;
    let line = ["web", "--", "sh", "-c", "echo $$ >running; echo begun; exec sleep 600"];
    let mut running = Started::spawn(shop.for_people("run", &line));
    for _ in 0..2 {
        running.line(|line| line.ends_with("begun")).await;
    }
    running.signal("INT");
    let ended = running.end().await.expect(130);
    assert!(ended.stderr.contains("web/1: it was stopped before its end"), "{ended:?}");
    let gone = ["web", "--", "sh", "-c", "! kill -0 $(cat running)"];
    people(&shop, "run", &gone).await.expect(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_start_ends_its_steps_on_the_nodes() {
    let shop = deployed("").await;
    let step = "steps = [{ command = { shell = 'echo $$ >running; exec sleep 600', folder = '/home/admin', user = 'admin' } }]";
    fs::write(shop.path("shop.toml"), story(&shop, "{ injected = 'host' }", step)).unwrap();
    let start = shop.start(&[]);
    let begun = ["web", "--", "sh", "-c", "until test -s running; do sleep 0.1; done"];
    people(&shop, "run", &begun).await.expect(0);
    start.signal("INT");
    start.end().await;
    let gone = ["web", "--", "sh", "-c", "! kill -0 $(cat running)"];
    people(&shop, "run", &gone).await.expect(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_says_why_a_step_failed() {
    let shop = deployed("").await;
    let step = "steps = [{ command = { shell = 'echo no such beer >&2; exit 7' } }]";
    fs::write(shop.path("shop.toml"), story(&shop, "{ injected = 'host' }", step)).unwrap();
    shop.run("start", &["--detach"]).await;
    let status = people(&shop, "status", &[]).await.expect(0).stdout;
    assert!(status.contains("no such beer"), "{status}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_may_be_roots_and_removes_what_a_killed_one_left() {
    let shop = deployed("").await;
    fs::write(shop.path("small"), "beer\n").unwrap();
    let old = "touch -d '2 days ago' .ec2-stories-0123456789abcdef; touch .ec2-stories-fedcba9876543210";
    people(&shop, "run", &["web/0", "--", "sh", "-c", old]).await.expect(0);
    people(&shop, "copy", &["small", "web/0:small"]).await.expect(0);
    let there = people(&shop, "run", &["web/0", "--", "ls", "-A"]).await.expect(0).stdout;
    assert!(there.contains("fedcba9876543210") && !there.contains("0123456789abcdef"), "{there}");

    // A folder of whoever runs this test, and of nobody else.
    let roots = format!("web/0:{}", shop.path("roots").display());
    let refused = people(&shop, "copy", &["small", &roots]).await.expect(1);
    assert_eq!(refused.stderr.matches("ermission denied").count(), 1, "{refused:?}");
    people(&shop, "copy", &["small", &roots, "--root"]).await.expect(0);
    people(&shop, "copy", &[&roots, "back", "--root"]).await.expect(0);
    assert_eq!(fs::read_to_string(shop.path("back")).unwrap(), "beer\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_waits_for_no_pipe() {
    let shop = deployed("").await;
    fs::create_dir(shop.path("dist")).unwrap();
    fs::write(shop.path("dist/file"), "beer").unwrap();
    for pipe in ["pipe", "dist/pipe"] {
        assert!(std::process::Command::new("mkfifo").arg(shop.path(pipe)).status().unwrap().success());
    }
    let refused = people(&shop, "copy", &["pipe", "web/0:x"]).await.expect(2);
    assert!(refused.stderr.contains("pipe: is a pipe, a socket or a device"), "{refused:?}");
    people(&shop, "run", &["web/0", "--", "mkfifo", "pipe"]).await.expect(0);
    let refused = people(&shop, "copy", &["web/0:pipe", "x"]).await.expect(1);
    assert!(refused.stderr.contains("is a pipe, a socket or a device"), "{refused:?}");
    assert!(!shop.path("x").exists());
    let copied = people(&shop, "copy", &["dist", "web/0:app"]).await.expect(0);
    assert_eq!(copied.stdout, "web/0: 1 file, 4 B, 1 pipe, socket or device left out\n");
    let copied = people(&shop, "copy", &["dist", "web/0:app", "--json"]).await.expect(0).json();
    assert_eq!(copied["nodes"][0]["left_out"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_copy_leaves_no_part_of_a_file() {
    let shop = deployed("").await;
    // It takes long, and no room here.
    fs::File::create(shop.path("large")).unwrap().set_len(64 << 30).unwrap();
    let parts = async || people(&shop, "run", &["web/0", "--", "ls", "-A"]).await.expect(0).stdout;
    let copying = Started::spawn(shop.for_people("copy", &["large", "web/0:large"]));
    let begun = async { while !parts().await.contains(".ec2-stories-") {} };
    tokio::time::timeout(super::PATIENCE, begun).await.expect("it begins");
    copying.signal("INT");
    copying.end().await.expect(130);
    let left = parts().await;
    assert!(!left.contains(".ec2-stories-") && !left.contains("large"), "{left}");

    let made = ["web/0", "--", "truncate", "-s", "64G", "far"];
    people(&shop, "run", &made).await.expect(0);
    // A file of the user's own, which the copy did not make.
    fs::write(shop.path("near.part"), "mine").unwrap();
    let near = || -> Vec<String> {
        let listed = fs::read_dir(shop.folder.path()).unwrap();
        let names = listed.map(|file| file.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.starts_with("near")).collect()
    };
    let copying = Started::spawn(shop.for_people("copy", &["web/0:far", "near"]));
    shop.until("it begins", |_| near().len() > 1).await;
    copying.signal("INT");
    copying.end().await.expect(130);
    assert_eq!(near(), ["near.part"]);
    assert_eq!(fs::read_to_string(shop.path("near.part")).unwrap(), "mine");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_is_not_for_a_node_is_said_to_be_skipped() {
    let shop = deployed("").await;
    let started = async |name: &str, flags: &[&str]| {
        let step = format!(
            "steps = [{{ command = {{ run = ['false'], name = '{name}', only_if = ['test', '-e', '/no/such'] }} }}]"
        );
        fs::write(shop.path("shop.toml"), story(&shop, "{ injected = 'host' }", &step)).unwrap();
        people(&shop, "start", &[&["--detach"][..], flags].concat()).await.expect(0)
    };
    let ended = started("one", &["--json"]).await;
    assert_eq!(ended.stdout.matches(r#""outcome":"skipped""#).count(), 2, "{ended:?}");
    let ended = started("two", &[]).await;
    assert_eq!(ended.stderr.matches("command two: skipped").count(), 2, "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shell_has_a_terminal_of_its_own_and_gives_it_back() {
    let shop = deployed("").await;
    let ended = people(&shop, "shell", &["web/0"]).await.expect(2);
    assert!(ended.stderr.contains("needs a terminal"), "{ended:?}");
    // `script` (util-linux) gives a program a terminal; the shell around it sees how the terminal was left.
    let program = env!("CARGO_BIN_EXE_ec2-stories");
    let line = format!(
        "stty rows 17 columns 91; stty -a >before; {program} shell shop.toml web/0; echo ended $?; stty -a >after"
    );
    let mut terminal = Command::new("script");
    terminal.args(["-q", "-e", "-c", &line, "/dev/null"]).current_dir(shop.folder.path());
    let own = shop.for_people("shell", &[]);
    terminal.env_clear().envs(own.as_std().get_envs().filter_map(|(key, value)| Some((key, value?))));
    terminal.env("PATH", "/usr/bin:/bin").env("TERM", "xterm").env("SHELL", "/bin/sh").kill_on_drop(true);
    let typed = "stty size; echo I am $((40 + 2)); exit 7\n";
    let input = shop.path("typed");
    fs::write(&input, typed).unwrap();
    terminal.stdin(std::process::Stdio::from(fs::File::open(input).unwrap()));
    terminal.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let ended = Ended::of(terminal).await;
    assert!(ended.stdout.contains("17 91") && ended.stdout.contains("I am 42"), "{ended:?}");
    assert!(ended.stdout.contains("ended 1"), "{ended:?}");
    let state = |name: &str| fs::read_to_string(shop.path(name)).unwrap();
    assert_eq!(state("before"), state("after"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_story_brings_its_bundle_to_every_node() {
    let bundle = "bundle = 'dist'\n";
    let mut shop = Shop::new("").await;
    write_bundle(&shop, "exec sleep 600");
    shop = deployed_in(shop, bundle).await;
    let seen =
        people(&shop, "run", &["all", "--", "cat", "/opt/app/current/.ec2-stories/version"]).await.expect(0);
    assert_eq!(seen.stdout.lines().count(), 2, "{seen:?}");
    // A bundle that is wrong stops a start before it spends anything, and nothing else.
    fs::write(shop.path("dist/bundle.toml"), "name = 'app'\n").unwrap();
    let ended = people(&shop, "plan", &[]).await.expect(2);
    assert!(
        ended.stderr.contains("missing field `version`") && ended.stderr.contains("shop.toml:9:10"),
        "{ended:?}"
    );
    people(&shop, "status", &[]).await.expect(0);
    people(&shop, "terminate", &[]).await;
    assert_eq!(shop.alive(), 0);
}

fn write_bundle(shop: &Shop, program: &str) {
    fs::create_dir_all(shop.path("dist")).unwrap();
    fs::write(shop.path("dist/bundle.toml"), "name = 'app'\nversion = '1'\nstart = ['./run']\n").unwrap();
    fs::write(shop.path("dist/run"), format!("#!/bin/sh\n{program}\n")).unwrap();
    fs::set_permissions(shop.path("dist/run"), fs::Permissions::from_mode(0o755)).unwrap();
}
