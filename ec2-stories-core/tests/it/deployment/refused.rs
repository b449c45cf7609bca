//! What the cloud refuses for good.

use std::time::Duration;

use ec2_stories_core::memory::{Fault, Operation};
use ec2_stories_core::model::Mode;
use ec2_stories_core::{Error, ErrorKind};
use tokio::time::sleep;

use super::world::{World, debian};

#[tokio::test(start_paused = true)]
async fn a_fleet_that_may_not_grow_says_so_and_grows_when_it_is_asked_anew() {
    let world = World { mode: Mode::Production, ..World::new() };
    let shop = world.shop([debian("web", 2).build().unwrap()]);
    let running = shop.start().await.unwrap();
    running.ready().await.unwrap();
    let refuse = || {
        let refused = Error::new(ErrorKind::Forbidden, "you may not").code("UnauthorizedOperation");
        world.cloud.fail(Operation::Launch, Fault::Error(refused));
    };
    refuse();
    let web = "web".parse().unwrap();
    running.scale(&web, 3).await.unwrap();
    let ready = tokio::time::timeout(Duration::from_secs(60), running.ready()).await;
    assert_eq!(ready.unwrap().unwrap_err().kind(), ErrorKind::Forbidden);
    assert!(shop.status().await.unwrap().to_string().contains("you may not"));
    assert!(running.nodes()[2].error.as_ref().unwrap().contains("you may not"));
    sleep(Duration::from_secs(24 * 3600)).await;
    assert_eq!(world.cloud.script().count(Operation::Launch), 2, "nobody asked for it again");

    running.scale(&web, 4).await.unwrap();
    running.ready().await.unwrap();
    assert_eq!(world.cloud.live(), 4);
    // Another start is another order.
    refuse();
    running.scale(&web, 5).await.unwrap();
    running.ready().await.unwrap_err();
    running.kill().await;
    assert!(shop.status().await.unwrap().to_string().contains("you may not"));
    let running = shop.start().await.unwrap();
    running.ready().await.unwrap();
    assert_eq!(world.cloud.live(), 5);
    running.terminate().await.unwrap().assert_clean();
    world.assert_nothing_is_left();
}
