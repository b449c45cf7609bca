//! What user data can hold, shown to the real cloud-init. For root, on Linux.

use std::collections::BTreeSet;
use std::time::Duration;

use ec2_stories::attributes::Scope;
use ec2_stories::model::{HostKeys, LoginSpec, User, WriteFile};
use ec2_stories::prelude::*;
use ec2_stories::sim::Hosts;
use ec2_stories::ssh::step::Nodes;
use serde_json::Value;

use crate::customized::Inside;

/// A machine boots with all of cloud-init's stages.
const PATIENCE: Duration = Duration::from_secs(120);
const SCHEMA: &str = "/usr/lib/python3/dist-packages/cloudinit/config/schemas/schema-cloud-config-v1.json";

/// Every field that there is.
fn everything() -> CloudConfig {
    let text = |text: &str| Template::literal(text);
    let late = WriteFile::new("/etc/a", text("a: \"b\"\n")).mode(0o640).owner("root:root").append().late();
    let user = User::new("deploy").authorized_key("ssh-ed25519 AAAA deploy").group("adm").group("sudo");
    let key = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAAAA\n-----END PGP PUBLIC KEY BLOCK-----\n";
    CloudConfig::new()
        .packages(["tree", "curl"])
        .file("/etc/b", text("b\n"))
        .write_file(late)
        .write_file(WriteFile::bytes("/etc/c", &[0, 255]))
        .run(["echo", "yes", "0644"])
        .run_shell(text("echo é"))
        .user(user.shell("/bin/sh").sudo())
        .user(User::new("other"))
        .authorized_key("ssh-ed25519 AAAA somebody")
        .hostname("web")
        .timezone("Europe/Berlin")
        .apt_source("shop", "deb http://deb.example.org stable main", Some(key))
        .apt_source("more", "deb http://deb.example.org testing main", None)
}

fn rendered(config: CloudConfig) -> Vec<u8> {
    let name = Name::new("shop").unwrap();
    let attributes = Attributes::new();
    let scope = Scope { deployment: &name, fleet: &name, node: None, attributes: &attributes };
    UserData::from(config).render(&scope).unwrap()
}

/// The keys that a schema says a cloud-config can have.
fn keys(schema: &Value) -> BTreeSet<&str> {
    let refers = schema["allOf"].as_array().unwrap().iter().map(|part| part["$ref"].as_str().unwrap());
    let parts = refers.map(|name| &schema["$defs"][name.rsplit('/').next().unwrap()]);
    parts.flat_map(|part| part["properties"].as_object().unwrap().keys()).map(String::as_str).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn cloud_init_knows_what_is_rendered_and_what_plans_take_for_known() {
    let hosts = Hosts::namespace().await.unwrap_or_else(|error| panic!("{error:?}"));
    let sim = Sim::builder().latency(Latencies::none()).hosts(hosts).build();
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(MemoryStore::new());
    let nodes = Nodes::new().remembered_in(store.clone()).connect_by(Inside(sim.vpc().unwrap()));
    let wrong = CloudConfig::new().set("users", 7).unwrap();
    let config = CloudConfig::new()
        .write_file(WriteFile::bytes("/srv/everything", &rendered(everything())))
        .write_file(WriteFile::bytes("/srv/wrong", &rendered(wrong)));
    let check = "cloud-init schema --config-file";
    // The last is all parts as cloud-init joined them: the described one, and that of the host key.
    let lines = [
        "cloud-init status --wait >/srv/status".to_owned(),
        format!("! {check} /srv/wrong"),
        format!("{check} /srv/everything"),
        format!("{check} /var/lib/cloud/instance/cloud-config.txt >/srv/joined"),
        "grep -q '^ssh_keys:' /var/lib/cloud/instance/cloud-config.txt".to_owned(),
        "test -s /run/ec2-stories-expiry/watch".to_owned(),
        format!("cp {SCHEMA} /srv/schema"),
    ];
    let steps = lines.iter().map(|line| Run::shell(Template::literal(line)));
    let login =
        LoginSpec { host_keys: Some(HostKeys::Injected(folder.path().join("host"))), ..LoginSpec::default() };
    let web = Fleet::builder()
        .name("web")
        .nodes(1)
        .image(Image::public("debian-12"))
        .key(KeyPairSpec::Generated(folder.path().join("id")))
        .login(login)
        .user_data(config)
        .customize(Steps::new(steps).over(nodes))
        .build()
        .unwrap();
    let ec2 = Ec2::from_config(&sim.sdk_config());
    let shop = Deployment::builder().name("shop").cloud(ec2).journal(store).clock(sim.clock()).fleet(web);
    let running = shop.build().unwrap().start().await.unwrap();
    let ready = tokio::time::timeout(PATIENCE, running.ready()).await.expect("in time");
    ready.unwrap_or_else(|error| panic!("{error:?}"));
    let instance = running.nodes().remove(0).instance.unwrap().id;
    let written = sim.host(instance.as_str()).unwrap().folder.join("upper/srv");
    let read = |name: &str| std::fs::read_to_string(written.join(name)).unwrap();
    assert!(read("status").contains("status: done"), "{}", read("status"));
    assert!(read("joined").contains("Valid cloud-config"), "{}", read("joined"));
    let schema: Value = serde_json::from_str(&read("schema")).unwrap();
    assert_eq!(CloudConfig::KEYS.iter().copied().collect::<BTreeSet<_>>(), keys(&schema));
    running.terminate().await.unwrap().assert_clean();
    sim.assert_clean();
}
