//! Credentials rotate while a deployment is up.

use std::os::unix::fs::PermissionsExt;

use super::{STORY, Shop};

fn write_key(shop: &Shop, id: &str, mode: u32) {
    // As rotation does it: a new file takes the old one's place at once.
    let (new, path) = (shop.path("keys.new"), shop.path("keys.toml"));
    let text = format!("access_key_id = '{id}'\nsecret_access_key = 'of {id}'\nregion = 'us-east-1'\n");
    std::fs::write(&new, text).unwrap();
    std::fs::set_permissions(&new, std::fs::Permissions::from_mode(mode)).unwrap();
    std::fs::rename(new, path).unwrap();
}

async fn shop() -> Shop {
    let account = "[account]\nprovider = 'secret-file'\npath = 'keys.toml'\n";
    let mut shop = Shop::new(&STORY.replace("[[fleet]]", &format!("{account}\n[[fleet]]"))).await;
    shop.variables.clear();
    shop
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_change_between_launch_and_terminate_are_picked_up() {
    let shop = shop().await;
    write_key(&shop, "AKIAFIRST00000000001", 0o600);
    shop.sim.accept_only("AKIAFIRST00000000001");
    let mut start = shop.start(&[]);
    start.ready().await;

    write_key(&shop, "AKIASECOND0000000001", 0o600);
    shop.sim.accept_only("AKIASECOND0000000001");
    start.signal("INT");
    start.end().await.expect(0);
    shop.sim.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_file_that_others_may_read_is_refused() {
    let shop = shop().await;
    write_key(&shop, "AKIAFIRST00000000001", 0o640);
    let refused = shop.run("start", &[]).await.expect(1);
    assert!(refused.stderr.contains("keys.toml"), "{refused:?}");
    assert_eq!(shop.sim.calls().total(), 0);
}
