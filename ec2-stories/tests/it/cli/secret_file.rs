//! Secret files at the command line.

use std::os::unix::fs::PermissionsExt;

use super::{STORY, Shop};

async fn shop(mode: u32) -> Shop {
    let account = "[account]\nprovider = 'secret-file'\npath = 'keys.toml'\n";
    let mut shop = Shop::new(&STORY.replace("[[fleet]]", &format!("{account}\n[[fleet]]"))).await;
    shop.variables.clear();
    let path = shop.path("keys.toml");
    std::fs::write(&path, "access_key_id = 'AKIAFILE'\nsecret_access_key = 'x'\nregion = 'eu-west-1'\n")
        .unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    shop.sim.accept_only("AKIAFILE");
    shop
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_file_beside_the_story_is_used() {
    let shop = shop(0o600).await;
    shop.run("plan", &[]).await.expect(0);
    assert!(shop.sim.calls_log().iter().all(|call| call.region == "eu-west-1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_file_that_others_may_read_is_refused() {
    let shop = shop(0o640).await;
    let refused = shop.run("start", &[]).await.expect(1);
    assert!(refused.stderr.contains("keys.toml"), "{refused:?}");
    assert_eq!(shop.sim.calls().total(), 0);
}
