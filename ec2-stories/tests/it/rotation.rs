//! Credentials rotate between launch and terminate.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use aws_credential_types::provider::SharedCredentialsProvider;
use ec2_stories::aws::AccountCredentials;
use ec2_stories::prelude::*;

const FIRST: &str = "AKIAFIRST00000000001";
const SECOND: &str = "AKIASECOND0000000001";

/// As a rotation does it: the new file takes the old one's place at once.
fn write_key(path: &Path, id: &str) {
    let new = path.with_extension("new");
    std::fs::write(&new, format!("access_key_id = '{id}'\nsecret_access_key = 'of {id}'\n")).unwrap();
    std::fs::set_permissions(&new, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::rename(new, path).unwrap();
}

#[tokio::test(start_paused = true)]
async fn keys_that_rotate_between_launch_and_terminate_are_picked_up() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.toml");
    write_key(&path, FIRST);

    let sim = Sim::builder().seed(7).build();
    sim.accept_only(FIRST);
    let account = AccountCredentials::new(Arc::new(SecretFile::at(&path)), sim.clock());
    let ec2 = Ec2::from_config(
        &sim.sdk_config()
            .into_builder()
            .credentials_provider(SharedCredentialsProvider::new(account))
            .build(),
    );
    let shop = Deployment::builder()
        .name("shop")
        .cloud(ec2)
        .journal(MemoryStore::new())
        .clock(sim.clock())
        .fleet(Fleet::builder().name("web").nodes(2).image(Image::public("debian-12")).build().unwrap())
        .build()
        .unwrap();
    let running = shop.start().await.unwrap();
    running.ready().await.unwrap();

    // Both keys are good for a while, as AWS advises; then the first is retired.
    sim.accept_also(SECOND);
    write_key(&path, SECOND);
    tokio::time::sleep(Duration::from_secs(5 * 60)).await;
    sim.accept_only(SECOND);

    running.terminate().await.unwrap().assert_clean();
    sim.assert_clean();
}
