//! What a controller does not give up on: an instance that is not terminated, a node for which there is no room.

use std::time::Duration;

use ec2_stories_core::deployment::EventKind;
use ec2_stories_core::deployment::machine::Phase;
use ec2_stories_core::memory::{Fault, Operation};
use ec2_stories_core::{Error, ErrorKind};
use futures::StreamExt;
use tokio::time::sleep;

use super::replacement::{Shop, is_live, node, until};
use super::world::debian;

#[tokio::test(start_paused = true)]
async fn a_terminate_that_is_refused_for_an_hour_is_tried_until_it_is_not() {
    let shop = Shop::new();
    let running = shop.start([shop.web(3)]).await;
    let mut events = Box::pin(running.events());
    for _ in 0..5 {
        let refused = Error::new(ErrorKind::Forbidden, "termination is disabled");
        shop.world.cloud.fail(Operation::Terminate, Fault::Error(refused));
    }
    shop.dead("web/1");
    until(&running, "web/1", |node| node.phase == Phase::Failed).await;
    let until_the_last = Duration::from_secs(60 + 120 + 240 + 480);
    sleep(until_the_last / 2).await;
    assert_eq!(shop.world.cloud.instances().len(), 3, "nothing is launched beside it");
    until(&running, "web/1", is_live(2)).await;
    assert_eq!((shop.world.cloud.instances().len(), shop.world.cloud.live()), (4, 3));
    running.ready().await.unwrap();
    running.terminate().await.unwrap().assert_clean();
    let mut told = 0;
    while let Some(event) = events.next().await {
        let is_problem =
            |why: &str| why.contains("tried again in") && why.contains("termination is disabled");
        told += u32::from(matches!(&event.kind, EventKind::Problem(why) if is_problem(why)));
    }
    assert_eq!(told, 5, "each time that it is given up for a while");
    shop.world.assert_nothing_is_left();
}

#[tokio::test(start_paused = true)]
async fn a_node_that_a_fleet_is_to_have_more_is_launched_once_there_is_room() {
    let shop = Shop::new();
    shop.world.cloud.capacity("t3.micro", "eu-west-1a", 2);
    let web = || debian("web", 2).zones(["eu-west-1a"]).build().unwrap();
    let running = shop.start([web()]).await;
    running.scale(&"web".parse().unwrap(), 3).await.unwrap();
    sleep(Duration::from_secs(600)).await;
    assert_eq!(node(&running, "web/2").phase, Phase::Resting);
    running.kill().await;
    let running = shop.describe([web()]).start().await.unwrap();
    sleep(Duration::from_secs(600)).await;
    assert_eq!(node(&running, "web/2").phase, Phase::Resting, "{:?}", running.nodes());
    shop.world.cloud.capacity("t3.micro", "eu-west-1a", 3);
    running.ready().await.unwrap();
    assert_eq!(shop.world.cloud.live(), 3);
    running.terminate().await.unwrap().assert_clean();
    shop.world.assert_nothing_is_left();
}
