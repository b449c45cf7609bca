//! A story whose image is a file.

use serde_json::Value;
use tokio::process::Command;

use super::{desk, disk};

const MIB: usize = 1024 * 1024;

const STORY: &str = "name = 'shop'\n\n[[fleet]]\nname = 'web'\nnodes = 1\nimage = { file = 'web.raw' }\n";

#[tokio::test(flavor = "multi_thread")]
async fn the_file_is_uploaded_when_it_starts_and_only_once() {
    let shop = desk(STORY).await;
    disk(&shop, "web.raw", 2 * MIB);
    let plan = shop.run("plan", &[]).await.expect(0);
    let upload = |plan: &Value| plan["fleets"][0]["upload"].clone();
    assert_eq!(upload(&plan.json())["bytes"], 2 * MIB);
    let text = super::Ended::of(shop.for_people("plan", &[])).await.expect(0).stdout;
    assert!(text.contains("before web: upload web.raw (2.0 MiB), register it as web-"), "{text}");
    for nothing in ["StartSnapshot", "RegisterImage"] {
        assert_eq!(shop.sim.calls().count(nothing), 0, "a plan does nothing");
    }

    let mut start = shop.start(&[]);
    start.ready().await;
    start.signal("INT");
    start.end().await.expect(0);
    let plan = shop.run("plan", &[]).await.expect(0).json();
    assert_eq!(upload(&plan), Value::Null, "the cloud has it");
    assert!(plan["fleets"][0]["image"].as_str().unwrap().starts_with("ami-"), "{plan}");
    let mut again = shop.start(&[]);
    again.ready().await;
    again.signal("INT");
    again.end().await.expect(0);
    for once in ["StartSnapshot", "RegisterImage"] {
        assert_eq!(shop.sim.calls().count(once), 1, "{once}");
    }
    assert_eq!(shop.sim.running().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_is_a_finding_at_its_place() {
    let shop = desk(STORY).await;
    std::fs::write(shop.path("web.raw"), "<html>404</html>").unwrap();
    let plan = shop.run("plan", &[]).await.expect(3).json();
    let finding = &plan["findings"][0];
    assert_eq!((&finding["field"], &finding["line"]), (&"fleet.web.image".into(), &6.into()), "{plan}");
    shop.run("start", &[]).await.expect(3);
    std::fs::remove_file(shop.path("web.raw")).unwrap();
    shop.run("plan", &[]).await.expect(3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_only_a_bucket_could_take_is_a_finding_without_one() {
    let shop = desk(&STORY.replace("web.raw", "web.vmdk")).await;
    disk(&shop, "web.raw", MIB);
    let convert = ["convert", "-f", "raw", "-O", "vmdk", "-o", "subformat=streamOptimized"];
    let mut qemu = Command::new("qemu-img");
    let converted =
        qemu.args(convert).args(["web.raw", "web.vmdk"]).current_dir(shop.folder.path()).output().await;
    assert!(converted.unwrap().status.success());
    let plan = shop.run("plan", &[]).await.expect(3).json();
    let finding = &plan["findings"][0];
    assert_eq!((&finding["field"], &finding["line"]), (&"fleet.web.image".into(), &6.into()), "{plan}");
    let message = finding["message"].as_str().unwrap();
    assert!(message.contains("image_bucket") && message.contains("qemu-img"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn with_an_image_bucket_it_goes_through_that() {
    let story = format!("{STORY}\n[account]\nimage_bucket = '{}'\n", super::BUCKET);
    let shop = desk(&story).await;
    disk(&shop, "web.raw", MIB);
    let mut start = shop.start(&[]);
    start.ready().await;
    start.signal("INT");
    start.end().await.expect(0);
    assert_eq!(shop.sim.calls().count("ImportSnapshot"), 1);
    assert_eq!(shop.sim.object_keys(super::BUCKET).len(), 1);
}
