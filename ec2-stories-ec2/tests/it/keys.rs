//! Key pairs.

use ec2_stories_core::ErrorKind;
use ec2_stories_core::model::KeyPairSpec;
use ec2_stories_core::provider::KeyPairs;
use ec2_stories_sim::Fault;

use crate::support::{World, name};

const PUBLIC: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILuIvnBgnOpKaE0Fw5gCC3uEmIy7VSYPkhaymwsNRi+A test";

#[tokio::test(start_paused = true)]
async fn a_generated_key_is_made_once_and_its_file_serves_the_next_run_too() {
    let world = World::new().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("web.pem");
    let spec = KeyPairSpec::Generated(path.clone());
    let pair = world.ec2.ensure_key(&name("shop"), &name("web"), &spec).await.unwrap();
    let pem = std::fs::read_to_string(&path).unwrap();
    assert!(pem.starts_with("-----BEGIN OPENSSH PRIVATE KEY-----"), "ED25519 keys come in this format");
    assert_eq!(world.ec2.ensure_key(&name("shop"), &name("web"), &spec).await.unwrap(), pair);
    assert_eq!(world.sim.calls().count("CreateKeyPair"), 1);
    assert_eq!(world.ec2.remove_keys(&name("shop")).await.unwrap(), [pair.name]);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), pem);
    let again = world.ec2.ensure_key(&name("shop"), &name("web"), &spec).await.unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), pem, "the next run uses the key again");
    assert_eq!(world.sim.calls().count("ImportKeyPair"), 1);
    assert_eq!(world.ec2.ensure_key(&name("shop"), &name("web"), &spec).await.unwrap(), again);
    assert_eq!(world.ec2.remove_keys(&name("shop")).await.unwrap(), [again.name]);
    world.sim.assert_clean();
}

#[tokio::test(start_paused = true)]
async fn a_key_whose_private_half_was_lost_is_made_again() {
    let world = World::new().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("web.pem");
    let spec = KeyPairSpec::Generated(path.clone());
    world.sim.faults().nth("CreateKeyPair", 1, Fault::ReplyLostAfter);
    world.ec2.ensure_key(&name("shop"), &name("web"), &spec).await.unwrap();
    std::fs::remove_file(&path).unwrap();
    world.ec2.ensure_key(&name("shop"), &name("web"), &spec).await.unwrap();
    assert!(path.exists());
    assert_eq!(world.ec2.remove_keys(&name("shop")).await.unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_file_of_another_pair_is_a_conflict() {
    let world = World::new().await;
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (folder.path().join("one.pem"), folder.path().join("two.pem"));
    let ensure = async |fleet: &str, path: &std::path::Path| {
        world.ec2.ensure_key(&name("shop"), &name(fleet), &KeyPairSpec::Generated(path.to_owned())).await
    };
    ensure("one", &one).await.unwrap();
    ensure("two", &two).await.unwrap();
    assert_eq!(ensure("one", &two).await.unwrap_err().kind(), ErrorKind::Conflict);
}

#[tokio::test(start_paused = true)]
async fn names_that_run_together_are_two_pairs() {
    let world = World::new().await;
    let folder = tempfile::tempdir().unwrap();
    let ensure = async |deployment: &str, fleet: &str| {
        let spec = KeyPairSpec::Generated(folder.path().join(deployment));
        world.ec2.ensure_key(&name(deployment), &name(fleet), &spec).await.unwrap().name
    };
    assert_ne!(ensure("shop-eu", "web").await, ensure("shop", "eu-web").await);
    let public = KeyPairSpec::PublicKey(PUBLIC.to_owned());
    let one = world.ec2.ensure_key(&name("shop-eu"), &name("web"), &public).await.unwrap();
    let two = world.ec2.ensure_key(&name("shop"), &name("eu-web"), &public).await.unwrap();
    assert_ne!(one.name, two.name);
    assert_eq!(world.sim.calls().count("DeleteKeyPair"), 0);
    assert_eq!(world.ec2.remove_keys(&name("shop")).await.unwrap().len(), 2);
    assert_eq!(world.ec2.remove_keys(&name("shop-eu")).await.unwrap().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_pair_that_somebody_else_made_under_the_name_is_neither_used_nor_deleted() {
    let world = World::new().await;
    let folder = tempfile::tempdir().unwrap();
    let client = aws_sdk_ec2::Client::new(&world.sim.sdk_config());
    client.create_key_pair().key_name("ec2-stories.shop.web").send().await.unwrap();
    let spec = KeyPairSpec::Generated(folder.path().join("web.pem"));
    let ensure = async || world.ec2.ensure_key(&name("shop"), &name("web"), &spec).await.unwrap_err().kind();
    assert_eq!(ensure().await, ErrorKind::Conflict);
    std::fs::write(folder.path().join("web.pem"), "anything").unwrap();
    assert_eq!(ensure().await, ErrorKind::Conflict);
    assert!(world.ec2.remove_keys(&name("shop")).await.unwrap().is_empty());
    assert_eq!(world.sim.calls().count("DeleteKeyPair"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_public_key_is_imported_once_and_removed_with_the_deployment() {
    let world = World::new().await;
    let spec = KeyPairSpec::PublicKey(PUBLIC.to_owned());
    world.sim.faults().nth("ImportKeyPair", 1, Fault::ReplyLostAfter);
    let pair = world.ec2.ensure_key(&name("shop"), &name("web"), &spec).await.unwrap();
    let again = world.ec2.ensure_key(&name("shop"), &name("web"), &spec).await.unwrap();
    assert_eq!(pair.name, again.name);
    let existing = KeyPairSpec::Existing(pair.name.clone());
    assert_eq!(world.ec2.ensure_key(&name("other"), &name("web"), &existing).await.unwrap().name, pair.name);
    assert!(world.ec2.remove_keys(&name("other")).await.unwrap().is_empty());
    assert_eq!(world.ec2.remove_keys(&name("shop")).await.unwrap(), [pair.name]);
    assert!(world.ec2.remove_keys(&name("shop")).await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_is_said() {
    let world = World::new().await;
    let ensure = async |spec: KeyPairSpec| {
        world.ec2.ensure_key(&name("shop"), &name("web"), &spec).await.unwrap_err().kind()
    };
    assert_eq!(ensure(KeyPairSpec::Existing("none".into())).await, ErrorKind::NotFound);
    assert_eq!(ensure(KeyPairSpec::PublicKey("ssh-ed25519 nonsense".to_owned())).await, ErrorKind::Invalid);
    assert_eq!(ensure(KeyPairSpec::Generated("/no/such/folder/key.pem".into())).await, ErrorKind::Io);
    assert_eq!(world.sim.calls().count("CreateKeyPair"), 0);
}
