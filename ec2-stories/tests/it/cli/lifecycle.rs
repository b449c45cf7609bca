//! Up, seen, and down again.

use std::collections::BTreeSet;
use std::time::Duration;

use ec2_stories::sim::Latencies;
use tokio::net::TcpListener;

use super::{STORY, Shop, Started};

#[tokio::test(flavor = "multi_thread")]
async fn a_story_is_planned_started_left_seen_and_terminated() {
    let shop = Shop::new(&format!("mode = 'production'\n{STORY}")).await;
    let plan = shop.run("plan", &[]).await.expect(0).json();
    assert_eq!(plan["fleets"][0]["nodes"], 2);
    assert_eq!(shop.sim.instances().len(), 0, "a plan spends nothing");

    shop.run("start", &["--detach"]).await.expect(0);
    assert_eq!(shop.alive(), 2);
    let status = shop.run("status", &[]).await.expect(0).json();
    let shown = |node: usize| status["nodes"][node]["instance"]["id"].as_str().unwrap().to_owned();
    let running: Vec<_> = shop.sim.running().into_iter().map(|instance| instance.id).collect();
    assert_eq!(BTreeSet::from([shown(0), shown(1)]), BTreeSet::from_iter(running));
    shop.run("ping", &[]).await.expect(0);
    shop.run("sweep", &[]).await.expect(0);

    let report = shop.run("terminate", &[]).await.expect(0).json();
    assert_eq!((&report["ending"], &report["leaks"]), (&"terminated".into(), &serde_json::json!([])));
    shop.sim.assert_clean();
    shop.run("ping", &[]).await.expect(1);
    shop.run("terminate", &[]).await.expect(0);
    assert_eq!(shop.sim.instances().len(), 2, "nothing was launched beside the two");
}

#[tokio::test(flavor = "multi_thread")]
async fn dev_nodes_go_down_at_ctrl_c_at_sigterm_and_at_the_terminals_end() {
    let goes_down = async |signal| {
        let shop = Shop::new(STORY).await;
        let mut start = shop.start(&[]);
        start.ready().await;
        assert_eq!(shop.alive(), 2);
        start.signal(signal);
        start.end().await.expect(0);
        shop.sim.assert_clean();
    };
    tokio::join!(goes_down("INT"), goes_down("TERM"), goes_down("HUP"));
}

#[tokio::test(flavor = "multi_thread")]
async fn production_nodes_stay_at_ctrl_c_and_the_next_start_adopts_them() {
    let shop = Shop::new(&format!("mode = 'production'\n{STORY}")).await;
    // Without a journal a start knows what a search by tag shows; these are old enough to be shown.
    shop.sim.set_latencies(Latencies::none());
    for _ in 0..2 {
        let mut start = shop.start(&[]);
        start.ready().await;
        start.signal("INT");
        start.end().await.expect(0);
        assert_eq!(shop.sim.instances().len(), 2);
        assert_eq!(shop.alive(), 2);
    }
    // The journal gone, the tags are enough.
    std::fs::remove_dir_all(shop.path(".ec2-stories")).unwrap();
    let mut start = shop.start(&[]);
    start.ready().await;
    assert_eq!(shop.sim.instances().len(), 2);
    start.signal("INT");
    start.end().await.expect(0);
    shop.run("terminate", &[]).await.expect(0);
    shop.sim.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_before_the_nodes_are_ready_leaves_nothing() {
    let shop = Shop::new(STORY).await;
    let start = shop.start(&[]);
    shop.until("a launch", |sim| sim.instances().len() == 2).await;
    start.signal("INT");
    start.end().await.expect(130);
    shop.sim.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_ctrl_c_ends_a_start_whose_cloud_never_answers() {
    let shop = Shop::new(STORY).await;
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut command = shop.command("start", &[]);
    command.env("AWS_ENDPOINT_URL", format!("http://{}", silent.local_addr().unwrap()));
    let start = Started::spawn(command);
    let _deciding = silent.accept().await.unwrap();
    start.signal("INT");
    let _terminating = silent.accept().await.unwrap();
    start.signal("INT");
    let ended = start.end().await.expect(130);
    assert!(ended.stderr.contains("ec2-stories terminate"), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_ctrl_c_does_not_wait_for_nodes_that_go_down() {
    let shop = Shop::new(STORY).await;
    let mut start = shop.start(&[]);
    start.ready().await;
    shop.sim.set_latencies(Latencies::builder().terminate(Duration::from_secs(600)).build());
    start.signal("INT");
    shop.until("the nodes go down", |sim| sim.running().is_empty()).await;
    start.signal("INT");
    start.end().await.expect(130);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_cannot_become_ready_fails_and_leaves_nothing() {
    let shop = Shop::new(STORY).await;
    for zone in ["us-east-1a", "us-east-1b", "us-east-1c"] {
        shop.sim.set_capacity("t3.micro", zone, 0);
    }
    let start = shop.run("start", &[]).await.expect(1);
    assert!(start.stderr.contains("InsufficientInstanceCapacity"), "{start:?}");
    shop.sim.assert_clean();
}

/// The simulation reads who signs and for where; it does not check the signature.
const SIGNED: &str = "AWS4-HMAC-SHA256 Credential=AKIASIMULATED0000001/20260101/us-east-1/ec2/aws4_request, \
                      SignedHeaders=host, Signature=0";

#[tokio::test(flavor = "multi_thread")]
async fn a_stray_makes_a_sweep_unclean() {
    let shop = Shop::new(&format!("mode = 'production'\n{STORY}")).await;
    shop.sim.set_latencies(Latencies::none());
    shop.run("start", &["--detach"]).await.expect(0);
    shop.run("sweep", &[]).await.expect(0);
    // Someone copied a tag.
    let image = &shop.sim.running()[0].image_id;
    let launch = format!(
        "Action=RunInstances&Version=2016-11-15&ImageId={image}&InstanceType=t3.micro&MinCount=1&MaxCount=1\
         &TagSpecification.1.ResourceType=instance&TagSpecification.1.Tag.1.Key=ec2-stories%3Adeployment\
         &TagSpecification.1.Tag.1.Value=shop"
    );
    let launched = shop
        .sim
        .handle(http::Request::post("/").header("authorization", SIGNED).body(launch.into()).unwrap())
        .await
        .unwrap();
    assert_eq!(launched.status(), 200);

    let sweep = shop.run("sweep", &[]).await.expect(4).json();
    assert_eq!(sweep["strays"][0]["terminated"], false);
    assert_eq!(shop.alive(), 3, "what is not certainly ours is reported, not taken down");
}
