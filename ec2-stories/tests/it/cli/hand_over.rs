//! Two terminals, one deployment.

use ec2_stories::FileStore;
use ec2_stories::provider::{Expect, TupleStore};

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
    let pid = start.child.id().unwrap().to_string();
    assert_eq!(shop.run("detach", &[]).await.expect(0).json()["left_by"], pid);
    start.end().await.expect(0);
    assert_eq!(shop.alive(), 2);
    assert!(shop.run("detach", &[]).await.expect(0).json()["left_by"].is_null());
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
    killed.child.kill().await.unwrap();
    let journal = FileStore::open(shop.path(".ec2-stories/journal")).unwrap();
    journal.put("control/shop", b"detach", Expect::Absent).await.unwrap();
    drop(journal);
    let mut next = shop.start(&[]);
    next.ready().await;
    shop.run("ping", &[]).await.expect(0);
    next.signal("INT");
    next.end().await.expect(0);
    shop.sim.assert_clean();
}
