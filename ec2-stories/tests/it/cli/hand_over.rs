//! Two terminals, one deployment.

use super::{STORY, Shop};

#[tokio::test(flavor = "multi_thread")]
async fn a_second_controller_is_refused_and_told_who_has_it() {
    let shop = Shop::new(STORY).await;
    let mut first = shop.start(&[]);
    first.ready().await;
    let pid = first.child.id().unwrap().to_string();
    let second = shop.run("start", &[]).await.expect(5);
    assert!(second.stderr.contains(&pid), "{second:?}");
    shop.run("ping", &[]).await.expect(0);
    first.signal("INT");
    first.end().await.expect(0);
    shop.sim.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn detach_from_another_process_leaves_the_nodes() {
    let shop = Shop::new(STORY).await;
    let mut start = shop.start(&[]);
    start.ready().await;
    shop.run("detach", &[]).await.expect(0);
    start.end().await.expect(0);
    assert_eq!(shop.alive(), 2);
    shop.run("detach", &[]).await.expect(0);
    shop.run("terminate", &[]).await.expect(0);
    shop.sim.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn terminate_from_another_process_ends_the_first() {
    let shop = Shop::new(STORY).await;
    let mut start = shop.start(&[]);
    start.ready().await;
    shop.run("terminate", &[]).await.expect(0);
    start.end().await.expect(0);
    shop.sim.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_word_for_a_controller_that_is_gone_does_not_reach_the_next() {
    let shop = Shop::new(STORY).await;
    let mut killed = shop.start(&[]);
    killed.ready().await;
    let detach = shop.command("detach", &[]).spawn().unwrap();
    killed.child.kill().await.unwrap();
    drop(detach);
    let mut next = shop.start(&[]);
    next.ready().await;
    shop.run("ping", &[]).await.expect(0);
    next.signal("INT");
    next.end().await.expect(0);
    shop.sim.assert_clean();
}
