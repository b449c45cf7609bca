//! Commands.

use std::fs;
use std::time::Duration;

use ec2_stories_core::attributes::Template;
use ec2_stories_core::provider::StepOutcome::{Changed, Skipped, Unchanged};
use ec2_stories_ssh::step::Run;

use super::{path, run, steps, undo, why};
use crate::support::Sshd;
use crate::support::sshd::until;

fn template(text: &str) -> Template {
    Template::new(text).unwrap()
}

fn lines(server: &Sshd, file: &str) -> usize {
    fs::read_to_string(server.path(file)).unwrap_or_default().lines().count()
}

#[tokio::test]
async fn without_a_condition_it_runs_once_until_it_is_another() {
    let server = Sshd::start();
    let log = path(&server, "told");
    let of = |word: &str| {
        let script = Run::shell(template("echo \"$WORD $(cat) $PWD\" >>\"$LOG\"")).named("log");
        let script = script.env("WORD", template(word)).env("LOG", Template::literal(&log));
        steps(&server, [script.stdin(template("${fleet}")).folder("/usr")])
    };
    let first = of("it's ${db/0.private_ip}");
    assert_eq!(run(&server, &first).await, [Changed]);
    assert_eq!(run(&server, &first).await, [Unchanged]);
    assert_eq!(fs::read_to_string(&log).unwrap(), "it's 10.0.0.7 web /usr\n");
    assert_eq!(run(&server, &of("other")).await, [Changed]);
    assert_eq!(lines(&server, "told"), 2);
}

#[tokio::test]
async fn conditions_decide() {
    let server = Sshd::start();
    let (log, flag) = (path(&server, "told"), path(&server, "flag"));
    let append = || Run::shell(Template::literal(format!("echo x >>'{log}'")));
    let only_if = steps(&server, [append().only_if(["test", "-e", &flag])]);
    let unless = steps(&server, [append().unless(["test", "-e", &flag])]);
    let creates = steps(&server, [append().creates(&flag)]);
    assert_eq!(run(&server, &only_if).await, [Skipped]);
    assert_eq!((run(&server, &unless).await, run(&server, &creates).await), (vec![Changed], vec![Changed]));
    fs::write(&flag, "").unwrap();
    assert_eq!(
        (run(&server, &unless).await, run(&server, &creates).await),
        (vec![Unchanged], vec![Unchanged])
    );
    assert_eq!((run(&server, &only_if).await, run(&server, &only_if).await), (vec![Changed], vec![Changed]));
    assert_eq!(lines(&server, "told"), 4);
}

#[tokio::test]
async fn one_that_is_not_for_this_node_is_skipped_and_the_rest_goes_on() {
    let server = Sshd::start();
    let (log, flag) = (path(&server, "told"), path(&server, "flag"));
    let append = |name: &str| Run::shell(Template::literal(format!("echo {name} >>'{log}'"))).named(name);
    let undone = append("first").only_if(["test", "-e", &flag]).undone_by(["touch", &flag]);
    let both = steps(&server, [undone]).then(append("second"));
    assert_eq!(run(&server, &both).await, [Skipped, Changed]);
    assert_eq!(fs::read_to_string(&log).unwrap(), "second\n");
    assert_eq!(run(&server, &both).await, [Skipped, Unchanged]);
    assert_eq!(undo(&server, &both).await, [Unchanged, Unchanged], "what was skipped needs no undo");
    assert!(!server.path("flag").exists());
    // What is there already is no reason to say that it is as it should be: it is not for this node at all.
    let told = steps(&server, [append("third").creates(&log).only_if(["false"])]);
    assert_eq!(run(&server, &told).await, [Skipped]);
    // A condition that cannot be asked is a failure, not a no.
    let lost = steps(&server, [append("fourth").only_if(["true"]).folder("/no/such/folder")]);
    assert!(why(&run(&server, &lost).await).contains("/no/such/folder"));
}

#[tokio::test]
async fn a_failure_shows_the_end_of_what_it_said_and_no_secret() {
    let server = Sshd::start();
    let script = "echo the disk is on fire >&2; echo password=hunter2 >&2; exit 3";
    let failing = steps(&server, [Run::shell(template(script))]);
    let outcomes = run(&server, &failing).await;
    let told = why(&outcomes);
    assert!(told.contains("exit status 3") && told.contains("the disk is on fire"), "{told}");
    assert!(!told.contains("hunter2"), "{told}");
    assert_eq!(why(&run(&server, &failing).await), told, "what failed is tried again");
    let missing = steps(&server, [Run::new(["no-such-program"])]);
    assert!(why(&run(&server, &missing).await).contains("no-such-program"));
}

#[tokio::test]
async fn one_that_hangs_is_ended_on_the_host() {
    let server = Sshd::start();
    let pid = path(&server, "pid");
    let hanging = Run::shell(Template::literal(format!("echo $$ >'{pid}'; sleep 1000; true")));
    let outcomes = run(&server, &steps(&server, [hanging.timeout(Duration::from_secs(1))])).await;
    assert!(why(&outcomes).contains("was ended"), "{outcomes:?}");
    let pid = fs::read_to_string(&pid).unwrap();
    until("it ends", || !std::path::Path::new(&format!("/proc/{}", pid.trim())).exists()).await;
}

#[tokio::test]
async fn it_runs_as_another_user() {
    let server = Sshd::with_worker("worker ALL=(ALL:ALL) NOPASSWD: ALL\n");
    let who = |user: Option<&str>, file: &str| {
        let id = Run::shell(Template::literal(format!("id -un >'{}'", path(&server, file))));
        steps(
            &server,
            [match user {
                Some(user) => id.user(user),
                None => id,
            }],
        )
    };
    assert_eq!(run(&server, &who(None, "root")).await, [Changed]);
    assert_eq!(run(&server, &who(Some("worker"), "home/worker")).await, [Changed]);
    assert_eq!(fs::read_to_string(server.path("root")).unwrap(), "root\n");
    assert_eq!(fs::read_to_string(server.path("home/worker")).unwrap(), "worker\n");
}

#[tokio::test]
async fn undo_runs_in_reverse_and_goes_on_after_a_failure() {
    let server = Sshd::start();
    let log = path(&server, "told");
    let one = |name: &str, undo: &str| {
        let script = format!("echo {undo} >>'{log}'; [ {undo} != bad ]");
        Run::new(["true"]).named(name).undone_by(["/bin/sh", "-c", &script])
    };
    let three = steps(&server, [one("first", "first"), one("second", "bad"), one("third", "third")])
        .then(Run::new(["false"]).named("fails").undone_by(["touch", &log]));
    assert_eq!(run(&server, &three).await[..3], [Changed, Changed, Changed]);
    let outcomes = undo(&server, &three).await;
    assert_eq!((&outcomes[0], &outcomes[1], &outcomes[3]), (&Unchanged, &Changed, &Changed));
    assert!(why(&outcomes[2..3]).contains("exit status 1"));
    assert_eq!(fs::read_to_string(&log).unwrap(), "third\nbad\nfirst\n");
}
