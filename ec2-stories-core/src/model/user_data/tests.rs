use serde_json::{Value, json};

use super::*;
use crate::attributes::Attributes;
use crate::model::Name;

const NASTY: &str = "it's \"quoted\": {a: 1}\n  - ${HOME} # é\n";

fn render(data: impl Into<UserData>) -> String {
    let (shop, web) = (Name::new("shop").unwrap(), Name::new("web").unwrap());
    let mut attributes = Attributes::new();
    attributes.set(&"db/0".parse().unwrap(), "private_ip", NASTY);
    let scope = Scope { deployment: &shop, fleet: &web, node: None, attributes: &attributes };
    String::from_utf8(data.into().render(&scope).unwrap()).unwrap()
}

fn read(text: &str) -> Value {
    assert!(text.starts_with("#cloud-config\n"), "{text}");
    serde_saphyr::from_str(text).unwrap()
}

fn template(text: &str) -> Template {
    Template::new(text).unwrap()
}

#[test]
fn a_value_with_quotes_and_line_ends_stays_one_value() {
    let config = CloudConfig::new()
        .file("/etc/shop.toml", template("db = ${db/0.private_ip}$${x}"))
        .set("any", json!({ "deep": ["${db/0.private_ip}", "${fleet}"] }))
        .unwrap();
    let found = read(&render(config));
    assert_eq!(found["write_files"][0]["content"], format!("db = {NASTY}${{x}}"));
    assert_eq!(found["any"]["deep"], json!([NASTY, "web"]));
}

#[test]
fn what_yaml_takes_for_something_else_stays_text() {
    let words =
        ["yes", "off", "0644", "1:30", "null", "~", "1e3", "2026-01-01", "", " a", "a: b", "#", "é", "- x"];
    let config =
        CloudConfig::new().run(words).write_file(WriteFile::bytes("/x", &[0, 255]).mode(0o600).owner("a:b"));
    let text = render(config);
    let found = read(&text);
    assert_eq!(found["runcmd"][0], json!(words));
    let file =
        json!({ "content": "AP8=", "encoding": "b64", "owner": "a:b", "path": "/x", "permissions": "0600" });
    assert_eq!(found["write_files"][0], file);
    // Readers of YAML 1.1, as cloud-init's is, must not see numbers and booleans either.
    for word in ["yes", "0644", "1:30", "2026-01-01"] {
        assert!(
            text.contains(&format!("'{word}'")) || text.contains(&format!("\"{word}\"")),
            "{word} in {text}"
        );
    }
}

#[test]
fn the_image_keeps_its_own_user_beside_new_ones() {
    let user = User::new("deploy").authorized_key("ssh-ed25519 AAAA").group("adm").sudo().shell("/bin/sh");
    let found = read(&render(CloudConfig::new().user(user).user(User::new("other"))));
    assert_eq!(found["users"][0], "default");
    assert_eq!(found["users"][1]["groups"], json!(["adm"]));
    assert_eq!(found["users"][2]["name"], "other");
}

#[test]
fn known_keys_are_cloud_inits() {
    let config = CloudConfig::new()
        .packages(["nginx"])
        .packages(["curl"])
        .hostname("web")
        .timezone("Europe/Berlin")
        .authorized_key("ssh-ed25519 AAAA")
        .apt_source("shop", "deb http://deb.example.org stable main", Some("-----BEGIN PGP"))
        .run_shell(template("echo $${HOME} > /tmp/x"));
    let expected = json!({
        "packages": ["nginx", "curl"], "package_update": true, "hostname": "web", "timezone": "Europe/Berlin",
        "ssh_authorized_keys": ["ssh-ed25519 AAAA"], "runcmd": ["echo ${HOME} > /tmp/x"],
        "apt": { "sources": { "shop": { "source": "deb http://deb.example.org stable main", "key": "-----BEGIN PGP" } } },
    });
    assert_eq!(read(&render(config)), expected);
}

#[test]
fn several_parts_are_one_message_with_equal_bytes_each_time() {
    let parts = || {
        let script = ShellScript::new(template("echo ${db/0.private_ip}"));
        let hook = template("#cloud-boothook\n#!/bin/sh\n");
        UserData::parts([CloudConfig::new().hostname("web").into(), script.into(), hook.into()])
    };
    let message = render(parts());
    assert_eq!(message, render(parts()));
    let boundary = message.split('"').nth(1).unwrap();
    assert_eq!(message.matches(&format!("\n--{boundary}\n")).count(), 3);
    assert!(message.ends_with(&format!("\n--{boundary}--\n")));
    for line in ["text/cloud-config", "text/x-shellscript", "text/cloud-boothook"] {
        assert!(message.contains(&format!("Content-Type: {line}; charset=\"utf-8\"\n")), "{message}");
    }
    assert!(message.is_ascii() && message.contains("Content-Transfer-Encoding: base64\n"), "{message}");
}

#[test]
fn a_script_without_an_interpreter_gets_a_shell() {
    assert_eq!(render(ShellScript::new(template("true\n"))), "#!/bin/sh\ntrue\n");
    assert_eq!(render(ShellScript::new(template("#!/usr/bin/perl\n1"))), "#!/usr/bin/perl\n1");
}

#[test]
fn what_is_written_is_read_back() {
    let config = CloudConfig::new().packages(["nginx"]).file("/x", template("${db/0.private_ip}"));
    let all = [
        UserData::new(Template::literal("${x}")),
        config.clone().into(),
        UserData::from(ShellScript::new(template("true"))).gzip(),
        UserData::parts([config.into(), template("#!/bin/sh").into()]),
    ];
    for data in all {
        let text = toml::to_string(&data).unwrap();
        assert_eq!(toml::from_str::<UserData>(&text).unwrap(), data, "{text}");
    }
}

#[test]
fn a_description_is_one_form_and_its_templates_are_read() {
    let wrong = |value: Value| serde_json::from_value::<UserData>(value).unwrap_err().to_string();
    assert!(wrong(json!({ "text": "a", "script": "b" })).contains("one of text, script"));
    assert!(wrong(json!({})).contains("one of text, script"));
    let error = wrong(json!({ "cloud_config": { "runcmd": ["ok", "echo ${HOME}"] } }));
    assert!(error.contains("runcmd[1]") && error.contains("${HOME}"), "{error}");
}

#[test]
fn secrets_are_refused_by_name_and_flags_are_not_secrets() {
    let field = |config: Value| {
        let data: UserData = serde_json::from_value(json!({ "cloud_config": config })).unwrap();
        data.check("data").err().map(|error| error.resource().unwrap().to_owned())
    };
    assert_eq!(field(json!({ "password": "x" })).as_deref(), Some("data.password"));
    assert_eq!(
        field(json!({ "users": [{ "name": "a", "passwd": "$6$" }] })).as_deref(),
        Some("data.users[0].passwd")
    );
    assert_eq!(field(json!({ "chpasswd": { "list": ["a:b"] } })).as_deref(), Some("data.chpasswd"));
    assert_eq!(field(json!({ "ssh_keys": { "rsa_private": "x" } })).as_deref(), Some("data.ssh_keys"));
    assert_eq!(
        field(json!({ "puppet": { "admin_password": 1234 } })).as_deref(),
        Some("data.puppet.admin_password")
    );
    let key = json!({ "write_files": [{ "path": "/k", "content": "-----BEGIN RSA PRIVATE KEY-----\n" }] });
    assert_eq!(field(key).as_deref(), Some("data.write_files[0].content"));
    assert_eq!(field(json!({ "chpasswd": { "expire": false }, "users": [{ "lock_passwd": true }] })), None);
    let script = ShellScript::new(template("cat > k <<E\n-----BEGIN OPENSSH PRIVATE KEY-----"));
    assert!(UserData::from(script).check("data").is_err());
}

#[test]
fn a_part_of_a_message_says_what_it_is() {
    let data = UserData::parts([template("#!/bin/sh").into(), template("echo").into()]);
    assert_eq!(data.check("data").unwrap_err().resource(), Some("data.parts[1]"));
    assert!(UserData::new(template("echo")).check("data").is_ok());
    assert!(UserData::parts([]).check("data").is_err());
    assert!(UserData::from(CloudConfig::new().run_shell(template("${index}"))).check("data").is_err());
}

#[test]
fn keys_that_cloud_init_does_not_know_are_noticed_in_every_form() {
    let typed = CloudConfig::new().packages(["nginx"]).set("pakages", ["curl"]).unwrap();
    let text = template("#cloud-config\n# mine\nrun_cmd:\n- a: [1]\ntimezone: UTC\n");
    let data = UserData::parts([typed.into(), text.into(), template("#!/bin/sh\npakages: 1").into()]);
    let doubts = data.doubts();
    assert_eq!(doubts.len(), 2, "{doubts:?}");
    assert!(doubts[0].contains("\"pakages\"") && doubts[0].contains("\"packages\""), "{doubts:?}");
    assert!(doubts[1].contains("\"run_cmd\"") && doubts[1].contains("\"runcmd\""), "{doubts:?}");
    assert!(UserData::new(template("#cloud-config\n")).doubts().is_empty());
    let broken = UserData::new(template("#cloud-config\npackages: [nginx\n")).doubts();
    assert!(broken[0].contains("cannot read"), "{broken:?}");
}
