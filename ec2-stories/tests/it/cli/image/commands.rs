//! Each command on its own.

use serde_json::Value;

use super::super::{Ended, STORY, Shop};
use super::{BUCKET, desk, disk, image};

const MIB: usize = 1024 * 1024;

fn json(ended: &Ended) -> Value {
    ended.json()
}

fn nothing_is_left(shop: &Shop) {
    let leaks = shop.sim.leaks();
    assert!(leaks.is_empty(), "{leaks}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_uploaded_registered_listed_and_removed() {
    let shop = desk(STORY).await;
    disk(&shop, "web.raw", 9 * MIB);
    let upload = ["upload", "web.raw", "--bucket", BUCKET, "--json"];
    let uploaded = Ended::of(image(&shop, &upload)).await.expect(0);
    assert_eq!(json(&uploaded)["bytes"], 9 * MIB);
    std::fs::write(shop.path("uploaded.json"), &uploaded.stdout).unwrap();
    let again = Ended::of(image(&shop, &upload)).await.expect(0);
    assert_eq!(json(&again), json(&uploaded));
    assert_eq!(shop.sim.calls().count("CompleteMultipartUpload"), 1, "the same content is sent once");

    let register = ["register", "uploaded.json", "--name", "web-7", "--tag", "team=shop", "--json"];
    let registered = Ended::of(image(&shop, &register)).await.expect(0);
    assert_eq!(json(&registered)["tags"]["team"], "shop");
    let id = json(&registered)["id"].as_str().unwrap().to_owned();
    let listed = Ended::of(image(&shop, &["list", "--json"])).await.expect(0);
    assert_eq!(json(&listed)["images"][0]["id"], id.as_str());
    let listed = Ended::of(image(&shop, &["list"])).await.expect(0);
    assert!(listed.stdout.contains(&id) && listed.stdout.contains("web-7"), "{listed:?}");

    let remove = ["remove", &id, "--bucket", BUCKET, "--json"];
    let removed = Ended::of(image(&shop, &remove)).await.expect(0);
    assert_eq!(json(&removed)["removed"], serde_json::json!([id]));
    assert!(removed.stderr.contains("--copies-in"), "{removed:?}");
    let nothing = Ended::of(image(&shop, &remove)).await.expect(0);
    assert_eq!(json(&nothing)["removed"], serde_json::json!([]));
    nothing_is_left(&shop);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_buckets_name_is_refused_and_stands_in_no_removals_way() {
    let shop = desk(STORY).await;
    disk(&shop, "web.raw", MIB);
    let publish = ["publish", "web.raw", "--name", "web-7", "--bucket", "My_images"];
    let refused = Ended::of(image(&shop, &publish)).await.expect(2);
    assert!(refused.stderr.contains("--bucket: \"My_images\""), "{refused:?}");
    Ended::of(image(&shop, &["remove", "web-7", "--file", "web.raw"])).await.expect(0);
    nothing_is_left(&shop);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_file_was_that_is_another_now_is_removed_by_its_journal() {
    let shop = desk(STORY).await;
    disk(&shop, "web.raw", MIB);
    Ended::of(image(&shop, &["publish", "web.raw", "--name", "web-7", "--direct"])).await.expect(0);
    std::fs::write(shop.path("web.raw"), "<html>").unwrap();
    let refused = Ended::of(image(&shop, &["remove", "web-7", "--file", "web.raw"])).await.expect(1);
    assert!(refused.stderr.contains("--journal '.ec2-stories/images'"), "{refused:?}");
    let by_journal = ["remove", "web-7", "--journal", ".ec2-stories/images"];
    Ended::of(image(&shop, &by_journal)).await.expect(0);
    nothing_is_left(&shop);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_refuses_stands_in_no_removals_way() {
    let shop = desk(STORY).await;
    disk(&shop, "web.raw", MIB);
    shop.sim.deny("s3:PutObject");
    shop.sim.deny("s3:DeleteObject");
    Ended::of(image(&shop, &["publish", "web.raw", "--name", "web-7", "--bucket", BUCKET])).await.expect(1);
    let remove = ["remove", "web-7", "--file", "web.raw"];
    let removed = Ended::of(image(&shop, &remove)).await.expect(0);
    assert!(removed.stderr.contains("s3://images: not looked at"), "{removed:?}");
    let again = Ended::of(image(&shop, &remove)).await.expect(0);
    assert!(again.stderr.contains("no such image"), "{again:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_published_to_two_regions_once_and_its_traces_removed() {
    let shop = desk(STORY).await;
    disk(&shop, "web.raw", 3 * MIB);
    let publish = |way: &'static [&'static str]| {
        let publish = ["publish", "web.raw", "--name", "web-7", "--unencrypted"];
        let reach = ["--share", "210987654321", "--copy-to", "eu-west-1", "--json"];
        let arguments: Vec<&str> = [&publish[..], &reach, way].concat();
        Ended::of(image(&shop, &arguments))
    };
    let published = publish(&["--direct"]).await.expect(0);
    let id = json(&published)["own"]["image"]["id"].as_str().unwrap().to_owned();
    assert_eq!(json(&published)["stage"], "published");
    assert_eq!(json(&published)["copies"]["eu-west-1"]["shared"][0], "210987654321");
    assert!(published.stderr.contains("uploading web.raw"), "{published:?}");
    assert!(shop.path(".ec2-stories/images").is_dir(), "the journal is beside the file");
    let made = shop.sim.calls().count("PutSnapshotBlock");
    // By the other way it is the same image.
    let again = publish(&["--bucket", BUCKET]).await.expect(0);
    assert_eq!(json(&again)["own"]["image"]["id"], id.as_str());
    assert_eq!(shop.sim.calls().count("PutSnapshotBlock"), made);
    assert!(shop.sim.object_keys(BUCKET).is_empty(), "what is registered is not uploaded");

    disk(&shop, "other.raw", 2 * MIB);
    let other = ["publish", "other.raw", "--name", "web-7", "--direct"];
    let conflict = Ended::of(image(&shop, &other)).await.expect(1);
    assert!(conflict.stderr.contains("web-7"), "{conflict:?}");
    let remove = ["remove", "web-7", "--copies-in", "eu-west-1", "--json"];
    let removed = Ended::of(image(&shop, &remove)).await.expect(0);
    assert_eq!(json(&removed)["removed"].as_array().unwrap().len(), 2, "{removed:?}");
    nothing_is_left(&shop);
    // The journal still speaks of what was removed; the name is free all the same.
    std::fs::rename(shop.path("other.raw"), shop.path("web.raw")).unwrap();
    let published = publish(&["--direct"]).await.expect(0);
    assert_ne!(json(&published)["own"]["image"]["id"], id.as_str());
}

#[tokio::test(flavor = "multi_thread")]
async fn on_the_embedded_cloud_a_publication_can_be_tried() {
    let shop = desk(STORY).await;
    disk(&shop, "web.raw", MIB);
    let publish = ["publish", "web.raw", "--name", "web-7", "--bucket", "tried", "--cloud", "embedded"];
    let published = Ended::of(image(&shop, &publish)).await.expect(0);
    assert!(published.stdout.starts_with("web-7 in us-east-1: ami-"), "{published:?}");
    assert_eq!(shop.sim.calls().total(), 0);
    Ended::of(image(&shop, &["list", "--cloud", "embedded"])).await.expect(2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_refused_with_what_to_change() {
    let shop = desk(STORY).await;
    disk(&shop, "web.raw", MIB);
    std::fs::write(shop.path("page.raw"), "<html>404</html>").unwrap();
    let says = |arguments: &[&str], exit: i32, what: &'static str| {
        let process = image(&shop, arguments);
        async move {
            let ended = Ended::of(process).await.expect(exit);
            assert!(ended.stderr.contains(what), "{what}: {ended:?}");
        }
    };
    says(&["publish", "web.raw", "--name", "web-7"], 2, "--bucket").await;
    says(&["publish", "web.raw", "--name", "x", "--direct"], 2, "--name: 3 to 128").await;
    says(&["publish", "web.raw", "--name", "web-7", "--direct", "--bucket", "b"], 2, "cannot be used").await;
    let shared = ["publish", "web.raw", "--name", "web-7", "--direct", "--share", "210987654321"];
    says(&shared, 2, "--unencrypted").await;
    says(&["upload", "page.raw", "--direct"], 1, "page.raw").await;
    says(&["upload", "nothing.raw", "--direct"], 1, "nothing.raw").await;
    says(&["register", "web.raw", "--name", "web-7"], 2, "image upload --json").await;
    says(&["publish", "web.raw", "--name", "web-7", "--direct", "--tag", "x"], 2, "KEY=VALUE").await;
    let mut away = image(&shop, &["publish", "web.raw", "--name", "web-7", "--direct"]);
    away.env_remove("AWS_ENDPOINT_URL").env("AWS_ENDPOINT_URL_EC2", shop.cloud.url());
    let ended = Ended::of(away).await.expect(2);
    assert!(ended.stderr.contains("EBS would be called beyond this machine"), "{ended:?}");
    assert_eq!(shop.sim.calls().total(), 0);
}
