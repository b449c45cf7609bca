//! Up, seen, and down again.

use ec2_stories::sim::Latencies;

use super::{STORY, Shop};

#[tokio::test(flavor = "multi_thread")]
async fn a_story_is_planned_started_left_seen_and_terminated() {
    let shop = Shop::new(&format!("mode = 'production'\n{STORY}")).await;
    shop.run("plan", &[]).await.expect(0);
    assert_eq!(shop.sim.instances().len(), 0, "a plan spends nothing");

    shop.run("start", &["--detach"]).await.expect(0);
    assert_eq!(shop.alive(), 2);
    let status = shop.run("status", &[]).await.expect(0);
    for instance in shop.sim.running() {
        assert!(status.stdout.contains(&instance.id), "{status:?}");
    }
    shop.run("ping", &[]).await.expect(0);
    shop.run("sweep", &[]).await.expect(0);

    shop.run("terminate", &[]).await.expect(0);
    shop.sim.assert_clean();
    shop.run("ping", &[]).await.expect(1);
    shop.run("terminate", &[]).await.expect(0);
    assert_eq!(shop.sim.instances().len(), 2, "nothing was launched beside the two");
}

#[tokio::test(flavor = "multi_thread")]
async fn dev_nodes_go_down_at_ctrl_c_and_at_sigterm() {
    for signal in ["INT", "TERM"] {
        let shop = Shop::new(STORY).await;
        let mut start = shop.start(&[]);
        start.ready().await;
        assert_eq!(shop.alive(), 2);
        start.signal(signal);
        start.end().await.expect(0);
        shop.sim.assert_clean();
    }
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
