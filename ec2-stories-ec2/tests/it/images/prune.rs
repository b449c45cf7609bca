//! Removing what is old.

use std::time::Duration;

use ec2_stories_core::image::{ImageSpec, Retention};
use ec2_stories_core::provider::{ImageRegistry, InstanceDeployer};
use ec2_stories_ec2::Prune;
use ec2_stories_sim::ImageSeed;

use super::upload;
use crate::support::{World, request, within};

#[tokio::test(start_paused = true)]
async fn what_is_old_and_not_in_use_goes() {
    let world = World::new().await;
    world.sim.add_image(ImageSeed::builder().name("web-0").build());
    let mut images = Vec::new();
    for number in 1..=4 {
        let name = format!("web-{number}");
        let image = world.ec2.register(&upload(&world.sim, &name), &ImageSpec::named(&name)).await.unwrap();
        images.push(image);
    }
    let launch = world.ec2.launch(&request(&images[0], "t1", 1)).await.unwrap();
    tokio::time::sleep(Duration::from_secs(60)).await;
    let names: Vec<_> = world.ec2.published().await.unwrap().into_iter().map(|image| image.name).collect();
    assert_eq!(names, ["web-4", "web-3", "web-2", "web-1"], "newest first, and none of others");

    let retention = Retention { keep: 2, younger_than: Duration::ZERO };
    for dry_run in [true, false] {
        let pruned = world.ec2.prune(&Prune { retention, dry_run }, world.sim.now()).await.unwrap();
        assert_eq!(pruned.removed.iter().map(|image| &image.id).collect::<Vec<_>>(), [&images[1].id]);
        assert_eq!(pruned.in_use.iter().map(|image| &image.id).collect::<Vec<_>>(), [&images[0].id]);
        assert!(pruned.failed.is_empty());
    }
    assert!(world.ec2.get_image(&images[1].id).await.unwrap().is_none());

    let id = &launch.instances[0].id;
    world.ec2.terminate(std::slice::from_ref(id)).await.unwrap();
    let goal = ec2_stories_core::provider::Goal::Terminated;
    world.ec2.wait(id, goal, within(300)).await.unwrap();
    let all = Retention { keep: 0, younger_than: Duration::ZERO };
    let pruned = world.ec2.prune(&Prune { retention: all, dry_run: false }, world.sim.now()).await.unwrap();
    assert_eq!(pruned.removed.len(), 3);
    world.sim.assert_clean();
}
