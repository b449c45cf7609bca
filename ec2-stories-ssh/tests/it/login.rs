//! Proof of who we are, and readiness.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ec2_stories_core::memory::MemoryCloud;
use ec2_stories_core::{ErrorKind, Result};
use ec2_stories_ssh::{Command, Connect, HostKeys, Identity, Readiness, Session, Ssh, Stream, Target, code};
use secrecy::SecretString;

use crate::support::sshd::{Sshd, keygen, text, until};
use crate::support::{pinned, refused, ssh};

async fn log_in(server: &Sshd, identities: impl IntoIterator<Item = Identity>) -> Result<Session> {
    let mut builder = Ssh::builder();
    for identity in identities {
        builder = builder.identity(identity);
    }
    let ssh = builder.user(server.user()).host_keys(pinned(server)).build().unwrap();
    ssh.connect(&server.target()).await
}

#[tokio::test]
async fn a_refused_key_is_said_and_is_permanent() {
    let server = Sshd::prepared("", |folder| keygen(&["-t", "ed25519", "-f", text(&folder.join("other"))]));
    let error = refused(log_in(&server, [Identity::key_file(server.path("other"))]).await);
    assert_eq!((error.api_code(), error.kind()), (Some(code::LOGIN_REFUSED), ErrorKind::Credentials));
    assert!(error.is_permanent());
    assert!(error.to_string().contains(text(&server.path("other"))), "{error}");
    log_in(&server, [Identity::key_file(server.path("other")), Identity::key_file(server.path("client"))])
        .await
        .unwrap();
}

#[tokio::test]
async fn keys_of_every_format_are_read() {
    let server = Sshd::prepared("", |folder| {
        for (name, arguments) in [
            ("pem", ["-t", "rsa", "-b", "2048", "-m", "PEM"]),
            ("pkcs8", ["-t", "rsa", "-b", "2048", "-m", "PKCS8"]),
            ("ecdsa", ["-t", "ecdsa", "-b", "256", "-m", "RFC4716"]),
        ] {
            let file = folder.join(name);
            keygen(&[&arguments[..], &["-f", text(&file)]].concat());
            let key = fs::read_to_string(folder.join(format!("{name}.pub"))).unwrap();
            let authorized = fs::read_to_string(folder.join("authorized")).unwrap();
            fs::write(folder.join("authorized"), authorized + &key).unwrap();
        }
    });
    for name in ["pem", "pkcs8", "ecdsa"] {
        log_in(&server, [Identity::key_file(server.path(name))])
            .await
            .unwrap_or_else(|error| panic!("{name}: {error:?}"));
    }
    let pem = fs::read_to_string(server.path("pem")).unwrap();
    log_in(&server, [Identity::key_text(pem.into())]).await.unwrap();
}

#[tokio::test]
async fn a_key_file_that_others_may_use_is_refused_before_it_is_shown() {
    let server = Sshd::start();
    let file = server.path("client");
    let set = |mode| fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
    for mode in [0o644, 0o640, 0o620] {
        set(mode);
        let error = refused(log_in(&server, [Identity::key_file(&file)]).await);
        assert_eq!((error.kind(), error.is_permanent()), (ErrorKind::Credentials, true));
        let said = error.to_string();
        assert!(said.contains(&format!("mode {mode:04o}")), "{said}");
        assert!(said.contains(&format!("chmod 600 '{}'", text(&file))), "{said}");
    }
    let log = fs::read_to_string(server.path("log")).unwrap();
    assert!(!log.contains("Accepted"), "{log}");
    set(0o400);
    log_in(&server, [Identity::key_file(&file)]).await.unwrap();
}

#[tokio::test]
async fn an_encrypted_key_needs_its_passphrase_which_is_shown_nowhere() {
    let server = Sshd::prepared("", |folder| {
        let mut encrypt = std::process::Command::new("ssh-keygen");
        encrypt.args(["-p", "-N", "hunter2", "-f", text(&folder.join("client"))]);
        assert!(encrypt.output().unwrap().status.success());
    });
    let key = Identity::key_file(server.path("client"));
    let error = refused(log_in(&server, [key.clone()]).await);
    assert!(error.to_string().contains("passphrase"), "{error}");
    let wrong = key.clone().passphrase(SecretString::from("hunter3"));
    assert!(!format!("{wrong:?} {:?}", refused(log_in(&server, [wrong.clone()]).await)).contains("hunter"));
    log_in(&server, [key.passphrase(SecretString::from("hunter2"))]).await.unwrap();
}

#[tokio::test]
async fn an_agents_keys_are_tried_and_its_absence_is_said() {
    let server = Sshd::start();
    let socket = server.path("agent");
    let mut agent = std::process::Command::new("ssh-agent");
    let mut agent =
        agent.args(["-D", "-a", text(&socket)]).stdout(std::process::Stdio::null()).spawn().unwrap();
    until("the agent listens", || socket.exists()).await;
    let empty = log_in(&server, [Identity::agent_at(&socket)]).await;
    let add = std::process::Command::new("ssh-add")
        .arg(server.path("client"))
        .env("SSH_AUTH_SOCK", &socket)
        .output();
    let full = log_in(&server, [Identity::agent_at(&socket)]).await;
    agent.kill().unwrap();
    agent.wait().unwrap();
    assert!(add.unwrap().status.success());
    assert_eq!(refused(empty).api_code(), Some(code::LOGIN_REFUSED));
    full.unwrap();
    let error = refused(log_in(&server, [Identity::agent_at(server.path("none"))]).await);
    assert!(error.to_string().contains("agent"), "{error}");
}

#[tokio::test]
async fn a_user_certificate_lets_in_a_key_that_is_listed_nowhere() {
    let server = Sshd::prepared("TrustedUserCAKeys {here}/ca.pub", |folder| {
        let user =
            String::from_utf8(std::process::Command::new("id").arg("-un").output().unwrap().stdout).unwrap();
        keygen(&["-t", "ed25519", "-f", text(&folder.join("ca"))]);
        let (ca, key) = (folder.join("ca"), folder.join("client.pub"));
        keygen(&["-s", text(&ca), "-I", "test", "-n", user.trim(), text(&key)]);
        fs::write(folder.join("authorized"), "").unwrap();
    });
    let key = Identity::key_file(server.path("client"));
    assert_eq!(refused(log_in(&server, [key.clone()]).await).api_code(), Some(code::LOGIN_REFUSED));
    log_in(&server, [key.certificate(server.path("client-cert.pub"))]).await.unwrap();
}

#[tokio::test]
async fn a_user_certificate_that_is_not_good_is_said() {
    let user =
        String::from_utf8(std::process::Command::new("id").arg("-un").output().unwrap().stdout).unwrap();
    let certified = |more: &'static [&'static str]| {
        Sshd::prepared("TrustedUserCAKeys {here}/ca.pub", |folder| {
            let (ca, key) = (folder.join("ca"), folder.join("client.pub"));
            keygen(&["-t", "ed25519", "-f", text(&ca)]);
            let own = ["-n", user.trim()];
            let names: &[&str] = if more.contains(&"-n") { &[] } else { &own };
            keygen(&[&["-s", text(&ca), "-I", "test"], names, more, &[text(&key)]].concat());
            fs::write(folder.join("authorized"), "").unwrap();
        })
    };
    for (more, said) in [
        (&["-V", "20200101:20200201"][..], "has expired"),
        (&["-V", "20990101:20990201"], "is not valid yet"),
        (&["-n", "somebody,else"], "is for somebody, else"),
        (&["-h"], "is a host's, not a user's"),
    ] {
        let server = certified(more);
        let file = server.path("client-cert.pub");
        let key = Identity::key_file(server.path("client")).certificate(&file);
        let error = refused(log_in(&server, [key]).await);
        assert_eq!((error.api_code(), error.is_permanent()), (Some(code::LOGIN_REFUSED), true));
        assert!(error.to_string().contains(&format!("the certificate {} {said}", text(&file))), "{error}");
    }
    let server = certified(&["-V", "always:forever"]);
    let key = Identity::key_file(server.path("client"));
    let other = server.path("authorized");
    let error = refused(log_in(&server, [key.certificate(&other)]).await);
    assert!(error.to_string().contains("is not an OpenSSH certificate"), "{error}");
}

#[tokio::test]
async fn an_agents_certificates_are_shown_too() {
    let server = Sshd::prepared("TrustedUserCAKeys {here}/ca.pub", |folder| {
        let user = std::process::Command::new("id").arg("-un").output().unwrap().stdout;
        let (ca, key) = (folder.join("ca"), folder.join("client.pub"));
        keygen(&["-t", "ed25519", "-f", text(&ca)]);
        let user = String::from_utf8(user).unwrap();
        keygen(&["-s", text(&ca), "-I", "test", "-n", user.trim(), text(&key)]);
        fs::write(folder.join("authorized"), "").unwrap();
    });
    let socket = server.path("agent");
    let mut agent = tokio::process::Command::new("ssh-agent");
    let agent = agent.args(["-D", "-a", text(&socket)]).stdout(std::process::Stdio::null());
    let mut agent = agent.kill_on_drop(true).spawn().unwrap();
    until("the agent listens", || socket.exists()).await;
    // It takes the certificate beside the key along.
    let mut add = std::process::Command::new("ssh-add");
    add.arg("-q").arg(server.path("client")).env("SSH_AUTH_SOCK", &socket);
    assert!(add.output().unwrap().status.success());
    log_in(&server, [Identity::agent_at(&socket)]).await.unwrap();
    agent.kill().await.unwrap();
}

#[derive(Debug)]
struct Refusing;

#[async_trait]
impl Connect for Refusing {
    async fn connect(&self, _: &str, _: u16) -> io::Result<Box<dyn Stream>> {
        Err(io::ErrorKind::ConnectionRefused.into())
    }
}

/// Accepts and stays silent, as a booting machine behind a proxy.
#[derive(Debug, Default)]
struct Silent(std::sync::Mutex<Vec<tokio::io::DuplexStream>>);

#[async_trait]
impl Connect for Silent {
    async fn connect(&self, _: &str, _: u16) -> io::Result<Box<dyn Stream>> {
        let (ours, theirs) = tokio::io::duplex(1024);
        self.0.lock().unwrap().push(theirs);
        Ok(Box::new(ours))
    }
}

/// Says its name and nothing more, as a machine that is out of memory.
#[derive(Debug, Default)]
struct Named(std::sync::Mutex<Vec<tokio::io::DuplexStream>>);

#[async_trait]
impl Connect for Named {
    async fn connect(&self, _: &str, _: u16) -> io::Result<Box<dyn Stream>> {
        let (ours, mut theirs) = tokio::io::duplex(64 * 1024);
        tokio::io::AsyncWriteExt::write_all(&mut theirs, b"SSH-2.0-OpenSSH_9.2\r\n").await?;
        self.0.lock().unwrap().push(theirs);
        Ok(Box::new(ours))
    }
}

async fn wait_for(connect: impl Connect + 'static) -> ec2_stories_core::Error {
    let ssh = Ssh::builder()
        .user("admin")
        .identity(Identity::agent())
        .host_keys(HostKeys::known_hosts("/none"))
        .connect_by(connect)
        .build()
        .unwrap();
    let readiness = Readiness::builder().cloud(Arc::new(MemoryCloud::new())).build().unwrap();
    refused(readiness.wait(&ssh, &Target::new("192.0.2.1", 22).instance("i-1").named("web/0")).await)
}

#[tokio::test(start_paused = true)]
async fn a_host_that_never_says_its_name_is_given_up_with_what_is_known() {
    let started = tokio::time::Instant::now();
    let error = wait_for(Refusing).await;
    assert!(started.elapsed() <= Duration::from_secs(301), "{:?}", started.elapsed());
    assert_eq!((error.kind(), error.is_temporary()), (ErrorKind::Timeout, true));
    let said = error.chain();
    for part in ["web/0", "not said its name within 300s", "never seen", "nobody listens"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let error = wait_for(Silent::default()).await;
    assert!(error.chain().contains("no answer within 10s"), "{}", error.chain());
}

#[tokio::test(start_paused = true)]
async fn a_host_that_says_its_name_alone_is_given_up_too() {
    let started = tokio::time::Instant::now();
    let error = wait_for(Named::default()).await;
    assert!(started.elapsed() <= Duration::from_secs(360), "{:?}", started.elapsed());
    assert_eq!((error.kind(), error.is_temporary()), (ErrorKind::Timeout, true));
    let said = error.chain();
    for part in ["web/0", "has not let us in within 300s", "never seen"] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[tokio::test]
async fn a_login_that_is_refused_again_and_again_is_final() {
    let server = Sshd::prepared("", |folder| fs::write(folder.join("authorized"), "").unwrap());
    let readiness = Readiness::builder().refusals(3).build().unwrap();
    let error = refused(readiness.wait(&ssh(&server, pinned(&server)), &server.target()).await);
    assert_eq!(error.api_code(), Some(code::LOGIN_REFUSED));
}

#[tokio::test]
async fn a_host_that_starts_late_becomes_ready() {
    let mut server = Sshd::start();
    server.kill_all();
    let ssh = ssh(&server, pinned(&server));
    let readiness = Readiness::builder().build().unwrap();
    let target = server.target();
    let (session, ()) = tokio::join!(readiness.wait(&ssh, &target), async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        server.restart();
    });
    assert!(session.unwrap().exec(&Command::new("true")).await.unwrap().exit.is_success());
}

/// A server whose host has this script for cloud-init.
fn booting(script: &str) -> Sshd {
    Sshd::prepared("SetEnv SHLVL=1 PATH={here}/bin:/usr/bin:/bin", |folder| {
        fs::create_dir(folder.join("bin")).unwrap();
        let file = folder.join("bin/cloud-init");
        fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
    })
}

async fn boot(server: &Sshd, limit: Duration) -> Result<Session> {
    let readiness = Readiness::builder().boot(limit).build().unwrap();
    readiness.wait(&ssh(server, pinned(server)), &server.target()).await
}

#[tokio::test]
async fn a_boot_that_fails_is_said_with_its_own_words_but_no_secrets() {
    let script = "[ \"$2\" = --long ] && echo 'status: error' && echo 'detail: disk' && echo 'password: hunter2'; exit 1";
    let error = refused(boot(&booting(script), Duration::from_secs(60)).await);
    assert_eq!(error.api_code(), Some(code::CLOUD_INIT_FAILED));
    assert!(error.to_string().contains("detail: disk"), "{error}");
    assert!(!error.to_string().contains("hunter2"), "{error}");
}

#[tokio::test]
async fn a_boot_is_waited_for_and_not_for_ever() {
    boot(&booting("[ \"$2\" = --wait ] && exit 0; exit 1"), Duration::from_secs(60)).await.unwrap();
    boot(&booting("exit 2"), Duration::from_secs(60)).await.unwrap();
    let error = refused(boot(&booting("sleep 1000"), Duration::from_secs(2)).await);
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(error.to_string().contains("cloud-init has not finished"), "{error}");
}

#[tokio::test]
async fn a_host_that_runs_no_commands_is_not_stormed() {
    let server = Sshd::with("MaxSessions 0");
    refused(boot(&server, Duration::from_secs(2)).await);
    let log = fs::read_to_string(server.path("log")).unwrap();
    let logins = log.matches("Accepted publickey").count();
    assert!((1..10).contains(&logins), "{logins} logins");
}
