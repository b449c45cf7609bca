//! Who gets in, and to what.

use ec2_stories_sim::SshdOptions;

use super::{Bench, succeeded};

#[tokio::test]
async fn each_instance_is_a_machine_of_its_own() {
    let bench = Bench::new().await;
    let (one, two) = (bench.launch("").await, bench.launch("").await);
    bench
        .say(
            &one,
            "echo mine >~/note; echo all >/opt/note 2>/dev/null; sudo sh -c 'echo host >/etc/note'; true",
        )
        .await;
    assert_eq!(bench.say(&one, "cat ~/note /etc/note").await, "mine\nhost");
    assert!(bench.say(&two, "ls ~ /etc/note 2>&1 || true").await.contains("No such file"));
    let hosts = [bench.say(&one, "hostname; hostname -s").await, bench.say(&two, "hostname").await];
    assert_ne!(hosts[0], hosts[1]);
    assert!(hosts[0].starts_with("ip-127-"), "{hosts:?}");
    assert!(!std::path::Path::new("/etc/note").exists(), "this machine's own files stay as they are");
}

#[tokio::test]
async fn the_key_pair_opens_every_usual_name_and_no_other_key_does() {
    let bench = Bench::new().await;
    let id = bench.launch("").await;
    for user in ["admin", "ubuntu", "ec2-user"] {
        assert_eq!(succeeded(bench.ssh(&id, user, "echo $USER; pwd").await), format!("{user}\n/home/{user}"));
    }
    let address = bench.up(&id).await;
    bench.keygen("other", "ed25519").await;
    let known = bench.path(&format!("known-{id}"));
    let refused = bench.client(&known, &bench.path("other"), &format!("admin@{address}"), "true").await;
    assert_eq!(refused.status.code(), Some(255));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("Permission denied (publickey)"));
    assert!(bench.console(&id).await.contains("Server listening on"), "sshd's log is on the console");
}

#[tokio::test]
async fn an_ordinary_user_gets_any_name_and_a_root_of_its_own() {
    let options = SshdOptions::builder().unprivileged(true).user("debian").build();
    let bench = Bench::with(options).await;
    let id = bench.launch("#!/bin/sh\necho boot >/etc/from-boot\n").await;
    assert_eq!(succeeded(bench.ssh(&id, "debian", "whoami; sudo -n id -u").await), "debian\n0");
    assert_eq!(
        succeeded(bench.ssh(&id, "debian", "cloud-init status --wait; cat /etc/from-boot").await),
        "status: done\nboot"
    );
    assert_eq!(
        succeeded(
            bench.ssh(&id, "debian", "sudo touch /etc/x && ls /etc/x; touch /usr/x 2>&1 | tail -c 22").await
        ),
        "/etc/x\nRead-only file system"
    );
    let tty = bench.ssh(&id, "debian", "script -qec tty /dev/null").await;
    assert!(succeeded(tty).contains("/dev/pts/"), "a terminal can be had");
}

#[tokio::test]
async fn files_are_copied_both_ways_and_ports_forwarded() {
    let bench = Bench::new().await;
    let (one, two) = (bench.launch("").await, bench.launch("").await);
    bench.say(&two, "true").await;
    let target = bench.up(&two).await;
    bench.say(&one, "true").await;
    let (gate, port) = (bench.up(&one).await, bench.sim.ssh_port());
    let mut scp = tokio::process::Command::new("scp");
    let known = [bench.path(&format!("known-{one}")), bench.path(&format!("known-{two}"))];
    scp.args([
        "-F",
        "none",
        "-o",
        "BatchMode=yes",
        "-o",
        "StrictHostKeyChecking=yes",
        "-i",
        &bench.path("id"),
    ]);
    scp.arg("-o").arg(format!("UserKnownHostsFile={} {}", known[0], known[1]));
    scp.arg("-o").arg(format!(
        "ProxyCommand=ssh -F none -o UserKnownHostsFile={} -i {} -p {port} -W %h:%p admin@{gate}",
        known[0],
        bench.path("id")
    ));
    scp.args(["-P", &port.to_string(), &bench.path("id.pub"), &format!("admin@{target}:copied")]);
    succeeded(scp.output().await.unwrap());
    let copied = bench.say(&two, "cat copied").await;
    assert_eq!(copied, std::fs::read_to_string(bench.path("id.pub")).unwrap().trim_end());
}

#[tokio::test]
async fn certificates_of_an_authority_go_both_ways() {
    let folder = tempfile::tempdir().unwrap();
    let authority = folder.path().join("ca");
    let mut keygen = tokio::process::Command::new("ssh-keygen");
    keygen.args(["-q", "-N", "", "-t", "ed25519", "-f"]).arg(&authority);
    succeeded(keygen.output().await.unwrap());
    let public = std::fs::read_to_string(folder.path().join("ca.pub")).unwrap();
    let options =
        SshdOptions::builder().user_authorities([public.clone()]).host_authority(authority.clone()).build();
    let bench = Bench::with(options).await;
    let id = bench.launch("").await;
    let address = bench.up(&id).await;
    bench.keygen("visitor", "ed25519").await;
    let mut sign = tokio::process::Command::new("ssh-keygen");
    sign.args(["-q", "-I", "visitor", "-n", "admin", "-s"]).arg(&authority).arg(bench.path("visitor.pub"));
    succeeded(sign.output().await.unwrap());
    let known = bench.path("authorities");
    std::fs::write(&known, format!("@cert-authority * {public}")).unwrap();
    let to = format!("admin@{address}");
    assert_eq!(succeeded(bench.client(&known, &bench.path("visitor"), &to, "whoami").await), "admin");
}
