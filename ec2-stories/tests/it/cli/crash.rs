//! The controller dies; the next one goes on.

use super::{STORY, Shop};

#[tokio::test(flavor = "multi_thread")]
async fn killed_after_the_launch_nothing_is_launched_twice() {
    let shop = Shop::new(STORY).await;
    let mut start = shop.start(&[]);
    shop.until("a launch", |sim| sim.instances().len() == 2).await;
    start.child.kill().await.unwrap();
    assert_eq!(shop.sim.instances().len(), 2, "a dead controller takes nothing down");

    let mut again = shop.start(&[]);
    again.ready().await;
    assert_eq!(shop.sim.instances().len(), 2);
    again.signal("INT");
    again.end().await.expect(0);
    shop.sim.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_when_ready_another_process_takes_the_nodes_down() {
    let shop = Shop::new(STORY).await;
    let mut start = shop.start(&[]);
    start.ready().await;
    start.child.kill().await.unwrap();
    shop.run("ping", &[]).await.expect(0);
    shop.run("terminate", &[]).await.expect(0);
    shop.sim.assert_clean();
}
