//! Host keys in user data, over restarts.

use std::fs;
use std::path::Path;

use ec2_stories_core::memory::{Fault, Operation};
use ec2_stories_core::model::{HostKeys, KeyPairSpec, LoginSpec};
use ec2_stories_core::{Deployment, ErrorKind, Fleet};

use super::world::{World, debian};

fn web(key: &Path) -> Fleet {
    let host_keys = Some(HostKeys::Injected(key.to_owned()));
    debian("web", 1).login(LoginSpec { host_keys, ..LoginSpec::default() }).build().unwrap()
}

fn set_mode(file: &Path, mode: u32) {
    fs::set_permissions(file, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_plan_says_which_private_keys_cannot_be_used() {
    let (world, folder) = (World::new(), tempfile::tempdir().unwrap());
    let [host, login] = ["host-key", "id"].map(|name| folder.path().join(name));
    let made = KeyPairSpec::Generated(folder.path().join("made"));
    let said = || LoginSpec {
        host_keys: Some(HostKeys::Injected(host.clone())),
        private_key: Some(login.clone()),
        ..LoginSpec::default()
    };
    // The last one logs in with what is made for the second.
    let last = LoginSpec { private_key: Some(folder.path().join("made")), ..LoginSpec::default() };
    let shop = world.shop([
        debian("web", 1).login(said()).build().unwrap(),
        debian("db", 1).key(made).build().unwrap(),
        debian("last", 1).login(last).build().unwrap(),
    ]);
    let findings = async || {
        let plan = shop.plan().await.unwrap();
        assert_eq!(plan.is_sound(), plan.findings().is_empty(), "{plan}");
        plan.findings().iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let [missing] = &findings().await[..] else { panic!("the login's alone") };
    assert!(missing.contains("fleet.web.login.private_key") && missing.contains("No such file"), "{missing}");
    fs::write(&login, "key").unwrap();
    set_mode(&login, 0o600);
    assert!(findings().await.is_empty());

    let running = shop.start().await.unwrap();
    running.ready().await.unwrap();
    running.terminate().await.unwrap().assert_clean();
    fs::write(folder.path().join("made"), "key").unwrap();
    let files = [
        (login.clone(), "fleet.web.login.private_key"),
        (host.clone(), "fleet.web.login.host_keys.injected"),
        (folder.path().join("made"), "fleet.db.key.generated"),
    ];
    for (file, field) in &files {
        set_mode(file, 0o644);
        let found = findings().await;
        let told = format!("(mode 0644): run chmod 600 '{}'", file.display());
        assert!(found.iter().any(|found| found.contains(field) && found.contains(&told)), "{found:?}");
        assert_eq!(shop.start().await.unwrap_err().kind(), ErrorKind::Invalid);
        set_mode(file, 0o600);
    }
    fs::write(&host, "no key").unwrap();
    let found = findings().await;
    assert!(found.iter().any(|found| found.contains("the host key cannot be used")), "{found:?}");
    assert!(world.cloud.leaks().is_empty());

    let nowhere = world.shop([web(&folder.path().join("none/key"))]);
    let plan = nowhere.plan().await.unwrap();
    assert_eq!(plan.findings()[0].field, "fleet.web.login.host_keys.injected", "{plan}");
}

/// A start whose process dies before the cloud hears of the launch that it has written down.
async fn dies_at_the_launch(world: &World, shop: &Deployment) {
    world.cloud.fail(Operation::Launch, Fault::StallBefore);
    let running = shop.start().await.unwrap();
    world.cloud.script().stalled().await;
    running.kill().await;
}

#[tokio::test(start_paused = true)]
async fn a_launch_is_replayed_with_the_key_that_it_was_written_down_with() {
    let (world, folder) = (World::new(), tempfile::tempdir().unwrap());
    let key = folder.path().join("host-key");
    let shop = world.shop([web(&key)]);
    dies_at_the_launch(&world, &shop).await;
    let made = fs::read(&key).unwrap();
    let running = shop.start().await.unwrap();
    running.ready().await.unwrap();
    assert_eq!(fs::read(&key).unwrap(), made);
    running.terminate().await.unwrap().assert_clean();
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_lost_or_another_one_is_said_and_nothing_is_launched() {
    for lost in [true, false] {
        let (world, folder) = (World::new(), tempfile::tempdir().unwrap());
        let key = folder.path().join("host-key");
        let shop = world.shop([web(&key)]);
        dies_at_the_launch(&world, &shop).await;
        let made = fs::read(&key).unwrap();
        fs::remove_file(&key).unwrap();
        if !lost {
            let other = World::new();
            let running = other.shop([web(&key)]).start().await.unwrap();
            running.ready().await.unwrap();
            running.terminate().await.unwrap().assert_clean();
            assert_ne!(fs::read(&key).unwrap(), made);
        }
        let running = shop.start().await.unwrap();
        let error = running.ready().await.unwrap_err();
        let said = error.chain();
        assert!(said.contains(key.to_str().unwrap()), "{said}");
        assert!(lost || said.contains("put the old one back"), "{said}");
        assert_ne!(error.kind(), ErrorKind::Timeout);
        assert!(world.cloud.instances().is_empty(), "{said}");
        running.terminate().await.unwrap().assert_clean();
        world.assert_nothing_is_left();
    }
}
