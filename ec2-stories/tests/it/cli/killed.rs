//! A node that is a real OpenSSH server, by the command line alone: killed, replaced, customized again, and it answers.

use std::path::Path;

use tokio::process::Command;

use super::sim::serve;
use super::{Ended, Started, ec2_stories};

const STORY: &str = r#"
name = "shop"

[[fleet]]
name = "web"
nodes = 2
image = { public = "debian-12" }
key = { generated = "web.pem" }
login = { port = PORT, host_keys = { injected = "web-host" } }
steps = [{ file = { path = "/srv/hello", text = "hello from ${fleet}/${index}\n" } }]
probe = { command = ["test", "-s", "/srv/hello"] }

[fleet.health]
startup_timeout = "3s"
period = "1s"
timeout = "900ms"
dead_after = "3s"
back_off = { first = "500ms" }
"#;

/// `ec2-stories COMMAND shop.toml …` on the cloud at this address.
fn on(folder: &Path, cloud: &str, command: &str, more: &[&str]) -> Command {
    let mut process = ec2_stories(folder);
    process.arg(command).arg("shop.toml").args(more);
    process.env("AWS_ENDPOINT_URL", cloud).env("AWS_REGION", "us-east-1");
    process.env("AWS_ACCESS_KEY_ID", ec2_stories::sim::ACCESS_KEY_ID).env("AWS_SECRET_ACCESS_KEY", "secret");
    process
}

/// The process that listens there, as `ss` (iproute2) shows it. At the address alone the simulation does, too: for metadata.
async fn listener(address: &str) -> String {
    let mut ss = Command::new("ss");
    ss.args(["-Hltnp", "src", address]);
    let said = Ended::of(ss).await.expect(0).stdout;
    let pid = said.split("pid=").nth(1).unwrap_or_else(|| panic!("nobody listens at {address}: {said}"));
    pid.split(',').next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_sshd_is_replaced_customized_again_and_answers() {
    let folder = tempfile::tempdir().unwrap();
    // Its machines boot and end within two seconds.
    let (mut sim, url) = serve(&["--hosts", "sshd", "--time-scale", "20"], folder.path()).await;
    let line = sim.line(|_| true).await;
    let port = line.strip_prefix("instances take SSH on port ").expect("the second line says which");
    std::fs::write(folder.path().join("shop.toml"), STORY.replace("PORT", port)).unwrap();
    let of = |command, more: &[&str]| Ended::of(on(folder.path(), &url, command, more));

    let mut start = Started::spawn(on(folder.path(), &url, "start", &["--json"]));
    start.ready().await;
    let node = async || {
        let status = of("status", &["--json"]).await.expect(0).json();
        status["nodes"][0].clone()
    };
    let before = node().await;
    let address = before["instance"]["private_ip"].as_str().unwrap();
    let pid = listener(&format!("{address}:{port}")).await;
    let killed = Command::new("kill").args(["-KILL", &pid]).status().await.unwrap();
    assert!(killed.success());

    start.line(|line| line.contains("\"dead\"") && line.contains("web/0")).await;
    start.line(|line| line.contains("\"step\"") && line.contains("\"web/0\"")).await;
    start.line(|line| line.contains("\"live\"") && line.contains("web/0")).await;
    let after = node().await;
    assert_eq!(after["generation"], 2, "{after}");
    assert_ne!(after["instance"]["id"], before["instance"]["id"], "{after}");
    let ended = of("run", &["web/0", "--", "cat", "/srv/hello"]).await.expect(0);
    assert_eq!(ended.stdout, "web/0: hello from web/0\n");
    of("ping", &["--deep"]).await.expect(0);

    start.signal("INT");
    start.end().await.expect(0);
    sim.signal("TERM");
    sim.end().await.expect(0);
}
