//! What the first boot makes of user data.

use super::{Bench, succeeded};

/// Asks for a token, then for the instance's id, with nothing but bash.
const ASK: &str = r#"place=${AWS_EC2_METADATA_SERVICE_ENDPOINT#http://}
ask() { exec 3<>/dev/tcp/${place%:*}/${place#*:}; printf '%s\r\nHost: x\r\nConnection: close\r\n\r\n' "$1" >&3; tail -n 1 <&3; }
token=$(ask $'PUT /latest/api/token HTTP/1.1\r\nX-aws-ec2-metadata-token-ttl-seconds: 60')
ask $'GET /latest/meta-data/instance-id HTTP/1.1\r\nX-aws-ec2-metadata-token: '"$token""#;

#[tokio::test]
async fn cloud_config_is_carried_out_before_and_beside_the_login() {
    let bench = Bench::new().await;
    let visitor = bench.keygen("ada", "ed25519").await;
    let config = format!(
        "#cloud-config\nhostname: web-1\nwrite_files:\n- path: /etc/shop/shop.toml\n  content: |\n    db = \"10.0.0.1\"\n  \
         permissions: '0600'\nruncmd:\n- sleep 0.3; echo $0 >/etc/ran\n- [touch, /etc/a b]\nusers:\n- default\n- name: ada\n  \
         ssh_authorized_keys: ['{}']\npackages: [tree]\n",
        visitor.trim()
    );
    let id = bench.launch(&config).await;
    let seen = "hostname; sudo cat /etc/shop/shop.toml; sudo stat -c %a /etc/shop/shop.toml; cloud-init status --wait; ls '/etc/a b' /etc/ran";
    let expected = "web-1\ndb = \"10.0.0.1\"\n600\nstatus: done\n/etc/a b\n/etc/ran";
    assert_eq!(bench.say(&id, seen).await, expected);
    let address = bench.up(&id).await;
    let known = bench.path(&format!("known-{id}"));
    assert_eq!(
        succeeded(bench.client(&known, &bench.path("ada"), &format!("ada@{address}"), "echo $USER").await),
        "ada"
    );
    let console = bench.console(&id).await;
    assert!(console.contains("cloud-config: packages is ignored by this host"), "{console}");
}

#[tokio::test]
async fn an_injected_host_key_is_the_only_one() {
    let bench = Bench::new().await;
    let public = bench.keygen("injected", "ed25519").await;
    let private = std::fs::read_to_string(bench.path("injected")).unwrap();
    let indented: String = private.lines().map(|line| format!("    {line}\n")).collect();
    let config =
        format!("#cloud-config\nssh_keys:\n  ed25519_private: |\n{indented}  ed25519_public: {public}");
    let id = bench.launch(&config).await;
    let address = bench.up(&id).await;
    let known = bench.path("known");
    std::fs::write(&known, format!("[{address}]:{} {public}", bench.sim.ssh_port())).unwrap();
    let to = format!("admin@{address}");
    let keys = bench.client(&known, &bench.path("id"), &to, "cd /etc/ssh; ls ssh_host_*").await;
    assert_eq!(succeeded(keys), "ssh_host_ed25519_key\nssh_host_ed25519_key.pub");
    assert!(!bench.console(&id).await.contains("PRIVATE KEY"));
}

#[tokio::test]
async fn a_script_that_fails_is_an_error_of_the_boot() {
    let bench = Bench::new().await;
    let id = bench.launch("#!/bin/sh\necho to the console\nexit 3\n").await;
    let status = bench.ssh(&id, "admin", "cloud-init status --wait").await;
    assert_eq!(status.status.code(), Some(1));
    assert_eq!(String::from_utf8_lossy(&status.stdout), "status: error\n");
    let console = bench.console(&id).await;
    assert!(console.contains("to the console\n") && console.contains("part-001 failed"), "{console}");
}

#[tokio::test]
async fn host_keys_can_be_replaced_on_the_host() {
    let bench = Bench::new().await;
    let id = bench.launch("").await;
    let new = "sudo sh -c 'cd /etc/ssh && rm ssh_host_ed25519_key* && ssh-keygen -q -N \"\" -t ed25519 -f ssh_host_ed25519_key && \
               kill -HUP $(cat /run/sshd.pid)'; cat /etc/ssh/ssh_host_ed25519_key.pub";
    let public = bench.say(&id, new).await;
    let address = bench.up(&id).await;
    let known = bench.path("known-new");
    std::fs::write(&known, format!("[{address}]:{} {public}", bench.sim.ssh_port())).unwrap();
    let whoami =
        async || bench.client(&known, &bench.path("id"), &format!("admin@{address}"), "whoami").await;
    let again = async {
        // The server is away for a moment while it starts itself anew.
        while !whoami().await.status.success() {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(super::PATIENCE, again).await.expect("in time");
}

#[tokio::test]
async fn programs_find_the_metadata_of_their_own_instance() {
    let bench = Bench::new().await;
    let script = "#!/bin/sh\necho $AWS_EC2_METADATA_SERVICE_ENDPOINT >/etc/seen-at-boot\n";
    let (id, other) = (bench.launch(script).await, bench.launch("").await);
    let seen =
        "cloud-init status --wait >/dev/null; cat /etc/seen-at-boot; echo $AWS_EC2_METADATA_SERVICE_ENDPOINT";
    let said = bench.say(&id, seen).await;
    let urls: Vec<&str> = said.lines().collect();
    assert_eq!((urls.len(), urls[0]), (2, urls[1]));
    for id in [id, other] {
        assert_eq!(bench.say(&id, ASK).await.lines().last(), Some(&*id));
    }
}
