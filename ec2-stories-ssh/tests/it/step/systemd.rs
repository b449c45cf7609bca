//! Services under a real systemd.

use ec2_stories_core::attributes::Template;
use ec2_stories_core::provider::StepOutcome::{Changed, Unchanged};
use ec2_stories_ssh::Command;
use ec2_stories_ssh::step::{File, Service};

use super::{path, run, steps, undo, why};
use crate::support::{Sshd, pinned, ssh};

const UNIT: &str = "[Service]\nExecStart=/bin/sh -c 'echo db is ${db/0.private_ip}; exec sleep 600'\n\
                    [Install]\nWantedBy=multi-user.target\n";

/// What a line of shell says there.
pub(super) async fn say(server: &Sshd, line: &str) -> String {
    let session = ssh(server, pinned(server)).connect(&server.target()).await.unwrap();
    session.exec(&Command::shell(line)).await.unwrap().stdout.text().trim().to_owned()
}

fn unit(text: &str) -> Service {
    Service::named("web").unit(Template::new(text).unwrap())
}

const STATE: &str = "systemctl is-enabled web; systemctl is-active web";
const PID: &str = "systemctl show -p MainPID --value web";

#[tokio::test]
async fn a_service_runs_is_enabled_and_is_restarted_for_changes_only() {
    let server = Sshd::with_systemd();
    let of =
        |conf: &str, text: &str| steps(&server, [File::text(path(&server, "conf"), conf)]).then(unit(text));
    assert_eq!(run(&server, &of("one", UNIT)).await, [Changed, Changed]);
    assert_eq!(say(&server, STATE).await, "enabled\nactive");
    assert_eq!(say(&server, "journalctl -q -o cat -u web --grep 'db is'").await, "db is 10.0.0.7");
    let first = say(&server, PID).await;
    assert_eq!(run(&server, &of("one", UNIT)).await, [Unchanged, Unchanged]);
    assert_eq!(say(&server, PID).await, first);

    assert_eq!(run(&server, &of("two", UNIT)).await, [Changed, Changed]);
    let second = say(&server, PID).await;
    assert_ne!(second, first);
    let other = UNIT.replace("db is", "the db is");
    assert_eq!(run(&server, &of("two", &other)).await, [Unchanged, Changed]);
    assert_ne!(say(&server, PID).await, second);

    // Somebody else's change of the unit, of which systemd has not heard.
    let third = say(&server, PID).await;
    say(&server, "sed -i 's/the db/a db/' /etc/systemd/system/web.service").await;
    assert_eq!(run(&server, &steps(&server, [Service::named("web")])).await, [Changed]);
    assert_ne!(say(&server, PID).await, third);
    say(&server, "systemctl disable --now web").await;
    assert_eq!(run(&server, &of("two", &other)).await, [Unchanged, Changed]);
    assert_eq!(say(&server, STATE).await, "enabled\nactive");
    assert_eq!(run(&server, &of("two", &other)).await, [Unchanged, Unchanged]);

    let off = steps(&server, [unit(&other).disabled().stopped()]);
    assert_eq!(run(&server, &off).await, [Changed]);
    assert_eq!(say(&server, STATE).await, "disabled\ninactive");
    assert_eq!(run(&server, &off).await, [Unchanged]);
}

#[tokio::test]
async fn what_does_not_start_says_its_last_words_and_is_undone() {
    let server = Sshd::with_systemd();
    let broken = "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'echo no database; exit 3'\n";
    let outcomes = run(&server, &steps(&server, [unit(broken).undone()])).await;
    assert!(why(&outcomes).contains("no database"), "{outcomes:?}");
    let outcomes = run(&server, &steps(&server, [unit("[Service\n").undone()])).await;
    assert!(why(&outcomes).contains("web.service"), "{outcomes:?}");
    // Running is not being up: this one ends after its start was a success.
    let short = "[Service]\nExecStart=/bin/sh -c 'exit 3'\n";
    let outcomes = run(&server, &steps(&server, [unit(short).undone()])).await;
    assert!(why(&outcomes).contains("web.service"), "{outcomes:?}");

    let works = steps(&server, [unit(UNIT).undone()]);
    assert_eq!(run(&server, &works).await, [Changed]);
    assert_eq!(undo(&server, &works).await, [Changed]);
    let left = "systemctl is-active web; ls /etc/systemd/system/*/web.service /etc/systemd/system/web.service 2>/dev/null; pgrep -xc sleep";
    assert_eq!(say(&server, left).await, "inactive\n0");
    assert_eq!(undo(&server, &works).await, [Unchanged]);
}

#[tokio::test]
async fn a_unit_without_an_install_part_is_not_enabled_and_one_that_is_missing_is_an_error() {
    let server = Sshd::with_systemd();
    let fixed = steps(&server, [unit("[Service]\nExecStart=sleep 600\n")]);
    assert_eq!(run(&server, &fixed).await, [Changed]);
    assert_eq!(run(&server, &fixed).await, [Unchanged]);
    let timer = "[Timer]\nOnCalendar=daily\n[Install]\nWantedBy=timers.target\n";
    let timer = steps(&server, [Service::named("web.timer").unit(Template::literal(timer))]);
    assert_eq!(run(&server, &timer).await, [Changed]);
    assert_eq!(run(&server, &timer).await, [Unchanged]);
    let outcomes = run(&server, &steps(&server, [Service::named("no-such")])).await;
    assert!(why(&outcomes).contains("no-such.service"), "{outcomes:?}");
}
