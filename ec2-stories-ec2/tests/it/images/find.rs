//! Finding images.

use ec2_stories_core::model::{Architecture, Image};
use ec2_stories_core::provider::ImageRegistry;
use ec2_stories_sim::ImageSeed;
use std::time::Duration;

use crate::support::World;

#[tokio::test(start_paused = true)]
async fn the_newest_of_a_pattern_is_found() {
    let world = World::new().await;
    world.sim.add_image(ImageSeed::builder().name("web-7").build());
    tokio::time::sleep(Duration::from_secs(60)).await;
    let newest = world.sim.add_image(ImageSeed::builder().name("web-8").build());
    world.sim.add_image(ImageSeed::builder().name("web-9").architecture("arm64").build());
    let Image::Newest(query) = Image::own("web-*", Architecture::X86_64) else { unreachable!() };
    assert_eq!(world.ec2.find_image(&query).await.unwrap().unwrap().id.as_str(), newest);
    let Image::Newest(none) = Image::own("db-*", Architecture::X86_64) else { unreachable!() };
    assert_eq!(world.ec2.find_image(&none).await.unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn public_names_lead_to_images() {
    let world = World::new().await;
    for name in Image::public_names() {
        for architecture in [Architecture::X86_64, Architecture::Arm64] {
            let query = Image::public_query(name, architecture).unwrap();
            let image = world.ec2.find_image(&query).await.unwrap();
            let Some(image) = image else { continue };
            assert_eq!(image.architecture, architecture.as_str());
            assert!(image.root_device.is_some());
        }
    }
    assert_eq!(world.ec2.get_image(&world.image.id).await.unwrap().unwrap(), world.image);
    assert_eq!(world.ec2.get_image(&"ami-0123456789abcdef0".into()).await.unwrap(), None);
}
